"""Components that are no code of the machine's: JavaScript packages, fonts and icon themes, where they say what they are and under which licence."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.component import MOST_EVIDENCE, Component, total_bytes
from inspector.facts.licensing.concluded_licenses import conclude
from inspector.facts.licensing.library_components import FoundLicense
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.package_urls import javascript_package_url
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.licensing.text_recognition import recognise_license_texts
from inspector.formats.opentype_names import FAMILY, LICENSE, LICENSE_URL, TYPOGRAPHIC_FAMILY, VERSION, read_font_names
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_LONGEST_PACKAGE = 1024 * 1024  # bytes of a package.json
_MOST_PACKAGES = 10_000
_PACKAGE_NAME = lazy_pattern(r"(?:@[a-z0-9~_.-]+/)?[A-Za-z0-9~_.-]{1,214}")
_FONT = (".ttf", ".otf", ".ttc")
_MOST_FONTS = 2000
_FONT_VERSION = lazy_pattern(r"(?:version)?\s*([0-9]+(?:\.[0-9]+)+)", re.IGNORECASE)
_MARKED = lazy_pattern(r"(?:licen[cs]e|copying)[-_](.+?)(?:\.(?:txt|md|rst))?", re.IGNORECASE)
_LONGEST_NAME = 100


def javascript_components(
    tree: Tree, owners: Mapping[str, str], sizes: Mapping[str, tuple[int, int]], texts: RecognisedFiles
) -> list[Component]:
    """Packages by their ``package.json``: those below ``node_modules``, and others that state a licence or have its text beside them.

    :param owners: whose file each file is, for packages inside of other components.
    """
    found = []
    nodes = [node for node in tree.files() if node.name == "package.json" and 0 < node.size <= _LONGEST_PACKAGE]
    for node in nodes[:_MOST_PACKAGES]:
        described = _package(node)
        directory = posixpath.dirname(node.path)
        if described is None:
            continue
        own_texts = texts.beside(directory)
        declared = _declared(described, node.path)
        if declared is None and not own_texts and "/node_modules/" not in f"/{node.path}":
            continue
        words = declared.mentioned[0] if declared is not None and declared.mentioned else ""
        concluded = conclude(declared, "unknown", words, own_texts, texts)
        version = described.get("version") if isinstance(described.get("version"), str) else None
        files = (node.path, *own_texts)
        found.append(
            Component(
                name=described["name"],
                version=version,
                kind="javascript",
                licenses=concluded.expression,
                license_class=concluded.license_class,
                evidence=(node.path,),
                files=files,
                bytes=total_bytes(files, sizes),
                stated="" if concluded.expression else concluded.words,
                package_url=javascript_package_url(described["name"], version),
                found=concluded.found,
                declared=declared,
                concluded_from=concluded.source,
                license_files=own_texts,
                part_of=_carrier(owners.get(node.path, "")),
            )
        )
    return found


def _carrier(owner: str) -> str:
    return "" if owner.endswith(("/", "the root")) else owner


def _package(node: Node) -> dict[str, Any] | None:
    try:
        document = json.loads(node.read_at(0, node.size))
    except (FormatError, OSError, ValueError, RecursionError):
        return None  # what merely has the name is no package, and no problem either
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        return None
    return document if _PACKAGE_NAME.fullmatch(document["name"]) else None


def _declared(described: Mapping[str, Any], path: str) -> FoundLicense | None:
    """npm, "package.json": ``license`` is an expression; before 2015 it was a table, or ``licenses`` a list of them."""
    stated = described.get("license")
    if isinstance(stated, dict):
        stated = stated.get("type")
    if stated is None and isinstance(described.get("licenses"), list):
        types = [each.get("type") if isinstance(each, dict) else each for each in described["licenses"][:20]]
        names = [each for each in types if isinstance(each, str)]
        stated = names[0] if len(names) == 1 else "(" + " OR ".join(names) + ")" if names else None
    if not isinstance(stated, str) or not stated.strip() or stated.upper().startswith("SEE LICEN"):
        return None  # "SEE LICENSE IN <file>"
    if stated.upper() == "UNLICENSED":  # npm: nobody is granted anything
        return FoundLicense("LicenseRef-Proprietary", path, ())
    expression = canonical_expression(stated.strip().removeprefix("(").removesuffix(")")) or canonical_expression(
        stated
    )
    return FoundLicense(expression, path, () if expression else (stated.strip()[:_LONGEST_NAME],))


def font_components(
    tree: Tree, owners: Mapping[str, str], sizes: Mapping[str, tuple[int, int]], texts: RecognisedFiles
) -> list[Component]:
    """Font families that say their licence in themselves, or have its text beside them."""
    families: dict[tuple[str, str], list[tuple[Node, dict[int, str]]]] = {}
    nodes = [node for node in tree.files() if node.name.lower().endswith(_FONT)]
    for node in nodes[:_MOST_FONTS]:
        try:
            names = read_font_names(node)
        except (FormatError, OSError):
            continue
        family = _line(names.get(TYPOGRAPHIC_FAMILY) or names.get(FAMILY, ""))
        if family:
            families.setdefault((posixpath.dirname(node.path), family), []).append((node, names))
    found = []
    for (directory, family), members in sorted(families.items()):
        beside = texts.beside(directory) or texts.beside(posixpath.dirname(directory))
        own_texts = tuple(path for path in beside if _may_speak_of(path, family))
        declared = next(
            (said for node, names in members if (said := _font_license(names, node.path)) is not None), None
        )
        if declared is None and not own_texts:
            continue
        concluded = conclude(declared, "unknown", "", own_texts, texts)
        versions = {match[1] for _, names in members if (match := _FONT_VERSION.match(names.get(VERSION, "")))}
        files = tuple(sorted(node.path for node, _ in members))
        found.append(
            Component(
                name=f"{family} (font)",
                version=versions.pop() if len(versions) == 1 else None,
                kind="font",
                licenses=concluded.expression,
                license_class=concluded.license_class,
                evidence=tuple(f"{path}: family {family}" for path in files[:MOST_EVIDENCE]),
                files=files,
                bytes=total_bytes(files, sizes),
                stated="" if concluded.expression else concluded.words,
                found=concluded.found,
                declared=declared,
                concluded_from=concluded.source,
                license_files=own_texts,
                part_of=_carrier(owners.get(files[0], "")),
            )
        )
    return found


def _may_speak_of(path: str, family: str) -> bool:
    """Whether a licence file may be a family's: LICENSE and OFL.txt any family's, LICENSE_DEJAVU that of "DejaVu Sans" only."""
    marked = _MARKED.fullmatch(posixpath.basename(path))
    return marked is None or _plain(marked[1]) in _plain(family)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _font_license(names: Mapping[int, str], path: str) -> FoundLicense | None:
    """What a font's own names say: the text, or the address of one that is known."""
    address = names.get(LICENSE_URL, "").strip().lower()
    known = load_table("licenses/font_licenses.toml")
    for part, expression in known["addresses"].items():
        if part in address:
            return FoundLicense(expression, path)
    recognised = recognise_license_texts(names.get(LICENSE, "")).identifiers
    if len(recognised) == 1 and len(recognised[0]) == 1:
        return FoundLicense(recognised[0][0], path)
    words = names.get(LICENSE, "").lower()
    for phrase, expression in known["phrases"].items():
        if phrase in words:
            return FoundLicense(expression, path)
    return None


def _line(text: str) -> str:
    plain = " ".join(text.replace("\0", " ").split())
    return plain[:_LONGEST_NAME] if plain.isprintable() else ""


def icon_components(
    tree: Tree, owners: Mapping[str, str], sizes: Mapping[str, tuple[int, int]], texts: RecognisedFiles
) -> list[Component]:
    """Icon themes (freedesktop.org, "Icon Theme Specification") that carry a licence's text."""
    found = []
    for node in tree.files():
        if node.name != "index.theme" or node.kind is not Kind.FILE:
            continue
        directory = posixpath.dirname(node.path)
        own_texts = texts.beside(directory)
        if not own_texts:
            continue
        concluded = conclude(None, "unknown", "", own_texts, texts)
        files: Sequence[str] = [node.path, *own_texts]
        found.append(
            Component(
                name=f"{posixpath.basename(directory)} (icon theme)",
                version=None,
                kind="icons",
                licenses=concluded.expression,
                license_class=concluded.license_class if concluded.expression else license_class(None),
                evidence=(node.path,),
                files=tuple(sorted(files)),
                bytes=total_bytes(files, sizes),
                stated=concluded.words,
                found=concluded.found,
                concluded_from=concluded.source,
                license_files=own_texts,
                part_of=_carrier(owners.get(node.path, "")),
            )
        )
    return found
