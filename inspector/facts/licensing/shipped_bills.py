"""Bills of materials that an artifact carries, held against its files: what they list and is there, what is not, and what they leave out.

Read are CycloneDX 1.x and SPDX 2.x and 3.0 in JSON, in the places that PEP 770 names (``.dist-info/sboms/``) and under the usual names elsewhere.
A bill of a Python distribution speaks of that distribution's files, any other of the whole artifact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.licensing.component import Component
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.model import Problem
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_PLACE = lazy_pattern(
    r"(?:.*/)?[^/]+\.dist-info/sboms/[^/]+|(?:.*/)?(?:[^/]+\.cdx|[^/]+\.spdx|[^/]*\.?cyclonedx|s?bom)\.json"
)
_LONGEST = 16 * 1024 * 1024  # bytes of a bill; that of a large Rust program has 2 million
_MOST_BILLS = 100
_MOST_ENTRIES = 20_000
_LONGEST_NAME = 200
_NUMBERS = lazy_pattern(r"[-_.]?\d[\d.]*$")
_SIGNS = lazy_pattern(r"[^a-z0-9+]+")
_PURL = lazy_pattern(r"pkg:([a-z]+)/(?:[^@?#]*/)?([^@?#/]+)")
_NO_LIBRARIES = ("pypi", "cargo", "golang", "npm", "gem", "maven")
"""Types of package URLs of what is no shared library of a distribution."""


class BillEntry(Struct, frozen=True):
    """One component that a bill lists.

    :ivar type: of its package URL ("rpm", "cargo"), or "".
    """

    name: str
    version: str
    type: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


class CheckedBill(Struct, frozen=True):
    """A bill of materials.

    :ivar path: tree path.
    :ivar format: "CycloneDX 1.4".
    :ivar of: the distribution that it speaks of, or "" for the artifact.
    :ivar confirmed: entries that something in the files answers to; ``absent`` those without; ``unlisted`` components without an entry in any bill of
        the same distribution.  Crates and other packages whose names leave no trace in a binary are in none of the three, unless they are found.
    """

    path: str
    format: str
    of: str
    confirmed: tuple[str, ...]
    absent: tuple[str, ...]
    unlisted: tuple[str, ...]


def check_shipped_bills(
    tree: Tree, components: Sequence[Component], owners: Mapping[str, str]
) -> tuple[tuple[CheckedBill, ...], tuple[Problem, ...]]:
    """Every bill of a tree, and what could not be read.

    :param owners: whose file each file is, a distribution's name where it is one's.
    """
    read: list[tuple[Node, str, str, list[BillEntry]]] = []
    problems: list[Problem] = []
    distributions = {component.name for component in components if component.kind == "python"}
    nodes = [node for node in tree.files() if node.name.endswith(".json") and _PLACE.fullmatch(node.path) is not None]
    for node in nodes[:_MOST_BILLS]:
        try:
            document = _document(node)
        except (FormatError, OSError, ValueError, RecursionError) as error:
            if "/sboms/" in node.path:
                problems.append(Problem(kind="broken-bill-of-materials", subject=node.path, message=str(error)))
            continue
        found = _entries(document)
        if found is not None:
            owner = owners.get(node.path, "")
            read.append((node, found[0], owner if owner in distributions else "", found[1]))
    checked = []
    for node, form, owner, entries in read:
        beside = [entry for _, _, other, others in read if other == owner for entry in others]
        checked.append(_checked(node.path, form, owner, entries, beside, components, owners))
    return tuple(checked), tuple(problems)


def _document(node: Node) -> dict[str, Any]:
    if node.size > _LONGEST:
        raise ValueError(f"it has {node.size:,} bytes, more than a bill of materials is read of")
    document = json.loads(node.read_at(0, node.size))
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    return document


def _entries(document: Mapping[str, Any]) -> tuple[str, list[BillEntry]] | None:
    """The format and what is listed; None where it is no bill of materials."""
    if document.get("bomFormat") == "CycloneDX":
        return f"CycloneDX {_text(document.get('specVersion'))}".rstrip(), list(_cyclonedx(document))
    version = document.get("spdxVersion")
    if isinstance(version, str) and version.startswith("SPDX-"):
        return version.replace("-", " ")[:20], list(_spdx(document))
    if isinstance(document.get("@graph"), list) and "spdx" in str(document.get("@context"))[:200]:
        return "SPDX 3.0", list(_spdx_graph(document["@graph"]))
    return None


def _cyclonedx(document: Mapping[str, Any]) -> Iterator[BillEntry]:
    todo = [document.get("components")]
    count = 0
    while todo:
        listed = todo.pop()
        for each in listed if isinstance(listed, list) else ():
            count += 1
            if count > _MOST_ENTRIES:
                return
            if isinstance(each, dict):
                if each.get("type", "library") in ("library", "framework", "application"):
                    yield from _entry(each.get("name"), each.get("version"), each.get("purl"))
                todo.append(each.get("components"))


def _spdx(document: Mapping[str, Any]) -> Iterator[BillEntry]:
    described = document.get("documentDescribes")
    primary = set(map(str, described)) if isinstance(described, list) else set()
    packages = document.get("packages")
    for each in packages[:_MOST_ENTRIES] if isinstance(packages, list) else ():
        if isinstance(each, dict) and each.get("SPDXID") not in primary:
            references = each.get("externalRefs")
            purls = [
                reference.get("referenceLocator")
                for reference in (references if isinstance(references, list) else ())
                if isinstance(reference, dict) and reference.get("referenceType") == "purl"
            ]
            yield from _entry(each.get("name"), each.get("versionInfo"), purls[0] if purls else None)


def _spdx_graph(graph: Sequence[Any]) -> Iterator[BillEntry]:
    for each in graph[:_MOST_ENTRIES]:
        if isinstance(each, dict) and each.get("type") == "software_Package":
            yield from _entry(each.get("name"), each.get("software_packageVersion"), each.get("software_packageUrl"))


def _entry(name: object, version: object, purl: object) -> Iterator[BillEntry]:
    if isinstance(name, str) and name.strip():
        found = _PURL.match(purl) if isinstance(purl, str) else None
        yield BillEntry(_text(name), _text(version), found[1] if found is not None else "")


def _text(value: object) -> str:
    plain = " ".join(value.split())[:_LONGEST_NAME] if isinstance(value, str) else ""
    return plain if plain.isprintable() else ""


def _checked(
    path: str,
    form: str,
    owner: str,
    entries: Sequence[BillEntry],
    beside: Sequence[BillEntry],
    components: Sequence[Component],
    owners: Mapping[str, str],
) -> CheckedBill:
    """:param beside: entries of all bills of the same distribution, this one among them."""
    there = [
        component for component in components if not owner or any(owners.get(path) == owner for path in component.files)
    ]
    answers: dict[str, set[str]] = {}
    for component in there:
        for name in _component_names(component):
            answers.setdefault(name, set()).add(component.name)
    confirmed: dict[str, None] = {}
    absent: dict[str, None] = {}
    for entry in entries:
        if _plain(entry.name) == _plain(owner):
            continue  # the distribution itself
        if any(name in answers for name in _entry_names(entry.name)):
            confirmed[str(entry)] = None
        elif entry.type not in _NO_LIBRARIES:
            absent[str(entry)] = None
    libraries = [entry for entry in entries if entry.type not in _NO_LIBRARIES and _plain(entry.name) != _plain(owner)]
    listed = {name for entry in beside for name in _entry_names(entry.name)}
    unlisted = [
        f"{component.name} {component.version or ''}".rstrip()
        for component in there
        if libraries and component.kind in ("library", "static") and not _component_names(component) & listed
        and not component.package_url.startswith(("pkg:cargo/", "pkg:golang/")) and component.name not in _TOOLCHAIN
    ]  # fmt: skip
    return CheckedBill(path, form, owner, tuple(confirmed), tuple(absent), tuple(dict.fromkeys(unlisted)))


_TOOLCHAIN = ("Rust standard library", "Go standard library", "GCC runtime")
"""What compilers put into every program and no bill lists."""


def _component_names(component: Component) -> set[str]:
    names = _entry_names(component.name) | _entry_names(component.name.split()[-1])
    for package in load_table("licenses/bill_names.toml")["packages"].get(component.name, ()):
        names |= _entry_names(package)
    found = _PURL.match(component.package_url)
    if found is not None:
        names |= _entry_names(found[2])
    if component.kind == "library":
        for path in component.files:
            names |= _entry_names(plain_library_name(path.rpartition("/")[2]).partition(".so")[0])
    return names


def _entry_names(name: str) -> set[str]:
    """What a package may be called as a project: ``libX11-xcb`` is x11-xcb, ``openssl-libs`` openssl, ``libjpeg / libjpeg-turbo`` both."""
    found = set()
    for one in name.lower().split(" / "):
        shorter = _endings().sub("", one)
        found |= {plain for form in (one, shorter, _NUMBERS.sub("", shorter)) if (plain := _plain(form))}
    return found


def _plain(name: str) -> str:
    return _SIGNS.sub("", name.lower()).removeprefix("lib")


@cache
def _endings() -> re.Pattern[str]:
    words = "|".join(map(re.escape, load_table("licenses/bill_names.toml")["endings"]))
    return re.compile(rf"(?:-(?:{words}))+$")
