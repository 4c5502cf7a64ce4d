"""How directories and files of a source tree are called after the library that is built from them.

Names come out of artifacts; each comparison is one of short strings.
"""

from __future__ import annotations

import re
from functools import lru_cache

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile
from inspector.patterns import lazy_pattern

MOST_ALTERNATIVES = 200  # of one paragraph
LONG_PART = 8
"""Letters of a directory's name that stand for the end of a library's however they are written: ``PyConsole/*`` for libexamplepyconsole."""
_SHORTEST_PART = 4  # letters of a directory's name that may stand for the end of a library's

_LIBRARY_BEHIND = lazy_pattern(r"(?<=.)[-_]?[Ll]ib$")  # "ExampleLib/*" of libExample, "ann_1.1/*" of libANNlib

OF_OTHERS = frozenset(("3rdparty", "third_party", "thirdparty", "external", "extern", "vendor", "deps", "subprojects"))
"""Directories of other projects' code: what lies there and is called like the end of a library's name is that library's."""
PARTS = lazy_pattern(r"[-_]")
_OF_ANY_LIBRARY = ("lib", "libs", "lib64", "library", "libraries", "libsrc")
_WORDS = lazy_pattern(r".*[a-z0-9]([A-Z][a-z]+)")  # the last of several that begin with capitals
_FAMILY = lazy_pattern(r"^(?:kf|kpim|qt)\d+(?=.{4})")

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
    "perl",
    "ruby",
    "swig",
    "contrib",
    "bindings",
    "bin",
    "plugin",
)
"""How directories begin whose subdirectories are called like what they are for."""


def lies_in_directory_named_after(
    pattern: str, soname: str, *, of_libraries: bool = False, without_family: bool = False, or_its_end: bool = False
) -> bool:
    """Whether a pattern names something in a directory that is called like the library, punctuation and "lib" aside.

    :param of_libraries: only where that directory, or one above it, is called "lib" or begins so: a program may be called like its library.
    :param without_family: also where the directory is called like the library without a family's name before it: "ksieve" of libKPim6KSieve.
    :param or_its_end: also where it is called like the last of the name's parts: "interfaces" of libexample_interfaces.
    """
    *above, _ = pattern.split("/")
    wanted = _plain(soname.partition(".so")[0])
    alike = {wanted, _FAMILY.sub("", wanted)} if without_family else {wanted}
    if or_its_end:
        *before, end = PARTS.split(soname.partition(".so")[0])
        alike |= {_plain(end)} if before and len(_plain(end)) >= LONG_PART else set()
    places = [index for index, part in enumerate(above) if _plain(part) in alike]
    if len(wanted) < 2 or not places:
        return False
    return not of_libraries or any(part.startswith("lib") for part in above[: places[0] + 1])


def is_file_of_same_words(pattern: str, stem: str) -> bool:
    """Whether a pattern names a source file that is called like a library of several words: ``ExampleLoginPage.cpp`` of libexample_login_page."""
    name, _, ending = pattern.rpartition("/")[2].rpartition(".")
    return ending in ("c", "cc", "cpp", "cxx") and _plain(name) == _plain(stem) != ""


def is_called_like(directory: str, soname: str) -> bool:
    """Whether a directory has a library's name, punctuation and "lib" aside."""
    return _plain(directory) == _plain(soname.partition(".so")[0]) != ""


def is_library_of_project(directory: str, soname: str, project: str) -> bool:
    """Whether a directory has the name of a library without its project's before it, and "lib": ``libsound`` for libexamplesound of "Example"."""
    part = _plain(directory)
    return (
        directory.startswith("lib")
        and len(part) >= _SHORTEST_PART
        and bool(project)
        and _plain(soname.partition(".so")[0]) == _plain(project) + part
    )


def has_name_in_common(directory: str, soname: str) -> bool:
    """Whether a directory and a library are called alike, or one of them begins like the other."""
    one, other = _plain(directory), _plain(soname.partition(".so")[0])
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def lies_below_another_library(pattern: str, soname: str) -> bool:
    """Whether a pattern names something in a directory that has another library's name, "lib" before it."""
    return any(
        part.startswith("lib") and part not in _OF_ANY_LIBRARY and not has_name_in_common(part, soname)
        for part in pattern.split("/")[:-1]
    )


def has_name_at_its_end(soname: str, project: str) -> bool:
    """Whether a library is called like its project, with a family's name before it or without: libKPim6IncidenceEditor of "incidenceeditor"."""
    wanted = _plain(project)
    return len(wanted) >= _SHORTEST_PART and _plain(soname.partition(".so")[0]).endswith(wanted)


def has_directory_with_lib(file: CopyrightFile, soname: str) -> bool:
    """Whether a pattern names something in a directory that is called like the library with "lib" before it."""
    wanted = _plain(soname.partition(".so")[0])
    return any(
        part.startswith("lib") and _plain(part) == wanted
        for paragraph in file.paragraphs
        for pattern in paragraph.patterns[:MOST_ALTERNATIVES]
        for part in pattern.split("/")[:-1]
    )


@lru_cache(maxsize=1024)
def _plain(name: str) -> str:
    return re.sub(r"[-_.]|(?:[-_.]?\d[\d.]*)+$", "", name.lower().removeprefix("lib"))


def _is_last_part(stem: str, above: list[str], part: str) -> bool:
    """Whether a directory below others has the whole last part of a library's name; a short one with the directory above it the last two: "opende/ou"
    of libexample_opende_ou."""
    *before, last = PARTS.split(stem.lower())
    if not above or not before or part.lower() != last:
        return False
    return len(part) >= _SHORTEST_PART - 1 or (len(before) > 1 and above[-1].lower() == before[-1])


def is_named_after(patterns: tuple[str, ...], stem: str, base: str, *, whole_name: bool) -> bool:
    """Whether one of the directories has the library's name, wherever it is (``src/lib/lttng-ust-ctl/*``), or, not ``whole_name``, a part of it:
    ``tools/libs/guest/*`` for libxenguest, ``lib/colord/*`` for libcolordprivate."""
    first = stem[:1].lower()
    for pattern in patterns[:MOST_ALTERNATIVES]:
        if not pattern.endswith("/*"):
            continue
        *above, name = pattern[:-2].split("/")
        if "*" in name or "?" in name or "t" in above or any(part.lower().startswith(_NO_LIBRARY) for part in above):
            continue
        plain = name.removeprefix("lib")
        if plain[:1].lower() == first != "" and (
            plain in (stem, base)
            or _LIBRARY_BEHIND.sub("", plain) in (stem, base)
            or _plain(name) == _plain(stem) != ""
            or (len(_plain(name)) >= _SHORTEST_PART - 1 and _plain(name) == _LIBRARY_BEHIND.sub("", _plain(stem)))
        ):
            return True
        if whole_name:
            continue
        if name.startswith("lib") and len(plain) >= _SHORTEST_PART - 1 and stem.startswith(plain):
            return True
        if _is_last_part(stem, above, plain):
            return True
        if (len(plain) >= LONG_PART and stem.lower().endswith(plain.lower())) or (
            len(_plain(name)) >= LONG_PART and _plain(stem).endswith(_plain(name))
        ):
            return True
        if above == ["src"] and len(plain) >= _SHORTEST_PART and plain.lower() == _last_word(base):
            return True
        if any(part.lower() in OF_OTHERS for part in above) and _is_called_after_part(base.lower(), plain.lower()):
            return True
        if len(plain) >= _SHORTEST_PART and (
            stem.lower().endswith((f"-{plain.lower()}", f"_{plain.lower()}"))
            or (above and above[-1] in ("lib", "libs") and (stem.endswith(plain) or stem.startswith(plain)))
        ):
            return True
    return False


@lru_cache(maxsize=1024)
def _last_word(name: str) -> str:
    """The last of several words that begin with capitals, in lower case: "page" of ExampleMonitorPage."""
    words = _WORDS.fullmatch(name)
    return words[1].lower() if words is not None else ""


def _is_called_after_part(base: str, part: str) -> bool:
    """Whether a library has the name of another project's directory, at most three letters or a project's own name before it (libITKNrrdIO,
    libpapilo-clusol): what has more before it (libITKIOHDF5, libtulip-ogdf) only uses that project."""
    before = base.removesuffix(part)
    return (
        len(part) >= _SHORTEST_PART
        and before != base
        and (not before or 0 < len(PARTS.split(before)[-1]) < _SHORTEST_PART)
    )
