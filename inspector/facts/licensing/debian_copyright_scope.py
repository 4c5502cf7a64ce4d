"""Which licence of a copyright file is a library's own.

A source package is more than its library: programs, tests, build systems and the packaging have licences of their own, and the one of "Files: *" is
often that of the programs (libuuid of util-linux, libacl, libfuse). Rules, in this order:

1. The paragraph for a directory that is called like the library, else the one that covers a place where source trees keep this library
   (``rules/licenses/library_sources.toml``), if it is not "Files: *" and its patterns are directories: ``lib/*`` yes, ``lib/md5.c`` no.
2. "Files: *".
3. The License field of the header paragraph.
4. In a file that is written freely: the one licence that is recognised in it, what it says of the packaging left out; of several, the one that a
   sentence "This library is free software" grants; several permissive ones together. Else none:
   which of them is the library's, the file does not say to a program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from inspector.facts.licensing.debian_copyright import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright_names import read_license_name
from inspector.facts.licensing.debian_copyright_texts import granted_to_library, recognise_text, without_packaging
from inspector.facts.licensing.license_classes import license_class
from inspector.resources import load_table

_STEM = re.compile(r"(?:lib)?(.+?)(?:[-_.]?\d[\d.]*)?\.so(?:\..*)?")

_MOST_PATTERNS = 20_000
"""Patterns of one file that are compared with a library's places; Chromium's copyright file has 2,600."""
_MOST_ALTERNATIVES = 200  # of one paragraph
_SHORTEST_PART = 4  # letters of a directory's name that may stand for the end of a library's

_NO_LIBRARY = (
    "test",
    "doc",
    "example",
    "sample",
    "demo",
    "bench",
    "java",
    "jni",
    "python",
    "bindings",
    "bin",
    "plugin",
)
"""How directories begin whose subdirectories are called like what they are for."""

Scope = Literal["paragraph", "default", "header", "text"]


@dataclass(frozen=True, slots=True)
class LibraryReading:
    """What a copyright file says of one library.

    :ivar expression: SPDX; None where several licences are named and nothing says which is the library's.
    :ivar scope: which rule decided: the "paragraph" of its directory, the "default" paragraph, the "header", or recognised "text".
    :ivar patterns: of the paragraph that decided.
    :ivar mentioned: the licences that were recognised where ``scope`` is "text".
    :ivar unknown: names that were not understood; they are ``LicenseRef-Debian-…`` in the expression.
    """

    expression: str | None
    scope: Scope
    patterns: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def library_reading(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """The licence of the library with that SONAME (or file name); None where the file says nothing that is understood."""
    if not file.machine_readable:
        return _of_text(file.text)
    default = file.default()
    chosen = _covering(file, soname)
    if chosen is not None and chosen is not default and chosen.license_name:
        return _of_paragraph(file, chosen, "paragraph")
    if default is not None and default.license_name:
        return _of_paragraph(file, default, "default")
    if file.license_name:
        return _of_paragraph(file, FilesParagraph((), file.license_name), "header")
    only = {paragraph.license_name for paragraph in file.paragraphs if not _is_aside(paragraph)}
    if len(only) == 1:
        paragraph = next(paragraph for paragraph in file.paragraphs if not _is_aside(paragraph))
        return _of_paragraph(file, paragraph, "paragraph")
    return None


def _of_text(text: str) -> LibraryReading | None:
    text = without_packaging(text)
    mentioned = recognise_text(text)
    if not mentioned:
        return None
    return LibraryReading(_joined(mentioned) or granted_to_library(text), "text", mentioned=mentioned)


def _joined(mentioned: tuple[str, ...]) -> str | None:
    """One licence, or several permissive ones: whoever keeps to all of them errs in nothing. None where one of several asks for more."""
    mild = all(license_class(name) in ("permissive", "public-domain") for name in mentioned)
    return " AND ".join(mentioned) if mentioned and (mild or len(mentioned) == 1) else None


def _of_paragraph(file: CopyrightFile, paragraph: FilesParagraph, scope: Scope) -> LibraryReading | None:
    def text_of(name: str) -> str | None:
        text = file.text_of(paragraph, name)
        mentioned = recognise_text(text) if text else ()
        return _joined(mentioned)

    named = read_license_name(paragraph.license_name, text_of)
    if named is None:
        mentioned = recognise_text(paragraph.license_text)
        if not mentioned:
            return None
        return LibraryReading(_joined(mentioned), scope, paragraph.patterns, mentioned)
    return LibraryReading(named.expression, scope, paragraph.patterns, unknown=named.unknown)


def _covering(file: CopyrightFile, soname: str) -> FilesParagraph | None:
    """The paragraph that decides about the first place for which one of a directory decides."""
    match = _STEM.fullmatch(soname)
    if match is None:
        return None
    stem = soname.removeprefix("lib").partition(".so")[0]
    matchers = []
    compared = 0
    for paragraph in file.paragraphs:
        compared += len(paragraph.patterns)
        if compared > _MOST_PATTERNS:
            break
        if not _is_aside(paragraph):
            matchers.append((paragraph, _directories(paragraph.patterns)))
    for paragraph, _ in reversed(matchers):
        if _is_named_after(paragraph.patterns, stem, match[1]):
            return paragraph
    for place in load_table("licenses/library_sources.toml")["places"]:
        path = place.format(stem=stem, base=match[1])
        for paragraph, directories in reversed(matchers):
            if directories is not None and directories.fullmatch(path):
                return paragraph
    return None


def _is_named_after(patterns: tuple[str, ...], stem: str, base: str) -> bool:
    """Whether one of the directories has the library's name, wherever it is: ``src/lib/lttng-ust-ctl/*``, ``tools/libs/guest/*`` for libxenguest."""
    for pattern in patterns[:_MOST_ALTERNATIVES]:
        *above, name = pattern.removesuffix("/*").split("/")
        if (
            not pattern.endswith("/*")
            or "*" in name
            or "?" in name
            or any(part.startswith(_NO_LIBRARY) for part in above)
        ):
            continue
        plain = name.removeprefix("lib")
        if plain and plain in (stem, base):
            return True
        if len(plain) >= _SHORTEST_PART and (
            stem.endswith(f"-{plain}") or (above and above[-1] in ("lib", "libs") and stem.endswith(plain))
        ):
            return True
    return False


@lru_cache(maxsize=4096)
def _directories(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """A matcher for those patterns that speak of whole directories, "*" itself left out; ``*.h`` speaks of files."""
    wanted = [pattern.removeprefix("./") for pattern in patterns if pattern != "*" and len(pattern) < 300]
    wanted = [pattern + "*" if pattern.endswith("/") else pattern for pattern in wanted]
    wanted = [pattern for pattern in wanted if pattern.endswith(("/*", "/*.c", "/*.[ch]", "/*.cpp"))]
    if not wanted:
        return None
    return re.compile("|".join(_expression(pattern) for pattern in wanted[:_MOST_ALTERNATIVES]))


def _expression(pattern: str) -> str:
    """copyright-format 1.0, "Files": ``*`` and ``?`` match any characters, slashes included; a backslash escapes.

    What stands between two stars is matched where it comes first and never tried again (an atomic group), so that no pattern takes long.
    """
    pieces = [""]
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "*":
            pieces.append("")
        elif sign == "\\" and at + 1 < len(pattern):
            at += 1
            pieces[-1] += re.escape(pattern[at])
        else:
            pieces[-1] += "." if sign == "?" else re.escape(sign)
        at += 1
    first, *between = pieces
    if not between:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in between[:-1] if piece) + ".*" + between[-1]


def _is_aside(paragraph: FilesParagraph) -> bool:
    starts = tuple(load_table("licenses/library_sources.toml")["aside"])
    return (
        bool(paragraph.patterns)
        and all(
            pattern.removeprefix("./").lstrip("*/").startswith(starts)
            for pattern in paragraph.patterns
            if pattern != "*"
        )
        and "*" not in paragraph.patterns
    )
