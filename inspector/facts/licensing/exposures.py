"""Copyleft that the artifact reaches, and the chain by which it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.components import Component
from inspector.facts.licensing.cpython_build import CPythonBuild
from inspector.facts.licensing.native_licenses import identify_library, python_module_license
from inspector.facts.loading.load_graph import LoadFacts

COPYLEFT = ("network-copyleft", "strong-copyleft", "weak-copyleft")
"""Licence classes that oblige whoever ships the code, the strictest first."""


@dataclass(frozen=True, slots=True)
class LicenseExposure:
    """One way to one copyleft component.

    :ivar license: an SPDX expression, or the maker's own words where they make none.
    :ivar chain: tree paths and names from what is started to the component.
    :ivar subject: the path or name that a finding is about.
    :ivar bundled: whether the component's code is in the artifact; False where the host supplies it.
    """

    license: str
    license_class: str
    component: str
    linkage: Literal["dynamic", "static", "python", "executable"]
    chain: tuple[str, ...]
    subject: str
    bundled: bool


def find_exposures(
    objects: Sequence[ElfObject],
    graph: LoadFacts,
    components: Sequence[Component],
    pythons: Sequence[CPythonBuild] = (),
) -> tuple[LicenseExposure, ...]:
    """All exposures, the strictest class first; of one component, those that something loads before files that nothing reaches.

    :param pythons: files with CPython's code, for the built-in module that a static component is behind.
    """
    found = [*_bundled_libraries(graph, components), *_static(graph, components, pythons)]
    found += [*_host_libraries(objects, graph), *_distributions(components)]
    found.sort(key=_order)
    return tuple(found)


def _order(exposure: LicenseExposure) -> tuple[int, bool, str, bool, str]:
    reached = len(exposure.chain) > 1
    return (
        COPYLEFT.index(exposure.license_class),
        not exposure.bundled,
        exposure.component,
        not reached,
        exposure.subject,
    )


def _chain(graph: LoadFacts, path: str) -> tuple[str, ...]:
    """From the program in whose process the first root is loaded, where that is known, to the path."""
    chain = graph.chain_to(path)
    program = next((root.program for root in graph.roots if root.path == chain[0]), None)
    return chain if program is None or program == chain[0] else (program, *chain)


def _bundled_libraries(graph: LoadFacts, components: Sequence[Component]) -> list[LicenseExposure]:
    return [
        LicenseExposure(
            license=component.licenses or "",
            license_class=component.license_class,
            component=component.name,
            linkage="dynamic",
            chain=_chain(graph, path),
            subject=path,
            bundled=True,
        )
        for component in components
        if component.kind == "library" and component.license_class in COPYLEFT
        for path in component.files
    ]


def _static(
    graph: LoadFacts, components: Sequence[Component], pythons: Sequence[CPythonBuild]
) -> list[LicenseExposure]:
    """Components inside files: the chain leads to the file, through the built-in module of Python that uses the component, to its name."""
    modules = {build.path: build.modules for build in pythons}
    return [
        LicenseExposure(
            license=component.licenses or component.stated,
            license_class=component.license_class,
            component=component.name,
            linkage="static",
            chain=(
                *_chain(graph, path),
                *_built_in_users(modules.get(path, ()), component.name),
                f"{component.name} {component.version or ''}".rstrip(),
            ),
            subject=path,
            bundled=True,
        )
        for component in components
        if component.kind == "static" and component.license_class in COPYLEFT
        for path in component.files
    ]


def _built_in_users(modules: Sequence[str], project: str) -> list[str]:
    """The first of Python's built-in modules that is known to use the project's library."""
    for module in modules:
        known = python_module_license(f"{module}.so")
        projects = (
            {library.project for soname in known.libraries if (library := identify_library(soname))} if known else ()
        )
        if project in projects:
            return [f"built-in module {module}"]
    return []


def _host_libraries(objects: Sequence[ElfObject], graph: LoadFacts) -> list[LicenseExposure]:
    """Strong copyleft that the bundle is linked with and the host supplies; weak copyleft asks nothing of whoever does not ship it."""
    found: dict[str, LicenseExposure] = {}
    for candidate in objects:
        for need in graph.needs.get(candidate.path, ()):
            if need.origin == "bundle" or need.name in found:
                continue
            identified = identify_library(need.name)
            if identified is not None and identified.license_class in COPYLEFT[:2]:
                found[need.name] = LicenseExposure(
                    license=identified.spdx,
                    license_class=identified.license_class,
                    component=identified.project,
                    linkage="dynamic",
                    chain=(*_chain(graph, candidate.path), need.name),
                    subject=need.name,
                    bundled=False,
                )
    return list(found.values())


def _distributions(components: Sequence[Component]) -> list[LicenseExposure]:
    return [
        LicenseExposure(
            license=component.licenses or component.stated,
            license_class=component.license_class,
            component=component.name,
            linkage="python",
            chain=(component.name,),
            subject=component.name,
            bundled=True,
        )
        for component in components
        if component.kind == "python" and component.license_class in COPYLEFT
    ]
