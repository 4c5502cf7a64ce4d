"""Where a source tree keeps a library, and which paragraph of a copyright file speaks of that place.

copyright-format 1.0, "Files": ``*`` and ``?`` in a pattern match any characters, slashes included. Patterns come out of artifacts: none takes long.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright.library_names import (
    LONG_PART,
    MOST_ALTERNATIVES,
    OF_OTHERS,
    PARTS,
    is_file_of_same_words,
    is_named_after,
)
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_STEM = lazy_pattern(r"(?:lib)?(.+?)(?:[-_.]?\d[\d.]*|-[a-z]{1,3}\d+\.[\d.]+)?\.so(?:\..*)?")
"""A library's name without its version, which may have letters before it: libvtkexample-pv5.11.so.1."""

_MOST_PATTERNS = 20_000
"""Patterns of one file that are compared with a library's places; Chromium's copyright file has 2,600."""
_FILE_OF_OTHERS = lazy_pattern(
    r"(?:.*/)?(?:3rdparty|third_?party|external|extern|vendor|deps|subprojects)/(?P<project>[^/]+)/.+", re.IGNORECASE
)
_CLIENT = lazy_pattern(r"client[^/]*/(?:c|c\+\+|cpp|cxx|lib)/\*", re.IGNORECASE)
"""The directory of a program's library for its clients in C or C++."""

_MANY_WORDS = 3
"""Words of a library's name that no other file has by chance."""

_LIBRARIES_WITHIN = ("tools/lib/", "tools/libs/", "utils/lib/", "utils/libs/")


def covering_paragraph(file: CopyrightFile, soname: str) -> FilesParagraph | None:
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
        if not is_aside(paragraph) or is_named_after(paragraph.patterns, stem, match[1], whole_name=True):
            matchers.append((paragraph, _directories(paragraph.patterns)))
    chosen = _with_main_file(file, stem)
    if chosen is not None:
        return chosen
    for whole_name in (True, False):
        for paragraph, _ in reversed(matchers):
            if is_named_after(paragraph.patterns, stem, match[1], whole_name=whole_name):
                return paragraph if whole_name else _of_all_files_below(file, f"lib{stem}") or paragraph
    chosen = _with_file_of_its_directory(matchers, stem) or _of_another_project(file, stem) or _of_clients(matchers)
    if chosen is not None:
        return chosen
    paths = [place.format(stem=stem, base=match[1]) for place in load_table("licenses/library_sources.toml")["places"]]
    if any(
        pattern.startswith("generic/")
        for paragraph in file.paragraphs
        for pattern in paragraph.patterns[:MOST_ALTERNATIVES]
    ):
        paths.remove("library/x.c")  # where Tcl's extensions have scripts
    return _of_place(paths, matchers)


def _of_all_files_below(file: CopyrightFile, directory: str) -> FilesParagraph | None:
    """The paragraph that has all files that are listed in a directory: ``libexample_part/part.c`` of libexample_part, beside ``libexample/*``."""
    found = [
        paragraph
        for paragraph in file.paragraphs
        if any(directory in pattern.split("/")[:-1] for pattern in paragraph.patterns[:MOST_ALTERNATIVES])
    ]
    return found[0] if len(found) == 1 else None


def _of_clients(matchers: list[tuple[FilesParagraph, re.Pattern[str] | None]]) -> FilesParagraph | None:
    """The paragraph of a directory for a program's clients."""
    for paragraph, _ in reversed(matchers):
        if any(_CLIENT.fullmatch(pattern) for pattern in paragraph.patterns[:MOST_ALTERNATIVES]):
            return paragraph
    return None


def _of_another_project(file: CopyrightFile, stem: str) -> FilesParagraph | None:
    """The paragraph that lists most files of another project's directory that is called like a part of the library's name:
    ``dart/external/lodepng/lodepng.cpp`` for libdart-external-lodepng."""
    parts = PARTS.split(stem.lower())
    if len(parts) < 2:
        return None
    named = parts if any(part in OF_OTHERS or part == "ext" for part in parts) else parts[:1]
    counted: dict[FilesParagraph, int] = {}
    for paragraph in file.paragraphs:
        for pattern in paragraph.patterns[:MOST_ALTERNATIVES]:
            match = _FILE_OF_OTHERS.fullmatch(pattern)
            if match is not None and match["project"].lower() in named:
                counted[paragraph] = counted.get(paragraph, 0) + 1
    return max(counted, key=lambda paragraph: counted[paragraph], default=None)


def _of_place(paths: list[str], matchers: list[tuple[FilesParagraph, re.Pattern[str] | None]]) -> FilesParagraph | None:
    """The paragraph of the first place that a pattern of its own names, else of the first that any covers: ``lib/*`` goes before ``src/*``, which
    lies above ``src/<name>/x.c``, too."""
    listed: dict[str, FilesParagraph] = {}
    for paragraph, _ in matchers:
        listed |= {pattern: paragraph for pattern in paragraph.patterns if pattern.endswith("/*")}
    for path in paths:
        own = listed.get(path.rpartition("/")[0] + "/*")
        if own is not None:
            return own
    for path in paths:
        for paragraph, directories in reversed(matchers):
            if directories is not None and directories.fullmatch(path):
                return paragraph
    return None


def _with_main_file(file: CopyrightFile, stem: str) -> FilesParagraph | None:
    """The paragraph that lists the file that the library is called after: ``src/lib/libvdemgmt.c`` for libvdemgmt, ``src/fm.*`` for libfm, or nothing
    but files whose names begin like it: ``fru.c fru-errno.c fru.h`` for libfru."""
    main_file = re.compile(rf"(?:.*/)?lib{re.escape(stem)}\.(?:c|cc|cpp|cxx|[*?])")
    places = rf"(?:src|lib|source)/(?:.*/)?{re.escape(stem)}"
    project, _, part = stem.replace("-", "_").partition("_")
    if len(part) >= LONG_PART:
        # "example/solvers/solver_name.cpp" of libexample_solver_name
        places += rf"|{re.escape(project)}/(?:.*/)?{re.escape(part)}"
    called_alike = re.compile(rf"(?:{places})\.(?:c|cc|cpp|cxx|\*)")
    alike = None
    is_of_words = len(PARTS.split(stem)) >= _MANY_WORDS
    for paragraph in reversed(file.paragraphs):
        patterns = () if "*" in paragraph.patterns else paragraph.patterns[:MOST_ALTERNATIVES]
        if any(main_file.fullmatch(pattern) for pattern in patterns):
            return paragraph
        if len(stem) >= LONG_PART and _has_both_of(patterns, stem):
            return paragraph
        if len(patterns) > 2 and f"{stem}.c" in patterns and all(pattern.startswith(stem) for pattern in patterns):
            return paragraph
        # A program may have a file of that name, too: it must be a long one, or stand beside whole directories.
        if alike is None and (len(stem) >= LONG_PART or sum(pattern.endswith("/*") for pattern in patterns) > 1):
            alike = next((paragraph for pattern in patterns if called_alike.fullmatch(pattern)), None)
        if alike is None and is_of_words and any(is_file_of_same_words(pattern, stem) for pattern in patterns):
            alike = paragraph
    return alike


def _with_file_of_its_directory(
    matchers: list[tuple[FilesParagraph, re.Pattern[str] | None]], stem: str
) -> FilesParagraph | None:
    """The paragraph that lists the file that is called like the library, in a directory that is called so, too: ``src/mailreader/mailreader.cpp`` of
    libmailreader."""
    if len(stem) < LONG_PART:
        return None
    named = re.compile(rf"(?:.*/)?{re.escape(stem)}/{re.escape(stem)}\.(?:c|cc|cpp|cxx|[*?])")
    for paragraph, _ in reversed(matchers):
        if any(named.fullmatch(pattern) for pattern in paragraph.patterns[:MOST_ALTERNATIVES]):
            return paragraph
    return None


def _has_both_of(patterns: tuple[str, ...], stem: str) -> bool:
    """Whether a source and its header in the tree's root are called so; a program called like its project has no header."""
    if f"{stem}.*" in patterns:
        return True
    endings = {pattern.removeprefix(f"{stem}.") for pattern in patterns if pattern.startswith(f"{stem}.")}
    return bool(endings & {"c", "cc", "cpp", "cxx"} and endings & {"h", "hh", "hpp", "hxx"})


@lru_cache(maxsize=4096)
def _directories(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """A matcher for those patterns that speak of whole directories, "*" itself left out; ``*.h`` speaks of files."""
    wanted = [pattern.removeprefix("./") for pattern in patterns if pattern != "*" and len(pattern) < 300]
    wanted = [pattern + "*" if pattern.endswith("/") else pattern for pattern in wanted]
    wanted = [pattern for pattern in wanted if pattern.endswith(("/*", "/*.c", "/*.[ch]", "/*.cpp"))]
    if not wanted:
        return None
    return re.compile("|".join(_expression(pattern) for pattern in wanted[:MOST_ALTERNATIVES]))


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


def is_aside(paragraph: FilesParagraph) -> bool:
    """Whether all patterns are of build systems, packaging, tests, documentation or programs: ``rules/licenses/library_sources.toml``."""
    return (
        bool(paragraph.patterns)
        and "*" not in paragraph.patterns
        and all(is_aside_path(pattern) for pattern in paragraph.patterns)
    )


def is_aside_path(pattern: str) -> bool:
    """The same of one pattern, by how it begins."""
    plain = pattern.removeprefix("./").lstrip("*/")
    return plain.startswith(_aside_starts()) and not plain.startswith(_LIBRARIES_WITHIN)


@cache
def _aside_starts() -> tuple[str, ...]:
    return tuple(load_table("licenses/library_sources.toml")["aside"])
