"""What the artifact is made of: Python itself, Python distributions, libraries; and which component each file belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, zip_longest

from msgspec import Struct, field

from inspector.artifact.tree import Tree
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.bundled_copyright import BundledCopyrights
from inspector.facts.licensing.component import MOST_EVIDENCE, Component, ComponentKind, total_bytes
from inspector.facts.licensing.data_components import font_components, icon_components, javascript_components
from inspector.facts.licensing.library_components import (
    LibraryComponent,
    NamedLibrary,
    library_components,
    named_libraries,
)
from inspector.facts.licensing.python_components import (
    CPYTHON_OWNER,
    distribution_components,
    interpreter_components,
    vendored_components,
)
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.licensing.shipped_bills import CheckedBill, check_shipped_bills
from inspector.facts.licensing.standalone_python import stated_by_build
from inspector.facts.licensing.static_component import StaticComponent, StaticScan
from inspector.facts.loading.roots import is_extension_module
from inspector.facts.python.distributions import PythonDistribution
from inspector.model import Problem
from inspector.patterns import lazy_pattern

__all__ = ["Component", "ComponentKind", "Components", "ComponentsToCome", "begin_components", "finish_components"]

_STANDARD_LIBRARY = lazy_pattern(r"(?:^|/)(?:lib(?:64|32)?|include)/(?:lib)?(python\d\.\d+)(?:t|d|m)?(?=/|$)")
_INTERPRETER = lazy_pattern(r"(?:python(\d\.\d+)(?:t|d|m)?(?:-config)?|libpython(\d\.\d+)(?:t|d|m)?\.(?:so[.\d]*|a))$")
_SITE = lazy_pattern(r"(?:^|/)(?:site|dist)-packages/")
_CACHED = lazy_pattern(r"(?:^|(.*)/)__pycache__/([^/]+?)\.(?:cpython|pypy)-[^/]*\.pyc$")
_ROOT_FILES = "files at the root"


class Components(Struct, frozen=True):
    """Components, and the one that owns each regular file (for the sizes, where every byte has one owner).

    :ivar libraries: every shared library that something identifies, by tree path.
    :ivar bills: bills of materials that the artifact carries, held against the components.
    :ivar problems: copyright files, licence texts and bills that could not be read.
    """

    components: tuple[Component, ...]
    owners: Mapping[str, str]
    libraries: Mapping[str, LibraryComponent] = field(default_factory=dict)
    bills: tuple[CheckedBill, ...] = ()
    problems: tuple[Problem, ...] = ()


class ComponentsToCome(Struct, frozen=True):
    """What can be said before the scan of read-only data is done, at which another process may be.

    :ivar named: shared libraries that something identifies, by tree path.
    :ivar owners: the component that owns each regular file.
    :ivar files_of: regular files by owner.
    :ivar sizes: bytes of each regular file, raw and stored.
    :ivar python: distributions and what they vendor.
    :ivar data: JavaScript packages, fonts, icon themes.
    """

    tree: Tree
    texts: RecognisedFiles
    copyrights: BundledCopyrights
    named: Mapping[str, NamedLibrary]
    owners: Mapping[str, str]
    files_of: Mapping[str, list[str]]
    sizes: Mapping[str, tuple[int, int]]
    python: list[Component]
    data: list[Component]


def begin_components(
    tree: Tree,
    objects: Sequence[ElfObject],
    distributions: Sequence[PythonDistribution],
    texts: RecognisedFiles,
    copyrights: BundledCopyrights,
) -> ComponentsToCome:
    """The components of a tree, as far as names, metadata and texts tell.

    A file of a Python distribution belongs to it, also where it is a library that could be named by its SONAME: such a library is a component of its
    own beside the distribution, and the bytes are the distribution's.

    :param texts: licence texts of the tree, some of which were read already.
    :param copyrights: copyright files of the tree, likewise.
    """
    named = named_libraries(_libraries(objects), copyrights)
    owners = _owners(tree, distributions, named)
    files_of: dict[str, list[str]] = {}
    for path, owner in owners.items():
        files_of.setdefault(owner, []).append(path)
    sizes = {node.path: (node.size, node.stored_size) for node in tree.files()}
    python = distribution_components(distributions, files_of, sizes, texts)
    python += vendored_components(tree, distributions, owners, sizes, texts)
    data = javascript_components(tree, owners, sizes, texts)
    data += font_components(tree, owners, sizes, texts)
    data += icon_components(tree, owners, sizes, texts)
    return ComponentsToCome(tree, texts, copyrights, named, owners, files_of, sizes, python, data)


def finish_components(begun: ComponentsToCome, scanned: StaticScan) -> Components:
    """All components.

    :param scanned: what the scan of read-only data found: CPython's release and its built-in modules, what is inside files, and versions of
        files that are a component themselves.
    """
    tree, sizes = begun.tree, begun.sizes
    libraries = library_components(begun.named, scanned.own)
    components = interpreter_components(begun.files_of, scanned.pythons, sizes, begun.texts)
    components += begun.python
    components += [_library(found, sizes) for found in _releases(libraries.values())]
    components += _static([*scanned.components, *stated_by_build(tree, scanned.components)])
    components += begun.data
    bills, broken = check_shipped_bills(tree, components, begun.owners)
    problems = (*begun.copyrights.problems, *begun.texts.problems, *broken)
    return Components(tuple(components), begun.owners, libraries, bills, problems)


def _libraries(objects: Sequence[ElfObject]) -> list[ElfObject]:
    """What may be a library; libpython belongs to the interpreter, a component of its own."""
    return [found for found in objects if not is_extension_module(found) and not _INTERPRETER.match(found.name)]


def _releases(libraries: Iterable[LibraryComponent]) -> list[list[LibraryComponent]]:
    """Libraries of one project, licence and release together; one whose release is not known goes with the others where they agree."""
    by_project: dict[tuple[str, str], list[LibraryComponent]] = {}
    for library in libraries:
        by_project.setdefault((library.project, library.licenses or ""), []).append(library)
    found = []
    for _, group in sorted(by_project.items()):
        releases = sorted({library.version for library in group if library.version is not None})
        if len(releases) < 2:
            found.append(group)
            continue
        for release in [*releases, None]:
            chosen = [library for library in group if library.version == release]
            if chosen:
                found.append(chosen)
    return found


def _owners(
    tree: Tree, distributions: Sequence[PythonDistribution], libraries: Mapping[str, NamedLibrary]
) -> dict[str, str]:
    recorded: dict[str, str] = {}
    packages: dict[str, str] = {}
    for distribution in distributions:
        name = distribution.name
        for path in distribution.files:
            recorded[path] = name
            directory, _, file_name = path.rpartition("/")
            site = _site_package(directory, file_name)
            if site is not None:
                packages.setdefault(site, name)
    owners: dict[str, str] = {}
    for node in tree.files():
        path = node.path
        owners[path] = recorded.get(path) or _unrecorded_owner(path, recorded, packages, libraries)
    return owners


def _unrecorded_owner(
    path: str, recorded: Mapping[str, str], packages: Mapping[str, str], libraries: Mapping[str, NamedLibrary]
) -> str:
    if path.endswith(".pyc"):
        cached = _CACHED.match(path)
        if cached:
            owner = recorded.get(f"{cached[1]}/{cached[2]}.py" if cached[1] else f"{cached[2]}.py")
            if owner is not None:
                return owner
    identified = libraries.get(path)
    directory, _, name = path.rpartition("/")
    site = _site_package(directory, name)
    if site is not None:
        return packages.get(site) or f"{site.rpartition('/')[2]} (no metadata)"
    interpreter = _INTERPRETER.match(name)
    if interpreter:
        return f"{CPYTHON_OWNER}{interpreter[1] or interpreter[2]}"
    if identified is not None:
        return identified.project
    return _owner_by_directory(directory)


@lru_cache(maxsize=4096)
def _site_directory(directory: str) -> tuple[str, str] | None:
    """The site-packages directory that a directory lies in, and the first name below it ("" for itself)."""
    site = _SITE.search(f"{directory}/")
    return (directory[: site.end()], directory[site.end() :].partition("/")[0]) if site else None


def _site_package(directory: str, name: str) -> str | None:
    site = _site_directory(directory)
    if site is None:
        return None
    return f"{site[0].rstrip('/')}/{site[1] or name}"


@lru_cache(maxsize=4096)
def _owner_by_directory(directory: str) -> str:
    standard = _STANDARD_LIBRARY.search(directory)
    if standard:
        return standard[1].replace("python", CPYTHON_OWNER)
    return "/".join(directory.split("/")[:3]) + "/" if directory else _ROOT_FILES


def _library(found: Sequence[LibraryComponent], sizes: Mapping[str, tuple[int, int]]) -> Component:
    libraries = sorted(found, key=lambda library: library.path)
    paths = [library.path for library in libraries]
    chosen = next((library for library in libraries if library.version is not None), libraries[0])
    # What names each library first, then what else is known of the first, of the second …
    sentences = zip_longest(
        *([entry.sentence() for entry in library.evidence] for library in libraries[:MOST_EVIDENCE])
    )
    evidence = dict.fromkeys(sentence for sentence in chain.from_iterable(sentences) if sentence is not None)
    return Component(
        name=chosen.project,
        version=chosen.version,
        kind="library",
        licenses=chosen.licenses,
        license_class=chosen.license_class,
        evidence=tuple(evidence)[:MOST_EVIDENCE],
        files=tuple(paths),
        bytes=total_bytes(paths, sizes),
        package_url=chosen.package_url,
        found=tuple(dict.fromkeys(stated for library in libraries for stated in library.found)),
        libraries=tuple(libraries),
        concluded_from=chosen.concluded_from or "",
        license_files=tuple(
            dict.fromkeys(stated.source for library in libraries for stated in library.found if "/" in stated.source)
        ),
    )


def _static(found: Iterable[StaticComponent]) -> list[Component]:
    """One component for each release of a project, with the files that it is inside of."""
    releases: dict[tuple[str, str, str], list[StaticComponent]] = {}
    for one in found:
        releases.setdefault((one.name, one.version or "", one.licenses or ""), []).append(one)
    return [
        Component(
            name=name,
            version=version or None,
            kind="static",
            licenses=licenses or None,
            license_class=inside[0].license_class,
            evidence=tuple(f"{one.path}: {proof.kind} {proof.text}" for one in inside for proof in one.evidence)[
                :MOST_EVIDENCE
            ],
            files=tuple(sorted({one.path for one in inside})),
            stated=" or ".join(inside[0].possible_licenses),
            package_url=inside[0].package_url,
            concluded_from=("licence text" if inside[0].stated else "catalogue") if licenses else "",
        )
        for (name, version, licenses), inside in sorted(releases.items())
    ]
