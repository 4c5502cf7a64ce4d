"""Components of the Python world: the interpreter, installed distributions, and what they carry inside them without metadata."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.licensing.component import MOST_EVIDENCE, Component, total_bytes
from inspector.facts.licensing.concluded_licenses import conclude
from inspector.facts.licensing.library_components import FoundLicense
from inspector.facts.licensing.license_files import is_license_file
from inspector.facts.licensing.package_urls import python_package_url
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.python.distributions import PythonDistribution
from inspector.limits import MIB
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

if TYPE_CHECKING:
    from inspector.facts.licensing.cpython_build import CPythonBuild

CPYTHON_OWNER = "CPython "
"""How the owners of CPython's own files begin; its series follows."""

_VENDOR = "/_vendor/"
_BESIDE_MODULES = lazy_pattern(r"(?:.*/)?python\d\.\d+/[^/]+")
_REQUIREMENT = lazy_pattern(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*==\s*([A-Za-z0-9.!+_-]{1,64})")
_MOST_VENDORED = 1000  # of an artifact
_LICENSE = "Python-2.0.1"  # the SPDX identifier of the licence that CPython 3 ships; Python-2.0 is the older text


def interpreter_components(
    files_of: Mapping[str, Sequence[str]],
    pythons: Sequence[CPythonBuild],
    sizes: Mapping[str, tuple[int, int]],
    texts: RecognisedFiles,
) -> list[Component]:
    """Each CPython: by its standard library, and by its code in whatever file, which also says the release.

    :param files_of: tree paths by owner.
    """
    series = {name.removeprefix(CPYTHON_OWNER) for name in files_of if name.startswith(CPYTHON_OWNER)}
    builds: dict[str, list[CPythonBuild]] = {name: [] for name in series}
    for build in pythons:
        own = ".".join(build.version.split(".")[:2]) if build.version else ""
        # Code that does not say its release belongs to the only standard library there is.
        chosen = own or (next(iter(series)) if len(series) == 1 else "")
        builds.setdefault(chosen, []).append(build)
    found = []
    for name, code in sorted(builds.items()):
        files = files_of.get(f"{CPYTHON_OWNER}{name}", [])
        releases = {build.version for build in code if build.version}
        evidence = ["its standard library"] if files else []
        evidence += [f"{build.path}: CPython {build.version or ''} {build.compiler}".strip() for build in code]
        own_texts = [
            path for path in files if path.rpartition("/")[0].endswith(f"python{name}") and is_license_file(path)
        ]
        found.append(
            Component(
                name="CPython",
                version=releases.pop() if len(releases) == 1 else name or None,
                kind="interpreter",
                licenses=_LICENSE,
                license_class="permissive",
                evidence=tuple(evidence[:MOST_EVIDENCE]),
                files=tuple(sorted({*files, *(build.path for build in code)})),
                bytes=total_bytes(files, sizes),
                found=texts.statements(own_texts),
                concluded_from="catalogue",
                license_files=tuple(own_texts),
            )
        )
    return found


def may_be_interpreter_license(path: str) -> bool:
    """Whether a file lies beside a standard library's modules and is called like a licence."""
    return "/python" in f"/{path}" and _BESIDE_MODULES.fullmatch(path) is not None and is_license_file(path)


def distribution_components(
    distributions: Sequence[PythonDistribution],
    files_of: Mapping[str, Sequence[str]],
    sizes: Mapping[str, tuple[int, int]],
    texts: RecognisedFiles,
) -> list[Component]:
    """Every installed distribution, vendored ones among them.

    :param files_of: tree paths by owner.
    """
    carriers = _carriers(distributions)
    return [
        _distribution(found, files_of.get(found.name, []), sizes, texts, carriers.get(found.metadata_path, ""))
        for found in distributions
    ]


def read_license_files(distributions: Sequence[PythonDistribution], texts: RecognisedFiles) -> None:
    """Read the texts of the distributions and of what they vendor, so that they are known when the components are made of them: work for a time when
    the members of the artifact are being decoded by other threads, or for another process."""
    for found in distributions:
        texts.statements(found.license_files)
        texts.statements(path for path in found.files if _VENDOR in path and is_license_file(path))


def _own_license_files(found: PythonDistribution) -> list[str]:
    own = posixpath.dirname(found.metadata_path)
    return [path for path in found.license_files if _VENDOR not in path.removeprefix(own)]


def _carriers(distributions: Sequence[PythonDistribution]) -> dict[str, str]:
    """Of distributions whose metadata another has among its files, the other's name."""
    metadata = {found.metadata_path for found in distributions if _VENDOR in found.metadata_path}
    return {
        path: found.name
        for found in distributions
        for path in found.files
        if path in metadata and path != found.metadata_path
    }


def _distribution(
    found: PythonDistribution,
    owned: Sequence[str],
    sizes: Mapping[str, tuple[int, int]],
    texts: RecognisedFiles,
    carrier: str,
) -> Component:
    files = found.files if carrier else owned
    declared = None
    if found.license_words:
        mentioned = () if found.licenses else (found.license_words,)
        declared = FoundLicense(found.licenses, f"{found.metadata_path}: {found.license_source}", mentioned)
    license_files = _own_license_files(found)
    if not license_files:
        license_files = [
            path for path in files if is_license_file(path) and path.count("/") <= found.metadata_path.count("/")
        ]
    concluded = conclude(declared, found.license_class, found.license_words, license_files, texts)
    return Component(
        name=found.name,
        version=found.version,
        kind="python",
        licenses=concluded.expression,
        license_class=concluded.license_class,
        evidence=(f"{found.metadata_path}: {found.license_words}" if found.license_words else found.metadata_path,),
        files=tuple(sorted(files)),
        bytes=total_bytes(files, sizes),
        stated="" if concluded.expression else concluded.words,
        package_url=python_package_url(found.name, found.version),
        found=concluded.found,
        declared=declared,
        concluded_from=concluded.source,
        license_files=tuple(license_files),
        part_of=carrier,
    )


def vendored_components(
    tree: Tree,
    distributions: Sequence[PythonDistribution],
    owners: Mapping[str, str],
    sizes: Mapping[str, tuple[int, int]],
    texts: RecognisedFiles,
) -> list[Component]:
    """What lies in ``_vendor`` directories and has no metadata: by ``vendor.txt``, pip's way of listing it, else by the module's name."""
    described = {path for found in distributions if _VENDOR in found.metadata_path for path in found.files}
    found: list[Component] = []
    for directory in _vendor_directories(tree):
        listed = _listed(tree, directory)
        for module, files in _modules(tree, directory):
            if len(found) >= _MOST_VENDORED:
                return found
            if any(path in described for path in files):
                continue
            name, version = listed.get(_module_name(module), (module, None))
            owner = owners.get(files[0], "")
            own_texts = _texts_of(files, directory, module, owner, distributions)
            concluded = conclude(None, "unknown", "", own_texts, texts)
            evidence = f"{directory}/vendor.txt: {name}=={version}" if version else f"{directory}/{module}"
            found.append(
                Component(
                    name=name,
                    version=version,
                    kind="python",
                    licenses=concluded.expression,
                    license_class=concluded.license_class,
                    evidence=(evidence,),
                    files=tuple(files),
                    bytes=total_bytes(files, sizes),
                    stated=concluded.words,
                    package_url=python_package_url(name, version) if version else "",
                    found=concluded.found,
                    concluded_from=concluded.source,
                    license_files=tuple(own_texts),
                    part_of=owner,
                )
            )
    return found


def _vendor_directories(tree: Tree) -> list[str]:
    """Directories of that name below a package, not those within another of them."""
    return sorted(
        node.path
        for node in tree
        if node.kind is Kind.DIRECTORY and node.path.endswith("/_vendor") and node.path.count("/_vendor") == 1
    )


def _listed(tree: Tree, directory: str) -> dict[str, tuple[str, str]]:
    """Name and version by the module that the distribution has."""
    node = tree.get(f"{directory}/vendor.txt")
    if node is None or node.kind is not Kind.FILE:
        return {}
    try:
        text = node.read_at(0, min(node.size, MIB)).decode("utf-8", "replace")
    except (FormatError, OSError):
        return {}
    modules = load_table("licenses/vendored_modules.toml")["modules"]
    rows = [match for line in text.splitlines() if (match := _REQUIREMENT.match(line)) is not None]
    return {_module_name(modules.get(row[1].lower(), row[1])): (row[1], row[2]) for row in rows}


def _module_name(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _modules(tree: Tree, directory: str) -> Iterator[tuple[str, list[str]]]:
    """Packages and modules of a directory, each with its files, sorted."""
    for child in sorted(tree.children(directory), key=lambda node: node.path):
        if (
            child.kind is Kind.DIRECTORY
            and child.name != "__pycache__"
            and not child.name.endswith((".dist-info", ".egg-info"))
        ):
            files = sorted(node.path for node in _below(tree, child))
            if any(path.endswith((".py", ".pyc", ".so")) for path in files):
                yield child.name, files
        elif child.kind is Kind.FILE and child.name.endswith(".py") and child.name != "__init__.py":
            yield child.name.removesuffix(".py"), [child.path]


def _below(tree: Tree, directory: Node) -> Iterator[Node]:
    todo = [directory.path]
    while todo:
        for node in tree.children(todo.pop()):
            if node.kind is Kind.FILE:
                yield node
            elif node.kind is Kind.DIRECTORY:
                todo.append(node.path)


def _texts_of(
    files: Sequence[str], directory: str, module: str, owner: str, distributions: Sequence[PythonDistribution]
) -> list[str]:
    """Licence files among its own; beside it by its name; in its carrier's metadata, where those keep the tree's shape."""
    found = [path for path in files if is_license_file(path)]
    place = f"_vendor/{module}/"
    stem = f"{directory}/{module}."
    for distribution in distributions:
        if distribution.name == owner:
            found += [path for path in distribution.license_files if place in path]
            found += [path for path in distribution.files if path.startswith(stem) and is_license_file(path)]
    return sorted(dict.fromkeys(found))
