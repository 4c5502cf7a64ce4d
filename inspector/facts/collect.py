"""From an opened artifact to its facts: each collector once, in the order in which they need each other."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack

from inspector.artifact.artifact import Artifact
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject, main_architecture, read_elf_objects
from inspector.facts.binaries.floors import RUNTIME, floors, unmet_versions, version_requests
from inspector.facts.binaries.platform_tag import platform_needs, platform_tag
from inspector.facts.binaries.wheel_tag import wheel_tag
from inspector.facts.duplicates import find_duplicates
from inspector.facts.facts import Facts
from inspector.facts.hosts.named_runtimes import named_hosts
from inspector.facts.hosts.profiles import chosen_hosts, default_hosts
from inspector.facts.hosts.runtime_root import RuntimeVerdict, runtime_needs, runtime_on_host
from inspector.facts.hosts.shared_libraries import host_programs_reached, older_than_host
from inspector.facts.hosts.verdicts import JudgedBundle, host_verdicts
from inspector.facts.launchers.launcher import Launcher, read_launcher
from inspector.facts.licensing.bundled_copyright import BundledCopyrights
from inspector.facts.licensing.components import begin_components, finish_components
from inspector.facts.licensing.exposures import find_exposures
from inspector.facts.licensing.library_licenses import load_library_catalogue
from inspector.facts.licensing.python_components import read_license_files
from inspector.facts.licensing.read_texts import ReadTexts, read_texts
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.licensing.static_component import ScannedFile
from inspector.facts.licensing.static_components import StaticScanning
from inspector.facts.loading.frozen_folders import frozen_folders, searched_by_folders
from inspector.facts.loading.load_graph import LoadFacts, TreeFiles, build_load_graph
from inspector.facts.loading.own_system import default_directories, with_own_loader
from inspector.facts.loading.roots import find_roots
from inspector.facts.loading.run_time_paths import mount_of
from inspector.facts.loading.search_paths import search_elements
from inspector.facts.python.distributions import collect_python_distributions
from inspector.facts.sizes import file_facts, measure_sizes
from inspector.forked_work import ForkedWork, SharedWork
from inspector.formats.elf import read_elf
from inspector.limits import Limits
from inspector.loader.host_profile import HostProfile, Variant
from inspector.model import Problem
from inspector.progress import SILENT, Progress
from inspector.result import TagInfo

_DESKTOP: Variant = "desktop"


def collect_facts(
    artifact: Artifact,
    limits: Limits,
    progress: Progress = SILENT,
    *,
    hosts: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    alone: bool = False,
    meanwhile: Callable[[Sequence[ElfObject]], None] | None = None,
) -> Facts:
    """All facts of an artifact; what cannot be read becomes a problem of the artifact.

    :param hosts: identifiers or files of host profiles; none stands for what the package says it runs on, else for every
        system that its maker supports.
    :param environment: variables that have these values whatever the launcher does.
    :param alone: do without other processes where they are permitted: for many small artifacts, for which starting them takes longer than the work.
    :param meanwhile: is called with the ELF objects when nothing but the components is left to do, at which another process may be.
    :raises UsageError: where a host is not known.
    """
    with ExitStack() as others:
        return _collect(artifact, limits, progress, hosts, environment, others, alone=alone, meanwhile=meanwhile)


def _collect(
    artifact: Artifact,
    limits: Limits,
    progress: Progress,
    hosts: Sequence[str],
    environment: Mapping[str, str] | None,
    others: ExitStack,
    *,
    alone: bool,
    meanwhile: Callable[[Sequence[ElfObject]], None] | None,
) -> Facts:
    """:param others: ends the processes that work beside this one."""
    tree = artifact.tree
    distributions = collect_python_distributions(tree)
    texts, copyrights = RecognisedFiles(tree), BundledCopyrights(tree)
    reading = others.enter_context(
        ForkedWork(lambda: read_texts(tree, distributions.distributions), ReadTexts, alone=alone)
    )
    # Some containers begin to decode here, on other threads; what needs none of the large members is done meanwhile.
    ordered = tree.files_in_read_order()
    if not reading.runs:
        read_license_files(distributions.distributions, texts)
    objects = read_elf_objects(artifact, limits, progress, ordered)
    runtime = _runtime(artifact, limits)
    static_code = StaticScanning(tree, objects, limits, runtime=(artifact.source, runtime))
    scanning = others.enter_context(SharedWork(len(static_code), static_code.scan, ScannedFile, alone=alone))
    arch = main_architecture(objects, artifact.arch)
    progress.stage("Resolving libraries")
    launcher = with_own_loader(read_launcher(artifact, environment), artifact, objects)
    mount = mount_of(artifact)
    folders = [folder for folder in frozen_folders(tree) if folder.path not in artifact.layout.search_path]
    first, last = searched_by_folders(folders, launcher.programs)
    library_path = _library_path(artifact, launcher, first, [*last, *default_directories(artifact, objects)])
    opened = (*artifact.layout.roots, *(folder.python for folder in folders if folder.python is not None))
    roots = find_roots(objects, tree, launcher, opened, mount.root)
    graph = build_load_graph(objects, tree, roots, mount, library_path)
    progress.stage("Asking the systems")
    supported = default_hosts(arch) if arch is not None else []
    hosts = hosts or named_hosts(artifact.envelope.package if artifact.envelope is not None else None)
    systems = chosen_hosts(hosts, arch or "x86_64") if hosts else [(profile, _DESKTOP) for profile in supported]
    # Checks that concern every host look at a loader that is taken on every host.
    own_loader = launcher.own_loader if launcher.own_loader_up_to is None else None
    bundle = JudgedBundle(
        graph=graph,
        objects=objects,
        files=TreeFiles(tree, objects, mount),
        mount=mount,
        environment=_searched(launcher.environment, library_path),
        own_loader=launcher.own_loader,
        own_loader_up_to=launcher.own_loader_up_to,
        own_loader_library_path=launcher.own_loader_library_path,
    )
    native = [found for found in objects if found.elf.arch == arch]
    requests = version_requests(native, graph, runtime)
    verdicts = host_verdicts(bundle, systems, supported)
    tag = _tag(artifact, objects, graph, arch)
    needed, unmet = floors(requests), unmet_versions(objects, graph)
    elements = search_elements(objects, tree, mount)
    older = older_than_host(native, (profile for profile, _ in systems if profile.libc == "glibc"))
    progress.stage("Measuring sizes")
    duplicates = find_duplicates(tree)
    files = file_facts(tree, objects, duplicates)
    if meanwhile is not None:
        meanwhile(objects)
    progress.stage("Looking for components")
    read = reading.result(meanwhile=load_library_catalogue)
    if read is not None:
        texts.known, copyrights.known = read.texts, read.copyrights
    begun = begin_components(tree, objects, distributions.distributions, texts, copyrights)
    sizes = measure_sizes(files, objects, begun.owners, duplicates)
    static = static_code.gather(scanning.results())
    components = finish_components(begun, static)
    _tell(artifact, (*distributions.problems, *static.problems, *components.problems))
    return Facts(
        name=posixpath.basename(artifact.path.rstrip("/")),
        format=artifact.format,
        arch=arch,
        envelope=artifact.envelope,
        is_root_file_system=artifact.layout.file_system_root,
        launcher=launcher,
        objects=objects,
        runtime=runtime,
        own_loader=own_loader,
        graph=graph,
        requests=requests,
        floors=needed,
        unmet_versions=unmet,
        tag=tag,
        search_elements=elements,
        host_programs_reached=host_programs_reached(objects, launcher, mount),
        older_than_host=older,
        hosts=verdicts,
        host_releases={profile.id: profile.released for profile, _ in systems},
        runtime_on_hosts=_runtime_on_hosts(artifact, runtime, systems),
        refusal=artifact.layout.refusal,
        components=components.components,
        static_components=static.components,
        pythons=static.pythons,
        shipped_bills=components.bills,
        exposures=find_exposures(objects, graph, components.components, static.pythons),
        sizes=sizes,
        files=files,
        owners=components.owners,
    )


def _tell(artifact: Artifact, problems: Iterable[Problem]) -> None:
    """Note what nobody has told yet: what cannot be read, several may have tried to."""
    told = {(problem.kind, problem.subject) for problem in artifact.problems}
    for problem in problems:
        if (problem.kind, problem.subject) not in told:
            told.add((problem.kind, problem.subject))
            artifact.problems.append(problem)


def _runtime_on_hosts(
    artifact: Artifact, runtime: ElfObject | None, systems: Sequence[tuple[HostProfile, Variant]]
) -> dict[tuple[str, str], RuntimeVerdict]:
    if runtime is None or artifact.envelope is None:
        return {}
    needs = runtime_needs(runtime, artifact.envelope.runtime, artifact.envelope.compression)
    return {(profile.id, variant): runtime_on_host(needs, profile, variant) for profile, variant in systems}


def _runtime(artifact: Artifact, limits: Limits) -> ElfObject | None:
    if artifact.envelope is None or artifact.envelope.offset is None or artifact.source is None:
        return None
    try:
        elf = read_elf(artifact.source, limits)
    except FormatError:
        return None
    return ElfObject(RUNTIME, RUNTIME, True, elf, elf.byte_kinds())


def _library_path(
    artifact: Artifact, launcher: Launcher, searched_first: Sequence[str], searched_last: Sequence[str]
) -> str | None:
    mount = mount_of(artifact)
    parts = [mount.run_time(directory) for directory in (*artifact.layout.search_path, *searched_first)]
    if launcher.library_path is not None:
        parts.append(launcher.library_path)
    parts += [mount.run_time(directory) for directory in searched_last]
    return ":".join(parts) if parts else None


def _searched(environment: Mapping[str, str], library_path: str | None) -> dict[str, str]:
    """The launcher's environment, with the search path that the load graph was built with: the format's own directories come first."""
    return {**environment, **({"LD_LIBRARY_PATH": library_path} if library_path is not None else {})}


def _tag(artifact: Artifact, objects: tuple[ElfObject, ...], graph: LoadFacts, arch: str | None) -> TagInfo:
    needs = []
    for found in objects:
        bundled = {need.name for need in graph.needs.get(found.path, ()) if need.origin == "bundle"}
        needs.append(platform_needs(found.path, found.elf, bundled))
    tag = platform_tag(needs, arch=arch)
    wheel = wheel_tag(artifact, needs)
    return TagInfo(allowed=tag.allowed, claimed=wheel.claimed, reasons=tag.reasons, unkept=wheel.unkept)
