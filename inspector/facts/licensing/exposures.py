"""Copyleft that the artifact reaches, and the chain by which it does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.components import Component
from inspector.facts.licensing.cpython_build import CPythonBuild
from inspector.facts.licensing.native_licenses import identify_library, python_module_license
from inspector.facts.loading.load_graph import LoadFacts
from inspector.facts.loading.roots import Root

COPYLEFT = ("network-copyleft", "strong-copyleft", "weak-copyleft")
"""Licence classes that oblige whoever ships the code, the strictest first."""

Linkage = Literal["dynamic", "dlopen", "static", "python", "executable"]


class LicenseExposure(Struct, frozen=True):
    """One way to one copyleft component.

    :ivar license: an SPDX expression, or the maker's own words where they make none.
    :ivar chain: tree paths and names from what is started to the component.
    :ivar subject: the path or name that a finding is about.
    :ivar linkage: "dynamic": linked by DT_NEEDED of what the application loads; "dlopen": of what is opened by name at run time; "static": inside a
        file; "python": imported; "executable": in a program that is run as one of its own.
    :ivar bundled: whether the component's code is in the artifact; False where the host supplies it.
    :ivar imported: whether the application imports the Python module that the chain goes through; None where none is in it, or nobody asked.
    :ivar removed_by: what would take it out, a clause each; ``slim_options`` the options of slim that do the first.
    :ivar obligations: what its licence asks in this linkage, a clause each.
    """

    license: str
    license_class: str
    component: str
    linkage: Linkage
    chain: tuple[str, ...]
    subject: str
    bundled: bool
    imported: bool | None = None
    removed_by: tuple[str, ...] = ()
    slim_options: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()


def find_exposures(
    objects: Sequence[ElfObject],
    graph: LoadFacts,
    components: Sequence[Component],
    pythons: Sequence[CPythonBuild] = (),
) -> tuple[LicenseExposure, ...]:
    """All exposures, the strictest class first; of one component, those that something loads before files that nothing reaches.

    :param pythons: files with CPython's code, for the built-in module that a static component is behind.
    """
    chains = ChainFinder(graph)
    found = [*_bundled_libraries(chains, components), *_static(chains, components, pythons)]
    found += [*_host_libraries(objects, graph, chains), *_distributions(components)]
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


class ChainFinder:
    """Ways from what is started to an object: the one that matters most, and of those the shortest.

    What an entry or a Python module loads is in the application's process; what a plugin loads comes into it when it is opened; a program that the
    launcher does not start is one of its own.
    """

    def __init__(self, graph: LoadFacts) -> None:
        self._loaders = graph.loaders
        self._roots = {root.path: root for root in graph.roots}

    def find(self, path: str, wanted: Callable[[Root], bool] | None = None) -> tuple[Linkage, tuple[str, ...]]:
        """How an object comes in, and the chain from the program in whose process the root is loaded, where that is known, to the object.

        :param wanted: which roots count; all of them by default.  Where none does, the object is told alone.
        """
        best: tuple[int, str] | None = None
        next_to: dict[str, str] = {path: ""}
        queue = deque([path])
        while queue:
            current = queue.popleft()
            root = self._roots.get(current)
            if root is not None and (wanted is None or wanted(root)):
                rank = _LINKAGES.index(_linkage(root)) if root.reason or root.role != "optional" else len(_LINKAGES)
                if best is None or rank < best[0]:
                    best = (rank, current)
            for loader in self._loaders.get(current, ()):
                if loader not in next_to:
                    next_to[loader] = current
                    queue.append(loader)
        if best is None:
            return "dynamic", (path,)
        chain = [best[1]]
        while next_to[chain[-1]]:
            chain.append(next_to[chain[-1]])
        root = self._roots[best[1]]
        start = (root.program,) if root.program not in (None, root.path) else ()
        return _linkage(root), (*(each for each in start if each is not None), *chain)

    def roots_above(self, path: str) -> set[str]:
        """Every root that loads an object, itself among them where it is one."""
        seen = {path}
        queue = [path]
        while queue:
            for loader in self._loaders.get(queue.pop(), ()):
                if loader not in seen:
                    seen.add(loader)
                    queue.append(loader)
        return seen & self._roots.keys()


_LINKAGES: tuple[Linkage, ...] = ("dynamic", "dlopen", "executable")


def _linkage(root: Root) -> Linkage:
    """How what a root loads comes into the application's process, if it does."""
    if root.role in ("entry", "extension"):
        return "dynamic"
    if root.program == root.path:
        return "executable"  # a program that the launcher does not start
    return "dlopen" if root.reason or root.role == "plugin" else "dynamic"


def _bundled_libraries(chains: ChainFinder, components: Sequence[Component]) -> list[LicenseExposure]:
    found = []
    for component in components:
        if component.kind == "library" and component.license_class in COPYLEFT:
            for path in component.files:
                linkage, chain = chains.find(path)
                found.append(
                    LicenseExposure(
                        license=component.licenses or "",
                        license_class=component.license_class,
                        component=component.name,
                        linkage=linkage,
                        chain=chain,
                        subject=path,
                        bundled=True,
                    )
                )
    return found


def _static(
    chains: ChainFinder, components: Sequence[Component], pythons: Sequence[CPythonBuild]
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
                *chains.find(path)[1],
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


def _host_libraries(objects: Sequence[ElfObject], graph: LoadFacts, chains: ChainFinder) -> list[LicenseExposure]:
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
                    chain=(*chains.find(candidate.path)[1], need.name),
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
