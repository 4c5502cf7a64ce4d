"""Installed Python distributions of a tree: ``*.dist-info`` directories, ``*.egg-info`` directories and files, and the files that belong to them.

Core metadata of any version (PyPA specifications "Core metadata" and "Recording installed projects"), and what older tools wrote.  Nothing is
imported; a broken distribution becomes a problem and is still listed under the name that its directory has.
"""

from __future__ import annotations

import csv
import io
import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.licensing.license_classes import LicenseClass
from inspector.facts.licensing.python_licenses import LicenseSource, StatedLicense, stated_license
from inspector.facts.python.core_metadata import end_of_headers, parse_headers, single_value
from inspector.limits import MIB, Limits
from inspector.model import Problem
from inspector.patterns import lazy_pattern

_METADATA_NAMES = (".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info", "/EGG-INFO/PKG-INFO", ".dist-info/RECORD")
_NORMALIZED = lazy_pattern(r"[-_.]+")  # PEP 503
_DIRECTORY = lazy_pattern(r"(?P<name>.+?)(?:-(?P<version>[^-]+)(?:-py[0-9.]+)?)?\.(?:dist-info|egg-info|egg)")
_LICENSE_NAME = lazy_pattern(r"(?:licen[cs]e|copying|notice|authors|copyright)", re.IGNORECASE)
_LICENSE_PLACES = (
    "licenses",
    "license_files",
    "LICENSES",
)  # below the metadata, by the names that tools have used (PEP 770, "Backwards compatibility")
_MOST_LICENSE_FILES = 500  # of one distribution
_FIRST_READ = 16 * 1024  # bytes; the headers of nearly all distributions end before
_MOST_METADATA = MIB  # bytes of headers that are read at most; pasted licence texts have 50 KB
_MOST_MODULES = 500  # top-level names of one distribution
_MOST_FILES_BY_NAME = 1_000_000  # of a whole tree; a file counts for each distribution that claims it


class PythonDistribution(Struct, frozen=True):
    """One installed distribution.

    :ivar name: as its metadata write it; the directory's name where they do not say.
    :ivar version: as written, not validated; None where nobody says.
    :ivar licenses: an SPDX expression, or None where the metadata allow none to be told.
    :ivar license_class: of the expression, or of the family that the metadata name in words; "unknown" otherwise.
    :ivar license_source: the field that decided.
    :ivar license_words: what the metadata say, as written and shortened; "" where nothing.
    :ivar license_files: tree paths of licence texts in its metadata directory.
    :ivar metadata_path: tree path of METADATA, PKG-INFO or the egg-info file; of the directory where it has none.
    :ivar files: tree paths of its files that are there, metadata included, sorted.
    :ivar recorded: whether the files come from a record that an installer wrote; otherwise they were told by names.
    """

    name: str
    version: str | None
    licenses: str | None
    license_class: LicenseClass
    license_source: LicenseSource | None
    license_words: str
    license_files: tuple[str, ...]
    metadata_path: str
    files: tuple[str, ...]
    recorded: bool

    @property
    def normalized_name(self) -> str:
        """The name as PEP 503 compares names."""
        return _NORMALIZED.sub("-", self.name).lower()


class PythonDistributions(Struct, frozen=True):
    """All distributions by metadata path, and what could not be read."""

    distributions: tuple[PythonDistribution, ...] = ()
    problems: tuple[Problem, ...] = ()


def collect_python_distributions(tree: Tree, limits: Limits | None = None) -> PythonDistributions:
    """Every distribution of a tree, also those that others vendor.  Unreadable and broken members become problems; nothing is raised."""
    collector = _Collector(tree, limits or Limits())
    found = [collector.read(node) for node in _metadata_nodes(tree)]
    found.sort(key=lambda distribution: distribution.metadata_path)
    return PythonDistributions(tuple(found), tuple(collector.problems))


def _metadata_nodes(tree: Tree) -> list[Node]:
    """One node for each distribution: its metadata file, or its RECORD where that is all it has; neighbours in the container together."""
    nodes = {node.path: node for node in tree if node.path.endswith(_METADATA_NAMES) and node.kind is Kind.FILE}
    chosen = [
        node
        for path, node in nodes.items()
        if not path.endswith("/RECORD") or path.removesuffix("RECORD") + "METADATA" not in nodes
    ]
    chosen.sort(key=lambda node: (node.read_group is None, node.read_group or 0, node.path))
    return chosen


class _Collector:
    def __init__(self, tree: Tree, limits: Limits) -> None:
        self._tree = tree
        self._limits = limits
        self._extensions: dict[str, dict[str, list[str]]] = {}
        self._left_by_name = _MOST_FILES_BY_NAME
        self.problems: list[Problem] = []

    def read(self, node: Node) -> PythonDistribution:
        """The distribution that a metadata file belongs to."""
        directory = node.path if node.name.endswith(".egg-info") else posixpath.dirname(node.path)
        headers = {} if node.name == "RECORD" else self._headers(node)
        if node.name == "RECORD":
            self._problem("broken-metadata", directory, "it has a RECORD and no METADATA")
        name, version = self._identity(directory, headers, node)
        stated = self._license(headers, node)
        files, recorded = self._files(directory, name)
        return PythonDistribution(
            name=name,
            version=version,
            licenses=stated.expression,
            license_class=stated.license_class,
            license_source=stated.source,
            license_words=stated.words,
            license_files=self._license_files(directory, headers),
            metadata_path=directory if node.name == "RECORD" else node.path,
            files=tuple(sorted(files)),
            recorded=recorded,
        )

    def _problem(self, kind: str, subject: str, message: str) -> None:
        self.problems.append(Problem(kind=kind, subject=subject, message=message))

    # -- metadata

    def _headers(self, node: Node) -> dict[str, list[str]]:
        try:
            content = node.read_at(0, _FIRST_READ)
            if end_of_headers(content) < 0 and node.size > len(content):
                content = node.read_at(0, _MOST_METADATA)
        except (FormatError, OSError) as error:
            self._problem("unreadable-member", node.path, str(error))
            return {}
        end = end_of_headers(content)
        text = content[: end if end >= 0 else len(content)].decode("utf-8-sig", "backslashreplace")
        return parse_headers(text)

    def _identity(self, directory: str, headers: dict[str, list[str]], node: Node) -> tuple[str, str | None]:
        egg = posixpath.dirname(directory) if posixpath.basename(directory) == "EGG-INFO" else directory
        by_directory = _DIRECTORY.fullmatch(posixpath.basename(egg))
        name = single_value(headers, "name")
        version = single_value(headers, "version")
        if name is None and node.name != "RECORD":
            self._problem("broken-metadata", node.path, "it has no Name")
        if version is None and node.name != "RECORD":
            self._problem("broken-metadata", node.path, "it has no Version")
        if by_directory is not None:
            name = name or by_directory["name"]
            version = version or by_directory["version"]
        return name or posixpath.basename(egg), version

    def _license(self, headers: dict[str, list[str]], node: Node) -> StatedLicense:
        field = next(iter(headers.get("license", ())), None)
        stated = stated_license(
            single_value(headers, "license-expression", longest=4096),
            None if field in (None, "", "UNKNOWN") else field,  # what distutils wrote where nothing was stated
            headers.get("classifier", []),
        )
        if stated.mistake is not None:
            self._problem("broken-metadata", node.path, stated.mistake)
        return stated

    def _license_files(self, directory: str, headers: dict[str, list[str]]) -> tuple[str, ...]:
        """Texts that are there: in ``licenses/`` (metadata 2.4), beside METADATA (older tools), under the names that the metadata give."""
        found = {}
        for name in headers.get("license-file", []):
            for place in (posixpath.join(directory, "licenses"), directory):
                found[posixpath.normpath(posixpath.join(place, name))] = True
        for child in self._tree.children(directory):
            if _LICENSE_NAME.match(child.name):
                found[child.path] = True
        for place in _LICENSE_PLACES:
            found.update(
                (node.path, True) for node in itertools.islice(self._below(f"{directory}/{place}"), _MOST_LICENSE_FILES)
            )
        inside = directory + "/"
        return tuple(sorted(path for path in found if path.startswith(inside) and self._is_file(path)))

    # -- files

    def _files(self, directory: str, name: str) -> tuple[set[str], bool]:
        site = posixpath.dirname(directory)
        record = self._tree.get(f"{directory}/RECORD")
        if record is not None and record.kind is Kind.FILE:
            return self._own(self._record(record, site), directory), True
        installed = self._tree.get(f"{directory}/installed-files.txt")  # pip before PEP 376 records for egg-info
        if installed is not None and installed.kind is Kind.FILE:
            return self._own(_resolved(self._lines(installed), directory), directory), True
        claimed = set(itertools.islice(self._by_names(directory, site, name), self._left_by_name))
        self._left_by_name -= len(claimed)
        if self._left_by_name <= 0:
            self._problem("limit-exceeded", directory, "too many files are claimed by distributions without a record")
        return self._own(claimed, directory), False

    def _own(self, paths: Iterable[str], directory: str) -> set[str]:
        """Those of the paths that are files of the tree, and all below the metadata directory."""
        files = {path for path in paths if self._is_file(path)}
        files.update(node.path for node in self._below(directory))
        return files

    def _record(self, record: Node, site: str) -> Iterator[str]:
        text = self._text(record)
        try:
            rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            yield from _resolved((row[0] for row in rows if row), site)
        except csv.Error as error:
            self._problem("broken-record", record.path, f"it is no CSV: {error}")

    def _by_names(self, directory: str, site: str, name: str) -> Iterator[str]:
        """Top-level modules that ``top_level.txt`` names, else a module of the distribution's own name (Debian's packages have no record)."""
        top_level = self._tree.get(f"{directory}/top_level.txt")
        if top_level is not None and top_level.kind is Kind.FILE:
            modules = [line.strip() for line in self._lines(top_level)]
        else:
            modules = [_NORMALIZED.sub("_", name), _NORMALIZED.sub("_", name).lower()]
        for module in list(dict.fromkeys(modules))[:_MOST_MODULES]:
            if not module or module.startswith(("/", ".")) or ".." in module:
                continue
            base = posixpath.join(site, module)
            yield from (node.path for node in self._below(base))
            yield base + ".py"
            parent, stem = posixpath.split(base)
            yield from self._extension_modules(parent).get(stem, ())

    def _extension_modules(self, directory: str) -> dict[str, list[str]]:
        """Paths of the shared objects of a directory by module name."""
        found = self._extensions.get(directory)
        if found is None:
            found = self._extensions[directory] = {}
            for node in self._tree.children(directory):
                if node.name.endswith(".so"):
                    found.setdefault(node.name.partition(".")[0], []).append(node.path)
        return found

    def _lines(self, node: Node) -> list[str]:
        return self._text(node).splitlines()[:100_000]

    def _text(self, node: Node) -> str:
        try:
            return node.read(limits=self._limits).decode("utf-8-sig", "backslashreplace")
        except (FormatError, OSError) as error:
            self._problem("unreadable-member", node.path, str(error))
            return ""

    def _is_file(self, path: str) -> bool:
        node = self._tree.get(path)
        return node is not None and node.kind is Kind.FILE

    def _below(self, directory: str) -> Iterator[Node]:
        todo = [directory]
        while todo:
            for node in self._tree.children(todo.pop()):
                if node.kind is Kind.FILE:
                    yield node
                elif node.kind is Kind.DIRECTORY:
                    todo.append(node.path)


def _resolved(names: Iterable[str], base: str) -> Iterator[str]:
    """Paths relative to ``base`` as tree paths; absolute ones and those that leave the tree are left out."""
    prefix = f"{base}/" if base else ""
    for name in names:
        if not name or name[0] == "/":
            continue
        if "./" not in name and "//" not in name:
            yield prefix + name
            continue
        path = posixpath.normpath(prefix + name)
        if not path.startswith("../"):
            yield path
