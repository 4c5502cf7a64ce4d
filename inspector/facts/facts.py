"""All facts of one artifact, as checks and the pipeline read them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from inspector.artifact.artifact import StartRefusal
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.binaries.floors import RUNTIME, NamespaceFloor, UnmetVersion, VersionRequest
from inspector.facts.hosts.runtime_root import RuntimeVerdict
from inspector.facts.hosts.shared_libraries import HostProgramReached, OlderThanHost
from inspector.facts.hosts.verdicts import SystemVerdict
from inspector.facts.launchers.launcher import Launcher
from inspector.facts.licensing.components import Component
from inspector.facts.licensing.cpython_build import CPythonBuild
from inspector.facts.licensing.exposures import LicenseExposure
from inspector.facts.licensing.shipped_bills import CheckedBill
from inspector.facts.licensing.static_component import StaticComponent
from inspector.facts.loading.load_graph import LoadFacts
from inspector.facts.loading.search_paths import SearchElement
from inspector.facts.sizes import FileFact
from inspector.result import EnvelopeInfo, SizesInfo, TagInfo


class Facts(Struct, frozen=True, kw_only=True):
    """What is true of an artifact.

    :ivar name: its file name, for rules that compare names.
    :ivar arch: the machine that it is for, or None where nothing tells.
    :ivar objects: all ELF objects, by path.
    :ivar runtime: the executable in front of an AppImage's payload, with the path :data:`inspector.facts.binaries.floors.RUNTIME`.
    :ivar own_loader: tree path of a dynamic loader that the bundle carries and starts with, or None.
    :ivar hosts: whether it starts, system by system.
    :ivar host_releases: ISO dates of release, by the system's id.
    :ivar runtime_on_hosts: whether an AppImage's runtime starts and mounts, by the system's id and variant.
    :ivar refusal: why the format's own starter ends before the application runs, on whatever system; None where nothing is known to stop it.
    :ivar static_components: components inside ELF files, each file's for itself, with what proves them; ``components`` has them by release.
    :ivar pythons: each file with CPython's code: release, compiler, modules that are built in.
    :ivar shipped_bills: bills of materials that the artifact carries, held against its files.
    :ivar wanted_inside: sonames that artifacts inside the artifact ask the system for: a library of the artifact may be what answers.
    :ivar files: every regular file, by tree path.
    :ivar owners: whose file each of them is, a name of ``sizes.by_component``.
    """

    name: str
    format: str
    arch: str | None
    envelope: EnvelopeInfo | None = None
    is_root_file_system: bool = False
    launcher: Launcher = field(default_factory=Launcher)
    objects: tuple[ElfObject, ...] = ()
    runtime: ElfObject | None = None
    own_loader: str | None = None
    graph: LoadFacts = field(default_factory=LoadFacts)
    requests: tuple[VersionRequest, ...] = ()
    floors: tuple[NamespaceFloor, ...] = ()
    unmet_versions: tuple[UnmetVersion, ...] = ()
    tag: TagInfo = field(default_factory=TagInfo)
    search_elements: tuple[SearchElement, ...] = ()
    hosts: tuple[SystemVerdict, ...] = ()
    host_releases: Mapping[str, str | None] = field(default_factory=dict)
    runtime_on_hosts: Mapping[tuple[str, str], RuntimeVerdict] = field(default_factory=dict)
    refusal: StartRefusal | None = None
    host_programs_reached: tuple[HostProgramReached, ...] = ()
    older_than_host: tuple[OlderThanHost, ...] = ()
    components: tuple[Component, ...] = ()
    static_components: tuple[StaticComponent, ...] = ()
    pythons: tuple[CPythonBuild, ...] = ()
    exposures: tuple[LicenseExposure, ...] = ()
    shipped_bills: tuple[CheckedBill, ...] = ()
    sizes: SizesInfo = field(default_factory=SizesInfo)
    wanted_inside: frozenset[str] = frozenset()
    files: Mapping[str, FileFact] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    def object(self, path: str) -> ElfObject | None:
        """The ELF object of a path, or of :data:`inspector.facts.binaries.floors.RUNTIME`."""
        if path == RUNTIME:
            return self.runtime
        return next((found for found in self.objects if found.path == path), None)

    def size_of(self, path: str) -> int:
        """Raw bytes of a file."""
        size = self.files.get(path)
        return size.raw if size is not None else 0
