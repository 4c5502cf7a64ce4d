"""What ``PYTHON.json`` of a python-build-standalone archive states of its build: static libraries behind extension modules, and their licences.

Format: python-build-standalone, docs/distributions.rst, "Extension Modules" of versions 5 to 8.  Extension modules are linked into the interpreter,
and their libraries with them, unless the entry names a ``shared_lib``.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.licensing.fingerprint_scan import StaticEvidence
from inspector.facts.licensing.library_licenses import identify_library
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.static_component import StaticComponent

_DESCRIPTION = "python/PYTHON.json"
_LARGEST = 16 << 20
_MOST_VARIANTS = 4000
_LONGEST_NAME = 200


def stated_by_build(tree: Tree, scanned: Sequence[StaticComponent] = ()) -> list[StaticComponent]:
    """The libraries that the build says are linked statically, without those that a scan of the same file found already.

    :param scanned: what the scan found; it knows the version, which the statement does not.
    """
    known = {(found.name, found.path) for found in scanned}
    stated: dict[tuple[str, str], StaticComponent] = {}
    for module, variant, description in _variants(tree):
        path = _linked_into(tree, variant, description)
        libraries = [link for link in _objects(variant.get("links")) if isinstance(link.get("path_static"), str)]
        for link in libraries:
            name = link.get("name")
            if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or path is None:
                continue
            found = _component(name, module, path, _expression(variant) if len(libraries) == 1 else None)
            if (found.name, path) not in known:
                stated.setdefault((found.name, path), found)
    return list(stated.values())


def _component(library: str, module: str, path: str, stated: str | None) -> StaticComponent:
    row = identify_library(f"lib{library}.so.0")  # by its base name: a static library has no number
    expression = stated or (row.spdx if row is not None else None)
    return StaticComponent(
        name=row.project if row is not None else library,
        version=None,
        licenses=expression,
        license_class=license_class(expression),
        path=path,
        stated=stated is not None,
        evidence=(
            StaticEvidence("build information", f"{_DESCRIPTION}: the module {module} is linked with {library}"),
        ),
    )


def _variants(tree: Tree) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Name of the module, one way in which it is built, and the whole description."""
    node = tree.get(_DESCRIPTION)
    if node is None or not node.is_file or node.size > _LARGEST:
        return
    try:
        description = json.loads(node.read_at(0, node.size))
    except (ValueError, RecursionError, FormatError):
        return
    build = description.get("build_info") if isinstance(description, dict) else None
    extensions = build.get("extensions") if isinstance(build, dict) else None
    if not isinstance(extensions, dict):
        return
    count = 0
    for module, variants in extensions.items():
        for variant in _objects(variants):
            count += 1
            if count > _MOST_VARIANTS:
                return
            yield module[:_LONGEST_NAME], variant, description


def _linked_into(tree: Tree, variant: Mapping[str, Any], description: Mapping[str, Any]) -> str | None:
    """The tree path of the file that the module's code is in."""
    for written in (variant.get("shared_lib"), description.get("python_exe")):
        if isinstance(written, str) and written:
            node = tree.resolve(posixpath.join("python", written))
            if node is not None and node.is_file:
                return node.path
    return None


def _expression(variant: Mapping[str, Any]) -> str | None:
    """The module's licences, all of which apply, as one expression."""
    licenses = variant.get("licenses")
    if not isinstance(licenses, list):
        return None
    named = sorted({name for name in licenses if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME})
    if license_class(" AND ".join(named) or None) == "unknown":
        return None
    return " AND ".join(f"({name})" if " OR " in name else name for name in named)


def _objects(found: object) -> list[Mapping[str, Any]]:
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []
