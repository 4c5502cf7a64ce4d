"""Licences recognised in running text: by phrases that only one licence has, and by the sentence that grants a GNU licence with its version.

This reads copyright files, where the grant of a licence stands ("… either version 2.1 of the License, or (at your option) any later version") and the
text often does not.  It says what is mentioned, each once; how several belong together, no text says, and nothing here guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from inspector.facts.licensing.debian_copyright_names import read_license_name
from inspector.facts.licensing.license_classes import license_class
from inspector.resources import load_table

LONGEST = 512 * 1024
"""Characters that are searched."""

_BLANKS = re.compile(r"(?:[\s*#>|]|//|<[a-z/]{1,4}>)+")
_QUOTES = str.maketrans(dict.fromkeys('"`´‘’“”„«»', "'"))
_PACKAGING = re.compile(
    r"\bpackaging\b|\bdebian'? (?:sub)?director|\bdebian/\*|(?:in|under|below|for) (?:the )?['`]?debian/", re.IGNORECASE
)

_POINTER = re.compile(
    r"(?:on debian[^.]{0,40}systems?,? )?(?:the |a )?(?:full|complete|copy|text)[^.]{0,80}(?:general )?public licen"
    r"[^/]{0,80}/usr/share/common-licenses/[a-z0-9.-]+"
)
_CHOICE = re.compile(
    r"alternatively|dual[- ]licen|under either|either of|(?:your|a) choice|one of the following|as an alternative"
    r"|[\s(]or (?:under )?(?:the )?(?:mpl|apache|mozilla|lgpl|bsd)"
)
_GNU = re.compile(r"A?GPL-|LGPL-")
_THIS_LIBRARY = re.compile(r"this library is free software.{0,400}")
_FAMILIES = {"affero": "AGPL", "lesser": "LGPL", "library": "LGPL", None: "GPL"}
_OF_GNU = r"(?:the )?(?:gnu )?(?:(?P<kind{0}>lesser|library|affero|lesser \(?(?:or library|library)?\)?) )?(?:gnu )?general public licen[cs]e"
_NAME_FIRST = re.compile(
    _OF_GNU.format("1")
    + r"(?: \([al]?gpl\))?(?:,? (?:as )?published by the (?:free software foundation|fsf)(?: \(fsf\))?(?:, inc\.?)?)?"
    r"[;:,. ]{1,3}(?:either )?\(?(?:version|v\.?|ver\.?) ?(?P<version1>\d(?:\.\d)?)(?P<rest1>.{0,60})"
)
_VERSION_FIRST = re.compile(
    r"(?:either )?version (?P<version2>\d(?:\.\d)?)(?P<rest2>,? (?:or (?:\(at your option\) )?(?:any )?(?:later|newer)(?: version)?,? )?)(?:of )"
    + _OF_GNU.format("2")
)
_SHORT = re.compile(r"\b(?P<short>[al]?gpl)(?:,? ?version |[- ]?v?\.? ?)(?P<version3>\d(?:\.\d)?)(?P<rest3>\+|.{0,40})")
_LATER = re.compile(
    r"\+|-or-later|(?:,? ?\(?(?:of the licen[cs]e)?,? ?(?:or|and) \(?(?:at your (?:option|choice|discretion)\)?,? ?)?"
    r"(?:any |\(at your option\) any )?(?:later|newer|higher|above))"
)


def recognise_text(text: str) -> tuple[str, ...]:
    """SPDX expressions of the licences that a text grants or quotes, in the order of the table, GNU licences first; each once.

    Where to find the text of a licence on a Debian system is no grant, unless nothing else is said.
    """
    plain = _plain(text)
    without_pointers = _POINTER.sub(" ", plain)
    return _recognised(without_pointers) or _recognised(plain)


def granted_to_library(text: str) -> str | None:
    """The GNU licence of a sentence that begins "This library is free software": that of the library where a file speaks of programs too; None
    where there is no such sentence or two that differ."""
    plain = _POINTER.sub(" ", _plain(text))
    found = {name for sentence in _THIS_LIBRARY.findall(plain) for name in _gnu_grants(sentence)}
    return found.pop() if len(found) == 1 else None


def first_grant(text: str) -> str | None:
    """The licence that stands first in a text that has several and gives no choice of them: that of the whole, those of single files follow it.

    None where it gives a choice; where the first is a strong copyleft and a weak one follows, which is as often the library's; and where the first
    is a permissive one and a copyleft follows.
    """
    plain = _POINTER.sub(" ", _plain(text))
    found = _recognised(plain)
    if len(found) < 2 or _CHOICE.search(plain):
        return found[0] if len(found) == 1 else None
    first = min(found, key=lambda name: _place(name, plain))
    classes = {license_class(name) for name in found}
    kind = license_class(first)
    if kind in ("permissive", "public-domain"):
        return first if classes <= {"permissive", "public-domain"} else None
    return None if kind == "unknown" or (kind == "strong-copyleft" and "weak-copyleft" in classes) else first


def _place(name: str, plain: str) -> int:
    """Where in a text a licence that was recognised in it begins."""
    if _GNU.match(name):
        base = name.partition(" WITH ")[0]
        for pattern in (_NAME_FIRST, _VERSION_FIRST, _SHORT):
            for match in pattern.finditer(plain):
                if base in _gnu_grants(plain[match.start() : match.end() + 60]):
                    return match.start()
        return len(plain)
    rows = (row for row in _rows("licenses") if row["spdx"] == name and _applies(row, plain))
    return min((plain.find(row["all"][0]) for row in rows), default=len(plain))


def _applies(row: dict[str, Any], plain: str) -> bool:
    return all(phrase in plain for phrase in row["all"]) and not any(phrase in plain for phrase in row.get("none", ()))


def gnu_grants(text: str) -> tuple[str, ...]:
    """The GNU licences that a text grants with their versions, each once; where to find their texts is no grant."""
    return tuple(_gnu_grants(_POINTER.sub(" ", _plain(text))))


def _recognised(plain: str) -> tuple[str, ...]:
    exceptions = {
        row["spdx"]: row.get("of", "") for row in _rows("exceptions") if all(phrase in plain for phrase in row["all"])
    }
    gnu = [_with_exception(name, exceptions) for name in _gnu_grants(plain)]
    others = [row["spdx"] for row in _rows("licenses") if _applies(row, plain)]
    if any(name.startswith("Apache") for name in others) and "LLVM-exception" in exceptions:
        others = [f"{name} WITH LLVM-exception" if name == "Apache-2.0" else name for name in others]
    if "curl" in others:
        others = [name for name in others if name != "ISC"]
    if "NCSA" in others:
        others = [name for name in others if name != "MIT"]
    return tuple(dict.fromkeys(gnu + others))


def without_packaging(text: str) -> str:
    """A free-form copyright file without what it says of Debian's own packaging: from a line that names it to the next empty one."""
    kept = []
    aside = False
    for line in text.split("\n"):
        aside = bool(line.strip()) if aside else _PACKAGING.search(line) is not None
        if not aside:
            kept.append(line)
    return "\n".join(kept)


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text[:LONGEST].translate(_QUOTES)).lower()


def _gnu_grants(plain: str) -> Iterator[str]:
    """``LGPL-2.1-or-later`` and the like; a version alone is "-only"."""
    found: dict[str, None] = {}
    for match in _NAME_FIRST.finditer(plain):
        _add(found, _FAMILIES[_kind(match["kind1"])], match["version1"], match["rest1"])
    for match in _VERSION_FIRST.finditer(plain):
        rest = match["rest2"] + plain[match.end() : match.end() + 60]
        _add(found, _FAMILIES[_kind(match["kind2"])], match["version2"], rest)
    if not found:
        for match in _SHORT.finditer(plain):
            _add(found, match["short"].upper(), match["version3"], match["rest3"])
    # "You should have received a copy of the GNU GPL version 2" follows an "or later" grant as often as not.
    for name in list(found):
        if name.endswith("-only") and name.replace("-only", "-or-later") in found:
            del found[name]
    yield from found


def _kind(words: str | None) -> str | None:
    return None if words is None else words.split()[0]


def _add(found: dict[str, None], family: str, version: str, rest: str) -> None:
    later = "+" if _LATER.match(rest.lstrip(" .,;:)") if not rest.startswith("+") else rest) else ""
    named = read_license_name(f"{family}-{version}{later}")
    if named is not None and not named.unknown:
        found.setdefault(named.expression)


def _with_exception(name: str, exceptions: dict[str, str]) -> str:
    """A GNU licence whose text goes on with a linking exception; those of build systems concern files of the build system only."""
    for exception, family in exceptions.items():
        if family and name.startswith(family):
            return f"{name} WITH {exception}"
    return name


@cache
def _rows(section: str) -> tuple[dict[str, Any], ...]:
    return tuple(load_table("licenses/license_phrases.toml")[section])
