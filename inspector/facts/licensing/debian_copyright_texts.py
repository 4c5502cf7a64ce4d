"""Licences recognised in running text: by phrases that only one licence has, and by the sentence that grants a GNU licence with its version.

This reads copyright files, where the grant of a licence stands ("… either version 2.1 of the License, or (at your option) any later version") and the
text often does not.  It says what is mentioned, each once; how several belong together, no text says, and nothing here guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from inspector.facts.licensing.debian_copyright_names import read_license_name
from inspector.facts.licensing.license_classes import license_class
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

LONGEST = 512 * 1024
"""Characters that are searched."""

_MARKS = lazy_pattern(r"[*#>|]+|//|<[a-z/]{1,4}>")  # of comments, quotations and markup: blanks
_QUOTES = '"`´‘’“”„«»'
_POINTER = lazy_pattern(  # each way to begin stands by its first letter, so that other places are not tried
    r"(?:on debian[^.]{0,40}systems?,? (?:the |a )?(?:full|complete|copy|text)|the (?:full|complete|copy|text)|a (?:full|complete|copy|text)"
    r"|full|complete|copy|text)[^.]{0,80}(?:general )?public licen[^/]{0,80}/usr/share/common-licenses/[a-z0-9.-]+"
)
_POINTED_AT = "/usr/share/common-licenses/"
# Characters that _POINTER can match, and _NAME_FIRST and _VERSION_FIRST on each side of the licence's name.
_LONGEST_POINTER = 360
_LONGEST_GRANT = 320
_GNU_NAME = "general public licen"
_CHOICE = lazy_pattern(
    r"alternatively|dual[- ]licen|under either|either of|(?:your|a) choice|one of the following|as an alternative"
    r"|[\s(]or (?:under )?(?:the )?(?:mpl|apache|mozilla|lgpl|bsd)"
)
_GNU = lazy_pattern(r"A?GPL-|LGPL-")
_THIS_LIBRARY = lazy_pattern(r"this library is free software.{0,400}")
_FAMILIES = {"affero": "AGPL", "lesser": "LGPL", "library": "LGPL", None: "GPL"}
_OF_GNU = r"(?:the )?(?:gnu )?(?:(?P<kind{0}>lesser|library|affero|lesser \(?(?:or library|library)?\)?) )?(?:gnu )?general public licen[cs]e"
_NAME_FIRST = lazy_pattern(
    "(?=[tgla])"  # the letters that it can begin with: cheaper than to try what may be left out
    + _OF_GNU.format("1")
    + r"(?: \([al]?gpl\))?(?:,? (?:as )?published by the (?:free software foundation|fsf)(?: \(fsf\))?(?:, inc\.?)?)?"
    r"[;:,. ]{1,3}(?:either )?\(?(?:versions?|v\.?|ver\.?) ?(?P<version1>\d(?:\.\d)?)(?=(?P<rest1>.{0,140}))"
)
_VERSION_FIRST = lazy_pattern(
    r"(?=[ev])(?:either )?versions? (?P<version2>\d(?:\.\d)?)"
    r"(?P<rest2>,? (?:or (?:\(at your option\) )?(?:any )?(?:later|newer)(?: version)?,? )?)(?:of )"
    + _OF_GNU.format("2")
)
_SHORT = lazy_pattern(
    r"\b(?P<short>[al]?gpl)(?:,? ?version |[- ]?v?\.? ?)(?P<version3>\d(?:\.\d)?)(?=(?P<rest3>\+|.{0,40}))"
)
_FOLLOWED = r"[^.]{0,40} (?:is|are)(?: \w+){0,2} (?:under|covered by|licen[sc]ed as) .{0,400}"
_LIBRARIES = lazy_pattern(rf"(?<![\w/.-])lib[a-z][\w+-]{{2,}}{_FOLLOWED}")
_REST = lazy_pattern(
    r"(?:everything else|all (?:the )?other (?:files|code|parts)|the rest(?: of (?:the |this )?\w+(?: \w+)?)?"
    r"|the remaining (?:files|code)|remaining (?:files|code))"
    r"(?: in [^.]{0,40})? (?:is|are)(?: \w+)? (?:licen[sc]ed|under|available|covered|distributed|released|published).{0,400}"
)
_WITHOUT_VERSION = lazy_pattern(
    r"(?:under|terms of|licen[sc]e:|licen[sc]ed|subject to|conditions of)(?: the terms of| the conditions of| terms of)? "
    rf"(?:{_OF_GNU.format('4')}|(?:the )?(?:gnu )?(?P<short4>l?gpl)(?![\w-]))"
)
_ANY_VERSION = lazy_pattern(r"licen[sc]e.{0,80}\bversions? \d|\bl?gpl ?v\.? ?\d")
_SECTION = lazy_pattern(r"^License:[ \t]*\n((?:[ \t]*\n|[ \t]+\S[^\n]*\n)+)", re.MULTILINE)
_OTHER_SECTION = lazy_pattern(r"^[ \t]*licen[sc]e (?:of|for) [^\n]{1,100}:[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FIELD = lazy_pattern(r"^License:[ \t]*(\S[^\n]{0,60}\d[^\n]{0,20})$", re.MULTILINE)
_PARTS = lazy_pattern(r"[-_]")
_SHORTEST_NAME = 5  # letters of a library's name, "lib" included, that a sentence may name it by
_NEAR = 200
"""Characters behind the beginning of a second licence in which its choice may be given."""
_LATER = lazy_pattern(
    r"\+|-or-later|(?:,? ?\(?(?:of the licen[cs]e)?,? ?(?:or|and) \(?(?:at your (?:option|choice|discretion)\)?,? ?)?"
    r"(?:any |\(at your option\) any )?(?:later|newer|higher|above))(?! versions? (?:that (?:is|are) )?(?:accept|approv))"
)


_OR_VERSION = lazy_pattern(
    r"(?: of (?:the|this) licen[cs]e)?,? or,? (?:\(?at your (?:option|choice)\)?,? )?(?:the )?(?:versions? |v\.? ?|gpl[- ]v?)?"
    r"(?P<other>[23](?:\.[01])?)(?![-+\w]|\.\d)"
    r"(?P<later>(?: of (?:the|this) licen[cs]e)?,? (?:or|and) \(?(?:at your (?:option|choice)\)?,? )?(?:any )?(?:later|newer|higher)"
    r"(?! versions? (?:that (?:is|are) )?(?:accept|approv)))?"
)
"""A second version behind the first: "version 2 or 3", "version 2 of the License, or (at your option) version 3"."""


def recognise_text(text: str) -> tuple[str, ...]:
    """SPDX expressions of the licences that a text grants or quotes, in the order of the table, GNU licences first; each once.

    Where to find the text of a licence on a Debian system is no grant, unless nothing else is said.
    """
    return _recognised(_without_pointers(text)) or _recognised(_plain(text))


def granted_to_library(text: str) -> str | None:
    """The GNU licence of a sentence that begins "This library is free software": that of the library where a file speaks of programs too; None
    where there is no such sentence or two that differ."""
    plain = _without_pointers(text)
    found = {name for sentence in _THIS_LIBRARY.findall(plain) for name in _gnu_grants(sentence)}
    return found.pop() if len(found) == 1 else None


def granted_by_name(text: str, soname: str) -> str | None:
    """The licence of the sentence that names a library: "libexample is under the GNU Lesser General Public License, v2.1", or of the grant that
    stands behind "the files required for libexample are available under the following license:" or "the files in lib/libexample/ have the
    following license:", where the project's name may stand before the directory's; None where there is none or two."""
    stem = soname.partition(".so")[0].lower().rstrip("0123456789.-")
    if len(stem) < _SHORTEST_NAME or not stem.startswith("lib"):
        return None
    plain = _without_pointers(text)
    directories = [re.escape(stem)]
    part = _PARTS.split(stem)[-1]
    if part != stem and len(part) >= _SHORTEST_NAME:
        directories.append(f"lib{re.escape(part)}")
    named = re.compile(
        rf"(?<![\w/.-]){re.escape(stem)}(?![\w/.-]){_FOLLOWED}"
        rf"|files in (?:[\w.-]{{1,40}}/){{0,3}}(?:{'|'.join(directories)})/ have the following licen[sc]e.{{0,400}}"
    )
    return _only(_first_of(match[0]) for match in named.finditer(plain))


def granted_by_field(text: str) -> str | None:
    """The licence of the one heading "License:" of a file that is written freely, as dh_make's template has it with the text below, or of the one
    line "License: GPL-2", where its name says a version; None where there is none or two that differ."""
    sections = [match[1] for match in _SECTION.finditer(text[:LONGEST])]
    # "License of the library:" beside it says more.
    granted = recognise_text(sections[0]) if len(sections) == 1 and _OTHER_SECTION.search(text) is None else ()
    if len(granted) == 1:
        return granted[0]
    names = {match[1].strip() for match in _FIELD.finditer(text[:LONGEST])}
    named = read_license_name(names.pop()) if len(names) == 1 else None
    return None if named is None or named.unknown else named.expression


def _first_of(plain: str) -> str | None:
    """The licence that stands first in a piece of text."""
    return min(_recognised(plain), key=lambda name: _place(name, plain), default=None)


def _only(names: Iterator[str | None]) -> str | None:
    found = {name for name in names if name is not None}
    return found.pop() if len(found) == 1 else None


def granted_to_rest(text: str) -> str | None:
    """The licence that a text with several gives "everything else", where libraries are named that have another one or nothing is said to be a
    library's; None where it does not say so, or twice."""
    plain = _without_pointers(text)
    if "this library is free software" in plain and _LIBRARIES.search(plain) is None:
        return None
    return _only(_first_of(match[0]) for match in _REST.finditer(plain))


def unversioned_grant(text: str) -> str | None:
    """The GNU licence that a text grants in words without any version: any version then (section 9 of the GPL's version 2, 13 of the LGPL's)."""
    plain = _without_pointers(text)
    if _ANY_VERSION.search(plain) is not None:
        return None  # one that the grammar does not have, or that there never was
    families = {
        (match["short4"] or _FAMILIES[_kind(match["kind4"])]).upper() for match in _WITHOUT_VERSION.finditer(plain)
    }
    named = read_license_name(families.pop()) if len(families) == 1 else None
    return named.expression if named is not None and not named.unknown else None


def unversioned_grant_before(text: str, names: Sequence[str]) -> str | None:
    """The same where it stands before all of some licences that were recognised in the text: that of the whole, those of single parts follow it."""
    granted = unversioned_grant(text)
    if granted is None:
        return None
    plain = _without_pointers(text)
    grant = _WITHOUT_VERSION.search(plain)
    return granted if grant is not None and all(grant.start() < _place(name, plain) for name in names) else None


def first_grant(text: str) -> str | None:
    """The licence that stands first in a text that has several and gives no choice of them: that of the whole, those of single files follow it.

    None where it gives a choice; where the first is a strong copyleft and a weak one follows, which is as often the library's; and where the first
    is a permissive one and a copyleft follows.
    """
    plain = _without_pointers(text)
    found = _recognised(plain)
    if len(found) < 2:
        return found[0] if found else None
    first, second = sorted(found, key=lambda name: _place(name, plain))[:2]
    mild = license_class(first) in ("permissive", "public-domain")
    if _CHOICE.search(plain, 0, len(plain) if mild else _place(second, plain) + _NEAR):
        return None
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
    return tuple(_gnu_grants(_without_pointers(text)))


def _recognised(plain: str) -> tuple[str, ...]:
    rows = [row for row in _rows("exceptions") if all(phrase in plain for phrase in row["all"])]
    exceptions = [(row["spdx"], row.get("of", "")) for row in rows]
    gnu = [_with_exception(name, exceptions) for name in _gnu_grants(plain)]
    others = [row["spdx"] for row in _rows("licenses") if _applies(row, plain)]
    if any(name.startswith("Apache") for name in others) and ("LLVM-exception", "") in exceptions:
        others = [f"{name} WITH LLVM-exception" if name == "Apache-2.0" else name for name in others]
    if "curl" in others:
        others = [name for name in others if name != "ISC"]
    if "NCSA" in others:
        others = [name for name in others if name != "MIT"]
    return tuple(dict.fromkeys(gnu + others))


@lru_cache(maxsize=16)
def _plain(text: str) -> str:
    """In lower case, with one sort of quotes and single blanks."""
    text = text[:LONGEST]
    for quote in _QUOTES:
        text = text.replace(quote, "'")
    text = _MARKS.sub(" ", text)
    words = " ".join(text.split())
    before, behind = " " * text[:1].isspace(), " " * (bool(words) and text[-1:].isspace())
    return f"{before}{words}{behind}".lower()


@lru_cache(maxsize=16)
def _without_pointers(text: str) -> str:
    """The same without where to find a licence on a Debian system."""
    plain = _plain(text)
    parts, done = [], 0
    for start, end in _around(plain, _POINTED_AT, _LONGEST_POINTER):
        parts += [plain[done:start], _POINTER.sub(" ", plain[start:end])]
        done = end
    return "".join(parts) + plain[done:]


def _around(plain: str, words: str, distance: int) -> list[tuple[int, int]]:
    """The ranges that lie within a distance of some words: expressions that begin with something optional are tried at each character."""
    found: list[tuple[int, int]] = []
    at = plain.find(words)
    while at >= 0:
        start, end = max(at - distance, 0), min(at + len(words) + distance, len(plain))
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
        at = plain.find(words, at + 1)
    return found


def _gnu_grants(plain: str) -> Iterator[str]:
    """``LGPL-2.1-or-later`` and the like; a version alone is "-only"."""
    found: dict[str, None] = {}
    named = _around(plain, _GNU_NAME, _LONGEST_GRANT)
    for match in chain.from_iterable(_NAME_FIRST.finditer(plain, *place) for place in named):
        _add(found, _FAMILIES[_kind(match["kind1"])], match["version1"], match["rest1"])
    for match in chain.from_iterable(_VERSION_FIRST.finditer(plain, *place) for place in named):
        rest = match["rest2"] + plain[match.end() : match.end() + 60]
        _add(found, _FAMILIES[_kind(match["kind2"])], match["version2"], rest)
    if not found and "gpl" in plain:
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
    other = _OR_VERSION.match(rest)
    is_later = _LATER.match(rest.lstrip(" .,;:)") if not rest.startswith("+") else rest) or (other and other["later"])
    name = f"{family}-{version}{'+' if is_later else ''}"
    named = read_license_name(f"{name} or {family}-{other['other']}" if other and not is_later else name)
    if named is not None and not named.unknown:
        found.setdefault(named.expression)


def _with_exception(name: str, exceptions: Sequence[tuple[str, str]]) -> str:
    """A GNU licence whose text goes on with a linking exception; those of build systems concern files of the build system only."""
    for exception, family in exceptions:
        if family and name.startswith(family):
            return " OR ".join(f"{version} WITH {exception}" for version in name.split(" OR "))
    return name


@cache
def _rows(section: str) -> tuple[dict[str, Any], ...]:
    return tuple(load_table("licenses/license_phrases.toml")[section])
