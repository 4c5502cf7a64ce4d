"""Copyright files that a bundle carries, below ``usr/share/doc``, and the library that each speaks of.

Which package a library came from, a bundle seldom says. Tried in this order: the lists of an installed dpkg database, where the bundle has one; the
packager's note; Debian's rule that a library package is called after the SONAME (Policy 8.1: ``libssl.so.3`` is in ``libssl3``, ``libpng16.so.16`` in
``libpng16-16``), with the suffixes of transitions; the packages that the library catalogue names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from msgspec import Struct, field

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.debian_copyright.copyright_file import LONGEST, CopyrightFile, parse_copyright
from inspector.facts.licensing.debian_copyright.library_scope import LibraryReading, library_reading
from inspector.facts.licensing.library_licenses import LibraryLicense, plain_library_name
from inspector.facts.licensing.package_notes import PackageNote
from inspector.model import Problem
from inspector.patterns import lazy_pattern

_COPYRIGHT = lazy_pattern(r"(?:.*/)?share/doc/([^/]+)/copyright")
_LIST = lazy_pattern(r"(?:.*/)?var/lib/dpkg/info/([^/:]+)(?::[a-z0-9]+)?\.list")
_NAME = lazy_pattern(r"(.+?)\.so(?:\.([0-9][^/]*))?|(.+?)-([0-9][0-9.]*)\.so")
_LONGEST_LIST = 1024 * 1024
_MOST_LISTED = 200_000  # paths of a package database
_TRANSITIONS = ("", "t64", "v5", "c2a", "c2", "a", "b", "g", "-0", "ldbl")
"""What follows a Debian library package's name when its ABI changed and its SONAME did not."""


class CopyrightLicenses(Struct, frozen=True):
    """What a copyright file says.

    :ivar expression: SPDX, of the library that was asked for, else of the package's default; None where it names several and leaves open which.
    :ivar mentioned: all licences that it names, where ``expression`` is None or the file is written freely.
    :ivar unknown: names of licences that were not understood; in the expression they are ``LicenseRef-Debian-…``.
    :ivar project: upstream's name for itself, or "".
    :ivar machine_readable: whether it follows copyright-format 1.0.
    """

    expression: str | None
    mentioned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    project: str = ""
    machine_readable: bool = False


class BundledCopyright(Struct, frozen=True):
    """The copyright file of one library.

    :ivar path: tree path of the file.
    :ivar package: the directory's name, a package of the distribution that it came from.
    :ivar project: upstream's name, else the package's.
    """

    path: str
    package: str
    project: str
    expression: str | None
    mentioned: tuple[str, ...] = ()


def copyright_licenses(content: bytes, soname: str | None = None) -> CopyrightLicenses:
    """Read a copyright file, machine-readable or written freely, for one library or for its package as a whole.

    :param content: the file; at most :data:`inspector.facts.licensing.debian_copyright.copyright_file.LONGEST` bytes are read.
    :param soname: of the library whose part of the source tree is meant, or None for what holds for everything ("Files: *").
    """
    return _licenses(parse_copyright(content), soname)


def _licenses(file: CopyrightFile, soname: str | None) -> CopyrightLicenses:
    reading: LibraryReading | None = library_reading(file, soname or "")
    if reading is None:
        return CopyrightLicenses(None, project=file.upstream_name, machine_readable=file.machine_readable)
    return CopyrightLicenses(
        reading.expression, reading.mentioned, reading.unknown, file.upstream_name, file.machine_readable
    )


class KnownCopyrights(Struct):
    """What was read so far of a tree's copyright files.

    :ivar said: by package, then by library name: what the file says of that library, or None where it is empty or cannot be read.
    :ivar packages: by tree path, from the lists of a package database; None before they were read, empty where the tree has none.
    """

    said: dict[str, dict[str, CopyrightLicenses | None]] = field(default_factory=dict)
    packages: dict[str, str] | None = None
    problems: list[Problem] = field(default_factory=list)


class BundledCopyrights:
    """The copyright files of a tree; each is read when a library asks for it.

    :ivar known: all that was read; another process may have read it.
    """

    def __init__(self, tree: Tree) -> None:
        self.known = KnownCopyrights()
        self._tree = tree
        self._files: dict[str, Node] = {}
        self._lists: dict[str, Node] = {}
        self._parsed: dict[str, CopyrightFile | None] = {}
        for node in tree.files():
            if node.path.endswith("/copyright"):
                match = _COPYRIGHT.fullmatch(node.path)
                if match is not None:
                    self._files.setdefault(match[1], node)
            elif node.path.endswith(".list"):
                match = _LIST.fullmatch(node.path)
                if match is not None:
                    self._lists[match[1]] = node

    def __len__(self) -> int:
        return len(self._files)

    @property
    def problems(self) -> list[Problem]:
        """Files that could not be read."""
        return self.known.problems

    def of_library(
        self, library: ElfObject, row: LibraryLicense | None = None, note: PackageNote | None = None
    ) -> BundledCopyright | None:
        """What the bundle's copyright file for a library says of it; None without one."""
        if not self._files:
            return None
        name = library.elf.soname or plain_library_name(library.name)
        for package in dict.fromkeys(self._packages_of(library.path, (library.elf.soname, library.name), row, note)):
            said = self._said(package, name)
            if said is not None:
                path = self._files[package].path
                return BundledCopyright(path, package, said.project or package, said.expression, said.mentioned)
        return None

    def read_for_name(self, path: str, name: str, row: LibraryLicense | None) -> None:
        """Read what :meth:`of_library` will probably ask for, where only a library's path and a name that may be its SONAME are known."""
        for package in dict.fromkeys(self._packages_of(path, (name,), row, None)):
            if self._said(package, name) is not None:
                return

    def _packages_of(
        self, path: str, names: Iterable[str | None], row: LibraryLicense | None, note: PackageNote | None
    ) -> Iterator[str]:
        listed = self._listed().get(path)
        if listed is not None:
            yield listed
            return
        if note is not None:
            yield note.name
        for name in names:
            if name:
                yield from packages_of_soname(plain_library_name(name))
        if row is not None:
            if row.debian_package:
                yield row.debian_package
            if row.source_package:
                yield row.source_package

    def _listed(self) -> dict[str, str]:
        """Packages by tree path, from the lists of a package database; empty where the tree has none."""
        packages = self.known.packages
        if packages is None:
            packages = self.known.packages = {}
            for package, node in sorted(self._lists.items()):
                root = node.path[: node.path.index("var/lib/dpkg/")]
                for line in self._content(node, _LONGEST_LIST).decode("utf-8", "replace").split("\n"):
                    if ".so" in line and len(packages) < _MOST_LISTED:
                        packages.setdefault(root + line.strip().lstrip("/"), package)
        return packages

    def _said(self, package: str, name: str) -> CopyrightLicenses | None:
        """What the copyright file of a package says of a library; None without one."""
        node = self._files.get(package)
        if node is None:
            return None
        said = self.known.said.setdefault(package, {})
        if name not in said:
            file = self._read(package, node)
            said[name] = _licenses(file, name) if file is not None else None
        return said[name]

    def _read(self, package: str, node: Node) -> CopyrightFile | None:
        if package not in self._parsed:
            content = self._content(node, LONGEST)
            self._parsed[package] = parse_copyright(content) if content else None
        return self._parsed[package]

    def _content(self, node: Node, most: int) -> bytes:
        try:
            return node.read_at(0, min(node.size, most))
        except (FormatError, OSError) as error:
            self.problems.append(Problem(kind="unreadable-member", subject=node.path, message=str(error)))
            return b""


@lru_cache(maxsize=4096)
def packages_of_soname(soname: str) -> tuple[str, ...]:
    """What Debian calls the package of a library (Policy 8.1), the likeliest first."""
    match = _NAME.fullmatch(soname)
    if match is None:
        return ()
    stem = (match[1] or match[3]).lower().replace("_", "-")
    version = match[2] or match[4] or ""
    found = []
    while True:
        joined = f"{stem}-{version}" if stem[-1].isdigit() and version else stem + version
        found += [joined + suffix for suffix in _TRANSITIONS]
        if not version:
            return tuple(found)
        version = version.rpartition(".")[0]
