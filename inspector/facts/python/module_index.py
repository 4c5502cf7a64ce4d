"""Every module that an interpreter of the tree can import, the files behind it, and the distribution that owns it.

Names follow ``importlib.machinery.FileFinder``: in each place of the search path a package before a module, an extension module before a source
before bytecode without one; a directory without ``__init__`` is a namespace package (PEP 420), whose parts may lie in several places.  A
tree with several interpreters, or with a module in several places, gives several modules of one name: an import may mean any of them.

Modules that lie in no place of a search path (beside a script, in a directory that a program adds to ``sys.path``) are *loose*: they are listed too,
under the name that they have in their own directory.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from inspector.artifact.tree import Kind, Tree
from inspector.errors import FormatError
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.environments import PythonEnvironment
from inspector.facts.python.zipped_modules import ZippedMember, zipped_members
from inspector.limits import MIB
from inspector.patterns import lazy_pattern

ModuleKind = Literal["source", "extension", "bytecode", "namespace"]

_EXTENSION = lazy_pattern(r"\.(?:cpython-\d+[a-z]*(?:-[\w-]+)?|abi3t?|pypy\d+-\w+(?:-[\w-]+)?)\.so$|\.so$|\.pyd$")
_CACHED = lazy_pattern(r"(?P<stem>.+?)\.(?P<tag>[^.]+)(?:\.opt-\w+)?\.pyc$")
_PLAIN_SO = 1
_LARGEST_SEARCHED = 64 * MIB
_TEST_PARTS = frozenset({"test", "tests", "testing_tests", "idle_test"})


class Module(Struct, frozen=True, eq=False):
    """One importable module; compared by identity.

    :ivar name: the full name ("numpy.linalg"); of a loose module the name in its own directory.
    :ivar kind: what is executed: a source, an extension module, bytecode without a source; a namespace package executes nothing.
    :ivar is_package: whether it has submodules, by its form.
    :ivar path: tree path of what is executed, of the archive for a zipped module, of the directory for a namespace package.
    :ivar files: tree paths of all files of this name: what is executed, bytecode of every level, sources and extension modules that it hides.
    :ivar place: tree path of the search path's directory or archive in which it was found.
    :ivar distribution: PEP 503 name of the distribution that owns it, or None.
    :ivar standard_library: whether it comes with the interpreter.
    :ivar loose: whether no search path leads to it.
    :ivar member: of a zipped module, where its bytes are.
    """

    name: str
    kind: ModuleKind
    is_package: bool
    path: str
    files: tuple[str, ...]
    place: str
    distribution: str | None = None
    standard_library: bool = False
    loose: bool = False
    member: ZippedMember | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.path}>"

    @property
    def top_level(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    @property
    def package(self) -> str:
        """What a relative import starts from: its own name for a package, else its parent's."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def is_test(self) -> bool:
        """Whether its name says that it belongs to a test suite."""
        return any(part in _TEST_PARTS for part in self.name.split(".")) or self.name.rpartition(".")[2] == "conftest"


class ModuleIndex:
    """The modules of a tree.

    :ivar environments: the interpreters.
    :ivar modules: all modules, in the order of places and names.
    """

    def __init__(self, environments: Sequence[PythonEnvironment], modules: Iterable[Module]) -> None:
        self.environments = tuple(environments)
        self.modules = tuple(modules)
        self._by_name: dict[str, list[Module]] = {}
        self._loose_by_name: dict[str, list[Module]] = {}
        self._by_path: dict[str, Module] = {}
        self._children: dict[str, list[Module]] = {}
        for module in self.modules:
            (self._loose_by_name if module.loose else self._by_name).setdefault(module.name, []).append(module)
            for path in module.files:
                self._by_path.setdefault(path, module)
            parent = module.name.rpartition(".")[0]
            self._children.setdefault(parent, []).append(module)

    def __len__(self) -> int:
        return len(self.modules)

    def find(self, name: str) -> Sequence[Module]:
        """The modules that an import of this full name may mean, the first of the search path first; none where there is none."""
        return self._by_name.get(name, ())

    def find_loose(self, name: str) -> Sequence[Module]:
        """The loose modules of this name."""
        return self._loose_by_name.get(name, ())

    def at(self, path: str) -> Module | None:
        """The module that a file belongs to, by tree path: a source, an extension module, bytecode of any level; None for other files."""
        return self._by_path.get(path)

    def children(self, name: str) -> Sequence[Module]:
        """The modules directly below a package, loose ones too; for "" all top-level modules."""
        return self._children.get(name, ())

    def below(self, name: str) -> Iterator[Module]:
        """A package's modules of every depth, without itself."""
        todo = list(self.children(name))
        while todo:
            module = todo.pop()
            yield module
            if module.is_package:
                todo.extend(self.children(module.name))

    @property
    def names(self) -> Iterable[str]:
        """All full names, loose modules left out."""
        return self._by_name.keys()


def index_modules(
    tree: Tree, environments: Sequence[PythonEnvironment], distributions: Sequence[PythonDistribution] = ()
) -> ModuleIndex:
    """List the modules of a tree.

    :param environments: from :func:`inspector.facts.python.environments.find_environments`.
    :param distributions: from :func:`inspector.facts.python.distributions.collect_python_distributions`, for the owners.
    """
    # The outermost owner wins: what a distribution vendors is its own, whatever metadata came along.
    inner_first = sorted(distributions, key=lambda found: -found.metadata_path.count("/"))
    owners = {path: found.normalized_name for found in inner_first for path in found.files}
    return ModuleIndex(environments, _Indexer(tree, environments, owners).modules())


class _Candidate(Struct):
    """What was found of one name in one place, by rank: package before module, extension before source before bytecode."""

    name: str
    place: str
    loose: bool
    best: tuple[int, int] = (9, 9)
    kind: ModuleKind = "namespace"
    is_package: bool = False
    path: str = ""
    files: list[str] | None = None


class _Indexer:
    def __init__(self, tree: Tree, environments: Sequence[PythonEnvironment], owners: dict[str, str]) -> None:
        self._tree = tree
        self._owners = owners
        self._standard = {place for found in environments for place in _standard_places(found)}
        self._places = {place: rank for rank, place in enumerate(_in_order(environments))}
        self._found: dict[tuple[str, str], _Candidate] = {}
        self._namespaces: dict[tuple[str, str], str] = {}

    def modules(self) -> list[Module]:
        for node in self._tree:
            if node.kind in (Kind.FILE, Kind.SYMLINK):
                self._take(node.path)
        archives = [self._archive(place) for place in self._places]
        rows = [self._module(candidate) for candidate in self._found.values()]
        regular = {(module.place, module.name) for module in rows}
        rows += [
            Module(name, "namespace", True, directory, (), place, standard_library=place in self._standard)
            for (place, name), directory in self._namespaces.items()
            if (place, name) not in regular
        ]
        rows += [module for members in archives for module in members]
        rows.sort(key=lambda module: (self._places.get(module.place, len(self._places)), module.place, module.name))
        return rows

    def _take(self, path: str) -> None:
        directory, _, file_name = path.rpartition("/")
        stem, rank, kind = _stem(file_name)
        if stem is None:
            return
        if posixpath.basename(directory) == "__pycache__":
            match = _CACHED.match(file_name)
            if match is None:
                return
            directory, stem, rank = posixpath.dirname(directory), match["stem"], 9
        place, parts, loose = self._place_of(directory)
        is_package = stem == "__init__"
        if not is_package:
            parts = (*parts, stem)
        if not parts or not all(part.isidentifier() for part in parts[:-1]) or not _importable(parts[-1]):
            return
        if rank == _PLAIN_SO and not self._has_init(path, stem):
            return
        name = ".".join(parts)
        candidate = self._found.setdefault((place, name), _Candidate(name, place, loose, files=[]))
        assert candidate.files is not None  # noqa: S101
        candidate.files.append(path)
        order = (0 if is_package else 1, rank)
        if rank < 9 and order < candidate.best:
            candidate.best, candidate.kind, candidate.is_package, candidate.path = order, kind, is_package, path
        if not loose:
            for end in range(1, len(parts)):
                self._namespaces.setdefault((place, ".".join(parts[:end])), "/".join((place, *parts[:end])))

    def _has_init(self, path: str, stem: str) -> bool:
        """Whether a shared object without a tag in its name is an extension module: it exports its init function (PEP 489)."""
        node = self._tree.resolve(path)
        if node is None or not node.is_file:
            return False
        wanted, at, tail = f"PyInit_{stem}".encode() + b"\0", 0, b""
        try:
            while at < min(node.size, _LARGEST_SEARCHED):
                chunk = tail + node.read_at(at, MIB)
                if wanted in chunk:
                    return True
                at, tail = at + MIB, chunk[-len(wanted) :]
        except (FormatError, OSError):
            pass
        return False

    def _place_of(self, directory: str) -> tuple[str, tuple[str, ...], bool]:
        """The nearest place above a directory, and the names between; a loose file's place is its first directory that is no package."""
        names: tuple[str, ...] = ()
        current = directory
        while True:
            if current in self._places:
                return current, names, False
            if not current:
                break
            current, name = posixpath.split(current)
            names = (name, *names)
        names, current = (), directory
        while current and (f"{current}/__init__.py" in self._tree or f"{current}/__init__.pyc" in self._tree):
            current, name = posixpath.split(current)
            names = (name, *names)
        return current, names, True

    def _module(self, candidate: _Candidate) -> Module:
        files = candidate.files or []
        path = candidate.path or files[0]
        return Module(
            name=candidate.name,
            kind=candidate.kind if candidate.path else "bytecode",
            is_package=candidate.is_package,
            path=path,
            files=tuple(sorted(files)),
            place=candidate.place,
            distribution=self._owners.get(path),
            standard_library=candidate.place in self._standard,
            loose=candidate.loose,
        )

    def _archive(self, place: str) -> list[Module]:
        node = self._tree.get(place)
        if node is None or not node.is_file:
            return []
        found: dict[str, Module] = {}
        for member in zipped_members(node):
            stem, rank, kind = _stem(posixpath.basename(member.name))
            parts = tuple(part for part in posixpath.dirname(member.name).split("/") if part)
            if stem is None or rank == 9 or kind == "extension":
                continue
            is_package = stem == "__init__"
            name = ".".join(parts if is_package else (*parts, stem))
            if name and (name not in found or kind == "source"):
                found[name] = Module(
                    name, kind, is_package, place, (), place, standard_library=place in self._standard, member=member
                )
        return list(found.values())


def _stem(file_name: str) -> tuple[str | None, int, ModuleKind]:
    """A file's module name, the rank of its suffix and what it is; None for files that no interpreter imports."""
    if file_name.endswith(".py"):
        return file_name[:-3], 2, "source"
    if file_name.endswith(".pyc"):
        return file_name[:-4], 3, "bytecode"
    match = _EXTENSION.search(file_name)
    if match is not None:
        return file_name[: match.start()], 0 if match[0] != ".so" else _PLAIN_SO, "extension"
    return None, 9, "source"


def _importable(name: str) -> bool:
    """Whether import can name it; ``__import__`` takes names that a statement cannot write."""
    return bool(name) and "." not in name


def _standard_places(environment: PythonEnvironment) -> Iterator[str]:
    sites = set(environment.site_directories)
    for place in environment.search_path:
        base = posixpath.basename(place)
        if place not in sites and (
            place == environment.standard_library
            or base == "lib-dynload"
            or place.endswith(".zip")
            or base == posixpath.basename(environment.standard_library)
        ):
            yield place


def _in_order(environments: Sequence[PythonEnvironment]) -> list[str]:
    return list(dict.fromkeys(place for found in environments for place in found.search_path))
