"""``python -m corpus.licenses.license_templates SOURCE``: makes ``rules/licenses/texts/templates.msgpack.zst`` from the XML of the SPDX License List.

SOURCE is the folder ``src`` of https://github.com/spdx/license-list-XML at the tag of the list that ``rules/licenses/texts/spdx.toml`` names.  The
XML says what the plain texts cannot: which words may be left out (``optional``), which may be others (``alt``, with a regular expression), which are
titles, bullets and copyright lines (SPDX 2.3, annex B, "License matching guidelines and templates").
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from corpus.licenses.spdx_texts import LIST_DATE, LIST_VERSION
from inspector.facts.licensing.license_templates import StoredTemplate, StoredTemplates
from inspector.facts.licensing.license_words import SHINGLE, is_filler, shingle_hashes, words_of
from inspector.formats.zstandard import zstandard
from inspector.resources import data_directory

SKETCH = 48
"""Hashes that are kept of each text, the smallest."""

_LEAST_SHINGLES = 12
_NAMESPACE = "{http://www.spdx.org/license}"
_LEFT_OUT = {"bullet", "crossRefs", "notes", "obsoletedBys"}
_OPTIONAL = {"optional", "titleText", "standardLicenseHeader"}


class _Flattened:
    """A template as one sequence of tokens: words, ``[`` and ``]`` around what may be left out, ``{n`` and ``}`` around what may be another."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.expressions: list[str] = []

    def element(self, element: ET.Element, *, header: bool = False) -> None:
        """Add an element with all below it; ``header`` is set inside the standard header, taken for itself."""
        name = element.tag.removeprefix(_NAMESPACE)
        if name in _LEFT_OUT:
            return
        if name == "copyrightText":  # somebody else's stands in its place, or none
            self.expressions.append("(?:.{1,400})?")
            self.tokens += [f"{{{len(self.expressions) - 1}", "}"]
            return
        if name == "alt":
            self.expressions.append(_expression(" ".join((element.get("match") or "").split())))
            self.tokens.append(f"{{{len(self.expressions) - 1}")
        elif name in _OPTIONAL and not header:
            self.tokens.append("[")
        self._text(element.text)
        for child in element:
            self.element(child)
            self._text(child.tail)
        if name == "alt":
            self.tokens.append("}")
        elif name in _OPTIONAL and not header:
            self.tokens.append("]")

    def _text(self, text: str | None) -> None:
        if text:
            self.tokens += [word.text for word in words_of(text)]

    def _required_shingles(self) -> set[int]:
        """Hashes of runs of words none of which may be left out; empty where there are too few to find a text by."""
        runs: list[list[str]] = [[]]
        depth = 0
        for token in self.tokens:
            if token[0] in "[]":
                depth += 1 if token == "[" else -1
                runs.append([])
            elif depth == 0 and token[0] not in "{}":
                runs[-1].append(token)
        found = {shingle for run in runs for shingle in shingle_hashes(run)}
        return found if len(found) >= _LEAST_SHINGLES else set()

    def row(self, identifiers: list[str], kind: str) -> dict[str, Any] | None:
        """The entry of the document; None where nothing is left to compare."""
        if kind == "header":
            self.tokens = _grant(self.tokens)
        plain = [token for token in self.tokens if token[0] not in "[]{}"]
        if len(plain) < SHINGLE:
            return None
        hashes = sorted(self._required_shingles() or set(shingle_hashes(plain)))[:SKETCH]
        return {
            "identifiers": identifiers,
            "kind": kind,
            "words": " ".join(self.tokens),
            "alternatives": self.expressions,
            "sketch": hashes,
        }


def _grant(tokens: list[str]) -> list[str]:
    """A header without the lines above it that name a program, a year and a person, and without the address of the Free Software Foundation."""
    start = 0
    if "copyright" in tokens[:40]:
        at = tokens.index("copyright")
        if tokens[at + 1 : at + 2] == ["c"]:
            at += 1
        if at + 1 < len(tokens) and tokens[at + 1].startswith("{"):
            start = tokens.index("}", at) + 1
    stop = next(
        (at for at in range(start, len(tokens) - 3) if tokens[at : at + 3] == ["if", "not", "write"]), len(tokens)
    )
    return tokens[start:stop]


def _expression(written: str) -> str:
    """A regular expression of the list; what is none stands for itself ("*" in some)."""
    try:
        re.compile(written)
    except re.error:
        return re.escape(written)
    return written


def read_source(source: Path) -> list[dict[str, Any]]:
    """All rows, equal texts joined."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted([*source.glob("*.xml"), *(source / "exceptions").glob("*.xml")]):
        root = ET.parse(path).getroot()
        entry = next(child for child in root if child.tag.removeprefix(_NAMESPACE) in ("license", "exception"))
        identifier = entry.get("licenseId") or ""
        kind = entry.tag.removeprefix(_NAMESPACE)
        texts = [(kind, element, False) for element in entry.iter(f"{_NAMESPACE}text")]
        texts += [("header", element, True) for element in entry.iter(f"{_NAMESPACE}standardLicenseHeader")]
        for what, element, header in texts:
            flattened = _Flattened()
            flattened.element(element, header=header)
            row = flattened.row([identifier], what)
            if row is not None:
                known = found.setdefault((what, row["words"]), row)
                if known is not row:
                    known["identifiers"].append(identifier)
    deprecated = set(_deprecated(source))
    listed = {path.stem for path in source.glob("*.xml")} - deprecated
    rows = [row for row in found.values() if any(not _is_old_name(name, listed) for name in row["identifiers"])]
    for row in rows:
        row["identifiers"] = _meant(row["identifiers"], listed, deprecated, joined=row["kind"] != "header")
    return rows


def _is_old_name(name: str, listed: set[str]) -> bool:
    """ "GPL-2.0" and "GPL-2.0+", of which the list has "GPL-2.0-only" and "GPL-2.0-or-later" today; and the copy of the MPL's text that the list has
    for files to which its exhibit B was applied."""
    return name == "MPL-2.0-no-copyleft-exception" or f"{name.removesuffix('+')}-only" in listed


def _deprecated(source: Path) -> Iterator[str]:
    for path in [*source.glob("*.xml"), *(source / "exceptions").glob("*.xml")]:
        for entry in ET.parse(path).getroot():
            if entry.get("isDeprecated") == "true":
                yield entry.get("licenseId") or ""


def _meant(identifiers: list[str], listed: set[str], deprecated: set[str], *, joined: bool) -> list[str]:
    """What a text is of: no deprecated name where there is another; "only" and "or later" share the licence's text, whatever the list's two copies
    differ in; and the text of the MPL is that of the MPL, whose exhibit B holds where somebody applies it."""
    names = [name for name in identifiers if name not in deprecated and not _is_old_name(name, listed)] or identifiers
    for name in list(names) if joined else ():
        for ending, other in (("-only", "-or-later"), ("-or-later", "-only")):
            if name.endswith(ending) and name.removesuffix(ending) + other in listed:
                names.append(name.removesuffix(ending) + other)
    if "MPL-2.0-no-copyleft-exception" in names and len(names) > 1:
        names.remove("MPL-2.0-no-copyleft-exception")
    return sorted(set(names))


def stored_template(row: dict[str, Any]) -> StoredTemplate:
    """A row as it is stored: its words for themselves, and where what may be left out or be another begins and ends."""
    words: list[str] = []
    optional: list[int] = []
    alternatives: list[int] = []
    expressions: list[str] = []
    opened: list[tuple[str, int]] = []  # what has begun: "[" or "{n", and where
    fixed = depth = 0
    for token in row["words"].split(" "):
        if token == "[" or token[0] == "{":
            opened.append((token, len(words)))
            depth += token == "["
        elif token in ("]", "}"):
            kind, start = opened.pop()
            if kind == "[":
                depth -= 1
                # An outer one holds the inner ones; one without a word is nothing that could be left out.
                optional += [start, len(words)] if not depth and start < len(words) else []
            else:
                alternatives += [start, len(words)]
                expressions.append(row["alternatives"][int(kind[1:])])
        else:
            words.append(token)
            fixed += not opened and not is_filler(token)
    return StoredTemplate(
        tuple(row["identifiers"]), row["kind"], " ".join(words), tuple(optional), tuple(alternatives), tuple(expressions),
        len(row["sketch"]), fixed,
    )  # fmt: skip


def packed_templates(rows: list[dict[str, Any]]) -> bytes:
    """The document: MessagePack, which is read in a tenth of the time that JSON takes, compressed by Zstandard, which takes a tenth of LZMA's."""
    owners: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        for shingle in row["sketch"]:
            owners.setdefault(shingle, []).append(number)
    templates = [stored_template(row) for row in rows]
    packed: bytes = zstandard().compress(msgspec.msgpack.encode(StoredTemplates(templates, owners)), 19)
    return packed


def main(source: str) -> None:
    """Write the document and the table beside it."""
    rows = read_source(Path(source))
    packed = packed_templates(rows)
    directory = data_directory("rules") / "licenses" / "texts"
    (directory / "templates.msgpack.zst").write_bytes(packed)
    (directory / "templates.toml").write_text(
        "# The templates of the SPDX License List, in templates.msgpack.zst. Made by corpus/licenses/license_templates.py; "
        "read by inspector/facts/licensing/license_templates.py.\n"
        f'list_version = "{LIST_VERSION}"\nas_of = {LIST_DATE}\n'
        'source = "https://github.com/spdx/license-list-XML/tree/v3.28.0/src (CC0-1.0)"\n'
        f'texts = {len(rows)}\nsha256 = "{hashlib.sha256(packed).hexdigest()}"\n'
    )
    print(f"{len(rows)} texts, {len(packed):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
