"""Components inside executables and libraries: linked statically, so that no SONAME names them.

Evidence is what only the component's own code carries: a text or a table in read-only data, or a function that is defined in the file.  A version is
believed only where such evidence is; what merely mentions a component ("built with zlib 1.2.13", an imported function) proves nothing.  What leaves
no text and was stripped cannot be seen: silence is no proof of absence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.cpython_build import CPythonBuild, read_cpython_build
from inspector.facts.licensing.fingerprint_scan import FileScan, FoundVersion, StaticEvidence, version_of_functions
from inspector.facts.licensing.fingerprints import Catalogue, Fingerprint, load_fingerprints
from inspector.facts.licensing.go_modules import read_go_build
from inspector.facts.licensing.library_licenses import identify_library
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.listed_components import go_modules, rust_crates
from inspector.facts.licensing.read_only_data import constant_ranges
from inspector.facts.licensing.rust_crates import read_rust_build
from inspector.facts.licensing.static_component import FileComponents, ScannedFile, StaticComponent, StaticScan
from inspector.facts.licensing.symbol_names import SymbolNames, symbol_tables
from inspector.formats.elf import ElfFile
from inspector.limits import Limits
from inspector.model import Problem
from inspector.patterns import lazy_pattern
from inspector.source import Source

_EXTENSION_MODULE = lazy_pattern(r"(\w+)\.(?:(?:cpython-3|abi3\.).*\.)?so")
_PYTHON = "CPython"
_RUST = "Rust standard library"


class _Piece(Struct):
    """An inode with an ELF file.

    :ivar paths: all that lead to it; the first is the one that it is read under.
    """

    source: Source
    elf: ElfFile
    paths: list[str] = field(default_factory=list)
    is_runtime: bool = False


class StaticScanning:
    """The scan of a tree's ELF files in pieces, one for each inode, which may be done in any order and in several processes.

    :param runtime: the file that an AppImage is, and the executable in front of its payload: what that contains is told of the runtime's own path.
    """

    def __init__(
        self,
        tree: Tree,
        objects: Sequence[ElfObject],
        limits: Limits | None = None,
        *,
        runtime: tuple[Source | None, ElfObject | None] = (None, None),
    ) -> None:
        self._limits = limits or Limits()
        by_path = {candidate.path: candidate for candidate in objects}
        chosen = [node for path in by_path if (node := tree.get(path)) is not None]
        inodes: dict[str, _Piece] = {}
        for node in tree.files_in_read_order(chosen):
            candidate = by_path[node.path]
            inodes.setdefault(candidate.identity, _Piece(node, candidate.elf)).paths.append(node.path)
        self._pieces = list(inodes.values())
        self._constants = sum(by_path[piece.paths[0]].byte_kinds.get("read_only_data", 0) for piece in self._pieces)
        source, program = runtime
        if source is not None and program is not None:
            self._pieces.append(_Piece(source, program.elf, [program.path], is_runtime=True))

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self._pieces)

    def scan(self, number: int) -> ScannedFile:
        """One piece."""
        piece = self._pieces[number]
        catalogue = load_fingerprints()
        catalogue.expect_texts(self._constants)
        try:
            return ScannedFile(scan_file(piece.source, piece.elf, piece.paths[0], catalogue, self._limits))
        except (FormatError, OSError) as error:
            return ScannedFile(FileComponents(), str(error))

    def gather(self, scanned: Sequence[ScannedFile]) -> StaticScan:
        """The whole, from what :meth:`scan` gave for each number."""
        found: list[StaticComponent] = []
        own: dict[str, StaticComponent] = {}
        pythons: list[CPythonBuild] = []
        problems: list[Problem] = []
        for piece, file in zip(self._pieces, scanned, strict=True):
            if file.unreadable:
                problems.append(Problem(kind="unreadable-member", subject=piece.paths[0], message=file.unreadable))
            for path in piece.paths:
                if file.inside.python is not None and not piece.is_runtime:
                    pythons.append(replace(file.inside.python, path=path))
                for component in file.inside.components:
                    placed = component if component.path == path else replace(component, path=path)
                    if component.whole_file and not piece.is_runtime:
                        own[path] = placed
                    else:
                        found.append(placed)
        found.sort(key=lambda component: (component.path, component.name.lower(), component.version or ""))
        pythons.sort(key=lambda build: build.path)
        return StaticScan(tuple(found), own, tuple(pythons), tuple(problems))


def scan_file(
    source: Source, elf: ElfFile, path: str, catalogue: Catalogue | None = None, limits: Limits | None = None
) -> FileComponents:
    """The components inside one ELF file, also of what is no member of a tree (an AppImage's runtime).

    :param path: tree path, or what stands for it; its last part names a library without SONAME.
    :raises FormatError: where the content cannot be decoded.
    :raises OSError: where the medium fails.
    """
    if elf.type not in ("EXEC", "DYN"):
        return FileComponents()
    catalogue = catalogue or load_fingerprints()
    sections = tuple(elf.sections)
    ranges = constant_ranges(elf, sections)
    if not ranges:
        return FileComponents()
    scan = FileScan(source, ranges, catalogue)
    tables = symbol_tables(source, elf, sections, limits or Limits())
    functions = SymbolNames(tables, catalogue).defined()
    own_project = _own_project(elf, path)
    proved = scan.anchored()
    for name, function in catalogue.of_functions(functions).items():
        proved.setdefault(name, [StaticEvidence("function", function.decode("latin-1"))])
    python = read_cpython_build(source, ranges, tables, path) if _PYTHON in proved else None
    for name, module in _behind_python_modules(catalogue, elf, path, python):
        proved.setdefault(name, [StaticEvidence("module", f"Python's {module}, which imports none of its functions")])
    for fingerprint in catalogue.of_library(own_project):
        proved.setdefault(fingerprint.name, [])  # its name says it
    fingerprints = [catalogue.fingerprints[name] for name in proved if name != _PYTHON]
    fingerprints = [one for one in fingerprints if not any(other in proved for other in one.unless)]
    versions = {one.name: scan.version(one) or version_of_functions(one, functions) for one in fingerprints}
    _drop_shared_numbers(versions)
    components = [
        _component(one, proved[one.name], versions[one.name], scan, path, whole_file=own_project in one.library_names)
        for one in fingerprints
    ]
    components += rust_crates(read_rust_build(source, sections, ranges, paths=_RUST in proved), path)
    components += go_modules(read_go_build(source, elf, sections), path)
    return FileComponents(tuple(components), python)


def _drop_shared_numbers(versions: dict[str, FoundVersion | None]) -> None:
    """A bare number that is another component's version too, by its own words or as bare, is nobody's."""
    claims = Counter(found.release for found in versions.values() if found is not None)
    for name, found in versions.items():
        if found is not None and found.bare and claims[found.release] > 1:
            versions[name] = None


def _own_project(elf: ElfFile, path: str) -> str | None:
    """The project that the file itself is, by its SONAME or name."""
    if elf.type != "DYN" or elf.is_program:
        return None
    name = path.rpartition("/")[2]
    if elf.soname is None and not name.startswith("lib"):
        return None  # an extension module or plugin
    identified = (identify_library(elf.soname) if elf.soname else None) or identify_library(name)
    return identified.project if identified is not None else None


def _behind_python_modules(
    catalogue: Catalogue, elf: ElfFile, path: str, python: CPythonBuild | None
) -> Iterator[tuple[str, str]]:
    """Components that leave no text when they are stripped (libffi), by the modules of CPython in the file that call them."""
    modules = set(python.modules) if python is not None else set()
    extension = _EXTENSION_MODULE.fullmatch(path.rpartition("/")[2])
    if extension is not None and elf.type == "DYN":
        modules.add(extension[1])
    candidates = catalogue.of_python_modules(modules) if modules else []
    if candidates and elf.symbols.is_loaded:
        imported = elf.symbols.undefined_names()
        for name, module, calls in candidates:
            if not any(function.startswith(calls) for function in imported):
                yield name, module


def _component(
    fingerprint: Fingerprint,
    evidence: list[StaticEvidence],
    found: FoundVersion | None,
    scan: FileScan,
    path: str,
    *,
    whole_file: bool,
) -> StaticComponent:
    version = found.release if found is not None else None
    said = found.evidence if found is not None else None
    licenses, statement = scan.statement(fingerprint)
    stated = licenses is not None
    possible: tuple[str, ...] = ()
    if licenses is None:
        licenses = fingerprint.license_of(version)
    if licenses is None:
        possible = tuple(dict.fromkeys(expression for _, expression in fingerprint.licenses))
    classes = {license_class(expression) for expression in possible or (licenses,)}
    url = fingerprint.package_url
    return StaticComponent(
        name=fingerprint.name,
        version=version,
        licenses=licenses,
        license_class=classes.pop() if len(classes) == 1 else "unknown",
        possible_licenses=possible,
        path=path,
        stated=stated,
        whole_file=whole_file,
        package_url=f"{url}@{version}" if url and version else url,
        evidence=tuple(entry for entry in (*evidence, said, statement) if entry is not None),
    )
