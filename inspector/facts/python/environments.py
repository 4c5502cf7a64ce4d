"""The Python interpreters of a tree, each with the places in which it looks for modules.

The search path follows CPython's Modules/getpath.py and Lib/site.py: PYTHONPATH, the archive ``pythonXY.zip``, the standard library,
``lib-dynload``, the directories of installed packages and what their ``.pth`` files add.  Where it is in doubt whether a place is searched, it is
listed: a module too many is kept, a module too few would be lost.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.loading.run_time_paths import Mount
from inspector.facts.python.extension_modules import Abi, interpreter_abi, is_python_program
from inspector.patterns import lazy_pattern

_STANDARD_LIBRARY = lazy_pattern(
    r"(?:^|/)(?P<implementation>python|pypy)(?P<major>\d)(?:\.(?P<minor>\d+))?(?P<flags>t?)$"
)
_SITE_NAMES = ("site-packages", "dist-packages")
_MARKS = ("os.py", "os.pyc")
_LONGEST_PTH = 64 << 10  # bytes; they hold a few lines
_MOST_PTH_LINES = 1000


class PathConfiguration(Struct, frozen=True):
    """One ``.pth`` file (Lib/site.py, ``addpackage``).

    :ivar path: its tree path.
    :ivar directories: tree paths that it adds to the search path and that are there.
    :ivar code: its lines that begin with ``import``, which every start executes.
    """

    path: str
    directories: tuple[str, ...]
    code: tuple[str, ...]


class PythonEnvironment(Struct, frozen=True):
    """One standard library with the interpreters that use it.

    :ivar standard_library: tree path of the directory or archive that holds ``os``.
    :ivar programs: tree paths of the executables that are such an interpreter or embed one.
    :ivar abi: version and flags, as far as file names tell them.
    :ivar search_path: tree paths of directories and archives, the first first.
    :ivar site_directories: those of them that hold installed packages, whose ``.pth`` files are read.
    :ivar configurations: the ``.pth`` files.
    """

    standard_library: str
    programs: tuple[str, ...]
    abi: Abi
    search_path: tuple[str, ...]
    site_directories: tuple[str, ...] = ()
    configurations: tuple[PathConfiguration, ...] = ()


def find_environments(
    tree: Tree,
    objects: Sequence[ElfObject] = (),
    *,
    environment: Mapping[str, str] | None = None,
    mount: Mount | None = None,
) -> tuple[PythonEnvironment, ...]:
    """Every Python of a tree, in the order of the paths of their standard libraries.

    :param objects: the ELF objects of the tree, for the programs.
    :param environment: what the launcher exports, run-time paths: PYTHONPATH is read.
    :param mount: turns run-time paths into tree paths.
    """
    libraries = _standard_libraries(tree)
    programs = [found for found in objects if is_python_program(found)]
    abis = {
        found.path: interpreter_abi(found, [path for path in libraries if not path.endswith(".zip")])
        for found in programs
    }
    asked = tuple(_python_path(tree, environment or {}, mount))
    sites = _site_directories(tree)
    found = []
    for library in libraries:
        abi = _library_abi(library)
        using = tuple(
            path
            for path, other in abis.items()
            if abi.version is None or other.version is None or other.version == abi.version
        )
        found.append(_environment(tree, library, abi, using, asked, sites))
    return tuple(found)


def _site_directories(tree: Tree) -> list[str]:
    """Directories of installed packages: by their names, or because packages were installed into them (``pip install --target``).

    briefcase keeps the application itself in ``app`` beside such a directory (https://briefcase.beeware.org, "Linux").
    """
    named = {node.path for node in tree if node.kind is Kind.DIRECTORY and node.name in _SITE_NAMES}
    targets = {
        posixpath.dirname(node.path)
        for node in tree
        if node.kind is Kind.DIRECTORY and node.name.endswith(".dist-info") and f"{node.path}/METADATA" in tree
    }
    found = named | {path for path in targets if path and not any(path.startswith(f"{site}/") for site in named)}
    beside = (posixpath.join(posixpath.dirname(path), "app") for path in found if path.endswith("/app_packages"))
    return sorted(found | {path for path in beside if (node := tree.get(path)) and node.kind is Kind.DIRECTORY})


def _standard_libraries(tree: Tree) -> list[str]:
    """Directories with ``os`` and ``encodings`` in them; archives of a standard library where no directory is there."""
    directories = set()
    for node in tree:
        if node.name in _MARKS:
            directory = posixpath.dirname(node.path)
            if posixpath.basename(directory) == "__pycache__":
                continue
            packages = (f"{directory}/encodings/__init__.py", f"{directory}/encodings/__init__.pyc")
            if any(path.lstrip("/") in tree for path in packages):
                directories.add(directory)
    archives = {
        node.path
        for node in tree.files()
        if node.name in ("base_library.zip", "library.zip") or re.fullmatch(r"python\d+\.zip", node.name)
    }
    return sorted(directories) or sorted(archives)


def _library_abi(library: str) -> Abi:
    match = _STANDARD_LIBRARY.search(library)
    if match is None:
        return Abi()
    name = "pypy" if match["implementation"] == "pypy" else "cpython"
    return Abi(name, None if match["minor"] is None else (int(match["major"]), int(match["minor"])), match["flags"])


def _python_path(tree: Tree, environment: Mapping[str, str], mount: Mount | None) -> Iterator[str]:
    for place in environment.get("PYTHONPATH", "").split(":"):
        path = mount.tree_path(place) if mount is not None and place else None
        node = tree.resolve(path) if path is not None else None
        if node is not None:
            yield node.path


def _environment(
    tree: Tree, library: str, abi: Abi, programs: tuple[str, ...], asked: Sequence[str], sites: Sequence[str]
) -> PythonEnvironment:
    directory = posixpath.dirname(library)
    prefix = posixpath.dirname(directory)
    version = "" if abi.version is None else f"{abi.version[0]}.{abi.version[1]}"
    base = [
        *asked,
        posixpath.join(directory, f"python{version.replace('.', '')}.zip"),
        library,
        posixpath.join(library, "lib-dynload"),
        posixpath.join(prefix, "lib64", posixpath.basename(library)),
        posixpath.join(prefix, "lib64", posixpath.basename(library), "lib-dynload"),
    ]
    if library.endswith(".zip"):
        base.append(directory)  # frozen applications keep extension modules and data beside the archive
    own = [path for path in sites if _fits_version(path, version)]
    own.sort(key=lambda path: (not path.startswith(f"{library}/"), not path.startswith(f"{prefix}/"), path))
    configurations = tuple(_configurations(tree, own))
    added = [path for configuration in configurations for path in configuration.directories]
    places = [path for path in dict.fromkeys((*base, *own, *added)) if path in tree]
    return PythonEnvironment(library, programs, abi, tuple(places), tuple(own), configurations)


def _fits_version(site: str, version: str) -> bool:
    """Whether a directory of packages is for a version; one whose path names none is for all."""
    named = re.findall(r"(?:^|/)python(\d\.\d+)t?(?:/|$)", site)
    return not named or not version or version in named


def _configurations(tree: Tree, sites: Iterable[str]) -> Iterator[PathConfiguration]:
    for site in sites:
        for node in sorted(tree.children(site), key=lambda child: child.name):
            if node.is_file and node.name.endswith(".pth"):
                yield _read_configuration(tree, node, site)


def _read_configuration(tree: Tree, node: Node, site: str) -> PathConfiguration:
    try:
        text = node.read_at(0, _LONGEST_PTH).decode("utf-8-sig", "replace")
    except (FormatError, OSError):
        text = ""
    directories, code = [], []
    for line in text.splitlines()[:_MOST_PTH_LINES]:
        line = line.strip()
        if line.startswith(("import ", "import\t")):
            code.append(line)
        elif line and not line.startswith(("#", "/")):
            target = tree.resolve(posixpath.join(site, line))
            if target is not None:
                directories.append(target.path)
    return PathConfiguration(node.path, tuple(directories), tuple(code))
