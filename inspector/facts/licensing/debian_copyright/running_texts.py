"""Licences recognised in running text: by phrases that only one licence has, and by the sentence that grants a GNU licence with its version.

This reads copyright files, where the grant of a licence stands ("… either version 2.1 of the License, or (at your option) any later version") and the
text often does not.  It says what is mentioned, each once; how several belong together, no text says, and nothing here guesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from inspector.facts.licensing.debian_copyright.license_names import read_license_name
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
_GNU = lazy_pattern(r"A?GPL-|LGPL-")
_FAMILIES = {"affero": "AGPL", "lesser": "LGPL", "library": "LGPL", None: "GPL"}
NAMES_OF_GNU = r"(?:the )?(?:gnu )?(?:(?P<kind{0}>lesser|library|affero|lesser \(?(?:or library|library)?\)?) )?(?:gnu )?general public licen[cs]e"
_NAME_FIRST = lazy_pattern(
    "(?=[tgla])"  # the letters that it can begin with: cheaper than to try what may be left out
    + NAMES_OF_GNU.format("1")
    + r"(?: \([al]?gpl\))?(?:,? (?:as )?published by the (?:free software foundation|fsf)(?: \(fsf\))?(?:, inc\.?)?)?"
    r"[;:,. ]{1,3}(?:either )?\(?(?:versions?|v\.?|ver\.?) ?(?P<version1>\d(?:\.\d)?)(?=(?P<rest1>.{0,140}))"
)
_VERSION_FIRST = lazy_pattern(
    r"(?=[ev])(?:either )?versions? (?P<version2>\d(?:\.\d)?)"
    r"(?P<rest2>,? (?:or (?:\(at your option\) )?(?:any )?(?:later|newer)(?: version)?,? )?)(?:of )"
    + NAMES_OF_GNU.format("2")
)
_SHORT = lazy_pattern(
    r"\b(?P<short>[al]?gpl)(?:,? ?version |[- ]?v?\.? ?)(?P<version3>\d(?:\.\d)?)(?=(?P<rest3>\+|.{0,40}))"
)
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
    return recognised_in(plain_without_pointers(text)) or recognised_in(_plain(text))


def place_of(name: str, plain: str) -> int:
    """Where in a text a licence that was recognised in it begins."""
    if _GNU.match(name):
        base = name.partition(" WITH ")[0]
        for pattern in (_NAME_FIRST, _VERSION_FIRST, _SHORT):
            for match in pattern.finditer(plain):
                if base in gnu_grants_in(plain[match.start() : match.end() + 60]):
                    return match.start()
        return len(plain)
    rows = (row for row in _rows("licenses") if row["spdx"] == name and _applies(row, plain))
    return min((plain.find(row["all"][0]) for row in rows), default=len(plain))


def _applies(row: dict[str, Any], plain: str) -> bool:
    return all(phrase in plain for phrase in row["all"]) and not any(phrase in plain for phrase in row.get("none", ()))


def gnu_grants(text: str) -> tuple[str, ...]:
    """The GNU licences that a text grants with their versions, each once; where to find their texts is no grant."""
    return tuple(gnu_grants_in(plain_without_pointers(text)))


def recognised_in(plain: str) -> tuple[str, ...]:
    """The same of a piece of plain text."""
    rows = [row for row in _rows("exceptions") if all(phrase in plain for phrase in row["all"])]
    exceptions = [(row["spdx"], row.get("of", "")) for row in rows]
    gnu = [_with_exception(name, exceptions) for name in gnu_grants_in(plain)]
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
def plain_without_pointers(text: str) -> str:
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


def gnu_grants_in(plain: str) -> Iterator[str]:
    """``LGPL-2.1-or-later`` and the like; a version alone is "-only"."""
    found: dict[str, None] = {}
    named = _around(plain, _GNU_NAME, _LONGEST_GRANT)
    for match in chain.from_iterable(_NAME_FIRST.finditer(plain, *place) for place in named):
        _add(found, family_of(match["kind1"]), match["version1"], match["rest1"])
    for match in chain.from_iterable(_VERSION_FIRST.finditer(plain, *place) for place in named):
        rest = match["rest2"] + plain[match.end() : match.end() + 60]
        _add(found, family_of(match["kind2"]), match["version2"], rest)
    if not found and "gpl" in plain:
        for match in _SHORT.finditer(plain):
            _add(found, match["short"].upper(), match["version3"], match["rest3"])
    # "You should have received a copy of the GNU GPL version 2" follows an "or later" grant as often as not.
    for name in list(found):
        if name.endswith("-only") and name.replace("-only", "-or-later") in found:
            del found[name]
    yield from found


def family_of(words: str | None) -> str:
    """The family that the words before "General Public License" stand for: "lesser" for LGPL."""
    return _FAMILIES[None if words is None else words.split()[0]]


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
