"""Which files of a source tree a library is built from, as its build system says: automake, CMake, Meson and qmake, as far as they can be read
without running them.

Variables are followed within one file; what stays unknown stands for the files of the directory. This is evidence for the catalogue, no build.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

BUILD_FILE = re.compile(
    r"(?:.*/)?(?:Makefile\.am|CMakeLists\.txt|meson\.build|[^/]+\.pro|[^/]+\.mk\.am|Makefile\.[^/]*inc(?:lude)?)"
)
SOURCE_FILE = re.compile(
    r".*\.(?:c|cc|cpp|cxx|C|h|hh|hpp|hxx|f|f77|f90|F90|f95|vala|d|m|mm|s|S|adb|ads|pas|l|y|ll|yy|inl|tcc)"
)
_ASIDE = re.compile(
    r"(?:^|/)(?:tests?|testing|testsuite|unittests?|autotests|t|examples?|samples?|demos?|docs?|bench(?:marks?)?|bindings|python|java|perl|ruby|"
    r"3rdparty|third[-_]?party|thirdparty|external|extern|vendor|contrib|gnulib|gl|libltdl|lib/gl|debian|m4|cmake|tools|utils|fuzz\w*|android|win32|windows|po)/",
    re.IGNORECASE,
)
_CONTINUED = re.compile(r"\\\n")
_ASSIGNED = re.compile(r"^[ \t]*([A-Za-z0-9_]+)[ \t]*(?::|\+)?=[ \t]*(.*)$", re.MULTILINE)
_LIBTOOL = re.compile(r"(?:^|/)(?:lib)?[^/\s]+\.la$")
_REFERENCE = re.compile(r"\$[({]([A-Za-z0-9_]+)[)}]")
_CMAKE_LIBRARY = re.compile(
    r"\b([A-Za-z0-9_]*add_(?:shared_|sub)?library[A-Za-z0-9_]*|vtk_module_add_module|pcl_add_library|qt_(?:internal_)?add_(?:qml_)?module)\s*\(\s*([^)]*)\)",
    re.IGNORECASE,
)
_CMAKE_SOURCES = re.compile(r"\btarget_sources\s*\(\s*([^)]*)\)", re.IGNORECASE)
_CMAKE_SET = re.compile(r"\b(?:set|list)\s*\(\s*(?:APPEND\s+)?([A-Za-z0-9_]+)\s+([^)]*)\)", re.IGNORECASE)
_CMAKE_PROJECT = re.compile(r"\bproject\s*\(\s*\"?([A-Za-z0-9_+.-]+)", re.IGNORECASE)
_CMAKE_NAME = re.compile(
    r"set_target_properties\s*\(\s*([^\s)]+)\s+PROPERTIES[^)]*?\bOUTPUT_NAME\s+\"?([^\s\")]+)", re.IGNORECASE
)
_MESON_LIBRARY = re.compile(
    r"\b(?:shared_library|both_libraries|library|shared_module)\s*\(\s*('[^']*'(?:\s*[+/]\s*[\w'.-]+)*|[A-Za-z_]\w*|f'[^']*')([^)]*)"
)
_MESON_ASSIGNED = re.compile(r"^\s*([A-Za-z_]\w*)\s*\+?=\s*(?:files\s*\(|\[|')([^\])]*)", re.MULTILINE)
_MESON_STRING = re.compile(r"^\s*([A-Za-z_]\w*)\s*=\s*(f?'[^\n]*)$", re.MULTILINE)
_MESON_FILE = re.compile(r"'([^']+\.(?:c|cc|cpp|cxx|h|hpp|vala|d))'")
_NO_NAME = re.compile(r"[$@{}<>|*]")
_MOST_FILES = 400
_FEW_FILES = 3  # of a Meson library that are perhaps only those of one branch
_HEADER = (".h", ".hh", ".hpp", ".hxx", ".inl", ".tcc")


def library_files(build_files: Mapping[str, str], sources: list[str], stem: str, *, is_only: bool = True) -> list[str]:
    """The source files of the library ``lib<stem>`` by their paths in the tree; empty where no build file tells.

    :param build_files: contents of the build files by path.
    :param sources: paths of all source files.
    :param stem: the SONAME without "lib" before it and ".so" with what follows.
    :param is_only: whether the source package has no other library: the one that a build file names is this one then, however it is called.
    """
    by_directory: dict[str, list[str]] = {}
    for path in sources:
        by_directory.setdefault(posixpath.dirname(path), []).append(path)
    shared = _shared_values(build_files)
    targets = [target for path, text in sorted(build_files.items()) for target in _targets(path, text, shared)]
    targets = [target for target in targets if _ASIDE.search(f"{target[1]}/") is None]
    for same in (_exactly, _without_version):
        wanted = same(stem)
        found = [target for target in targets if wanted and same(target[0]) == wanted]
        if found:
            return _files_of(found, targets, by_directory, set(sources))
    named = {name for name, *_ in targets if not name.startswith("@")}
    if len(named) == 1 and is_only:
        files = _files_of([target for target in targets if target[0] in named], targets, by_directory, set(sources))
        if files:
            return files
    return _of_directory_named_after(stem, by_directory)


def _of_directory_named_after(stem: str, by_directory: Mapping[str, list[str]]) -> list[str]:
    """The files of the directory that is called like the library, the one highest in the tree; only of one with "lib" before its name, or of the
    only one."""
    plain = _without_version(stem)
    named = sorted(
        (
            place
            for place in by_directory
            if _without_version(posixpath.basename(place).removeprefix("lib")) == plain
            and _ASIDE.search(f"{place}/") is None
        ),
        key=lambda place: (not posixpath.basename(place).startswith("lib"), place.count("/"), place),
    )
    if not plain or not named or (len(named) > 1 and not posixpath.basename(named[0]).startswith("lib")):
        return []
    return _of_directory(named[0], by_directory)[:_MOST_FILES]


def _shared_values(build_files: Mapping[str, str]) -> dict[str, str]:
    """Names that one build file gives and others use, of CMake and Meson; the first in the order of paths counts."""
    values: dict[str, str] = {}
    for path, text in sorted(build_files.items(), key=lambda item: (item[0].count("/"), item[0])):
        if path.endswith("CMakeLists.txt"):
            for match in _CMAKE_SET.finditer(text):
                if len(match[2]) < 200:
                    values.setdefault(match[1], match[2].split(" CACHE ")[0].strip(' "'))
        elif path.endswith("meson.build"):
            for match in _MESON_STRING.finditer(text):
                values.setdefault(match[1], "".join(re.findall(r"'([^']*)'", match[2])))
    return values


Target = tuple[str, str, tuple[str, ...], bool]
"""Name without "lib", directory of the build file, files and other libraries as they stand there, whether the list is complete.  A name that begins
with "@" is of a library that is only a part of others."""


def _targets(path: str, text: str, shared: Mapping[str, str]) -> Iterator[Target]:
    directory = posixpath.dirname(path)
    name = posixpath.basename(path)
    if name == "CMakeLists.txt":
        yield from _of_cmake(directory, re.sub(r"#[^\n]*", "", text), shared)
    elif name == "meson.build":
        yield from _of_meson(directory, re.sub(r"(?m)^\s*#[^\n]*", "", text), shared)
    elif name.endswith(".pro") and not name.startswith("."):
        yield from _of_qmake(directory, name.removesuffix(".pro"), _CONTINUED.sub(" ", text))
    else:
        yield from _of_automake(directory, _CONTINUED.sub(" ", text))


def _of_automake(directory: str, text: str) -> Iterator[Target]:
    values: dict[str, str] = {}
    for match in _ASSIGNED.finditer(text):
        values[match[1]] = f"{values.get(match[1], '')} {match[2]}"
    for variable, value in list(values.items()):
        if not variable.endswith("_LTLIBRARIES"):
            continue
        is_part = variable.startswith(("noinst_", "check_", "EXTRA_"))
        for library in _expanded(value, values).split():
            if not library.endswith(".la"):
                continue
            key = re.sub(r"[^A-Za-z0-9_@]", "_", library)
            found = [*_expanded(values.get(f"{key}_SOURCES", ""), values).split()]
            found += _expanded(values.get(f"nodist_{key}_SOURCES", ""), values).split()
            added = [
                part for part in _expanded(values.get(f"{key}_LIBADD", ""), values).split() if _LIBTOOL.search(part)
            ]
            plain = posixpath.basename(library).removesuffix(".la").removeprefix("lib")
            complete = bool(found) and not any("$" in one for one in found)
            yield (f"@{plain}" if is_part else plain, directory, (*found, *added), complete)


def _expanded(value: str, values: Mapping[str, str], depth: int = 4) -> str:
    value = re.sub(r"#.*", "", value)
    if depth == 0:
        return value
    return _REFERENCE.sub(
        lambda match: (
            _expanded(values[match[1]], values, depth - 1)
            if match[1] in values and len(values[match[1]]) < 40_000
            else match[0]
        ),
        value,
    )


def _of_cmake(directory: str, text: str, shared: Mapping[str, str]) -> Iterator[Target]:
    values: dict[str, str] = {}
    project = _CMAKE_PROJECT.search(text)
    if project is not None:
        values |= {"PROJECT_NAME": project[1], "CMAKE_PROJECT_NAME": project[1]}
    for match in _CMAKE_SET.finditer(text):
        values[match[1]] = f"{values.get(match[1], '')} {match[2]}" if match[2] else ""
    values = {**shared, **values}
    names = {
        _expanded(match[1], values).strip(): _expanded(match[2], values).strip() for match in _CMAKE_NAME.finditer(text)
    }
    more: dict[str, list[str]] = {}
    for match in _CMAKE_SOURCES.finditer(text):
        target, *rest = _expanded(match[1], values).split() or [""]
        more.setdefault(target, []).extend(rest)
    for match in _CMAKE_LIBRARY.finditer(text):
        words = _expanded(match[2], values).replace('"', " ").split()
        if not words or {"ALIAS", "IMPORTED", "INTERFACE"} & set(words[1:3]):
            continue
        found = [word for word in words[1:] + more.get(words[0], []) if "." in word or "$" in word]
        part = bool({"STATIC", "OBJECT"} & set(words[1:3]))
        name = names.get(words[0], words[0]).removeprefix("lib")
        complete = bool(found) and not any(
            "$" in re.sub(r"\$\{CMAKE_CURRENT_(?:SOURCE|LIST)_DIR\}/?", "", one) for one in found
        )
        yield (f"@{name}" if part else name, directory, tuple(found), complete)


def _of_meson(directory: str, text: str, shared: Mapping[str, str]) -> Iterator[Target]:
    values = {match[1]: match[2] for match in _MESON_ASSIGNED.finditer(text)}
    for match in _MESON_LIBRARY.finditer(text):
        written = match[1]
        name = written if written.startswith(("'", "f'")) else shared.get(written, written)
        name = re.sub(r"\+\s*([A-Za-z_]\w*)", lambda found: shared.get(found[1], ""), name)
        name = re.sub(r"'\s*[+/]\s*[\w.]+(?:\(\))?|[f']|@\w*@", "", name).strip(" '-").removeprefix("lib")
        arguments = match[2]
        found = _MESON_FILE.findall(arguments)
        for word in re.findall(r"\b([A-Za-z_]\w*)\b", arguments.partition(":")[0]):
            found += _MESON_FILE.findall(values.get(word, ""))
        yield (name, directory, tuple(found), len(found) > _FEW_FILES)


def _of_qmake(directory: str, name: str, text: str) -> Iterator[Target]:
    values: dict[str, str] = {}
    for match in _ASSIGNED.finditer(text):
        values[match[1]] = f"{values.get(match[1], '')} {match[2]}"
    if "lib" not in values.get("TEMPLATE", "").split():
        return
    target = _expanded(values.get("TARGET", name), values).replace("$$qtLibraryTarget(", "").strip(" )") or name
    found = tuple(_expanded(f"{values.get('SOURCES', '')} {values.get('HEADERS', '')}", values).split())
    yield (
        target.split()[0].removeprefix("lib"),
        directory,
        found,
        bool(found) and not any("$" in one for one in found),
    )


def _exactly(name: str) -> str:
    return re.sub(r"[-_.+]", "", _NO_NAME.sub("", name)).lower()


def _without_version(name: str) -> str:
    plain = re.sub(r"@[A-Za-z_]*@|\$[({][^)}]*[)}]?", "", name).lower()
    return re.sub(r"[-_.]", "", re.sub(r"[-_.]?\d[\d.]*(?=$|[-_])", "", plain))


def _files_of(
    found: list[Target], targets: list[Target], by_directory: Mapping[str, list[str]], sources: set[str]
) -> list[str]:
    parts = {(posixpath.normpath(target[1] or "."), target[0].removeprefix("@")): target for target in targets}
    files: dict[str, None] = {}
    waiting, seen = list(found), set()
    while waiting and len(files) < _MOST_FILES:
        target = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        _, directory, listed, complete = target
        own: list[str] = []
        for written in listed:
            plain = re.sub(r"^\$[({](?:top_)?(?:src|build)dir[)}]/|^\$\{(?:CMAKE|PROJECT)\w*_DIR\}/", "", written)
            bases = (
                ("", directory)
                if written.startswith(("$(top_", "${top_", "${PROJECT", "${CMAKE_SOURCE"))
                else (directory, "")
            )
            if plain.endswith(".la"):
                for base in bases:
                    place = posixpath.normpath(posixpath.join(base, posixpath.dirname(plain)))
                    part = parts.get((place, posixpath.basename(plain).removesuffix(".la").removeprefix("lib")))
                    if part is not None:
                        waiting.append(part)
                        break
                continue
            for base in bases:
                place = posixpath.normpath(posixpath.join(base, plain))
                if place in sources:
                    own.append(place)
                    break
        if not complete or not own:
            own += _of_directory(directory, by_directory)
        files |= dict.fromkeys(own)
    if all(path.endswith(_HEADER) for path in files):
        return []
    return [path for path in files if _ASIDE.search(path) is None][:_MOST_FILES] or list(files)[:_MOST_FILES]


def _of_directory(directory: str, by_directory: Mapping[str, list[str]]) -> list[str]:
    """The source files below a directory; of the tree's root those in it and in "src" or "lib"."""
    below = [f"{directory}/"] if directory else ["src/", "lib/", "source/", "include/"]
    found = list(by_directory.get(directory, []))
    for place, paths in by_directory.items():
        if (
            place != directory
            and f"{place}/".startswith(tuple(below))
            and _ASIDE.search(f"{place.removeprefix(directory)}/") is None
        ):
            found += paths
    return found
