"""Every root of a bundle in its whole process on a captured system: the host's real libraries, their versions and their symbols."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.hosts.outcomes import FailedRoot, LackingVersion, RootOutcome
from inspector.facts.loading.roots import Root
from inspector.facts.loading.run_time_paths import Mount
from inspector.loader.answers import RootAnswer, SystemLoader
from inspector.loader.host_profile import HostProfile, Variant
from inspector.loader.hwcaps import Processor
from inspector.loader.objects import FileView
from inspector.patterns import lazy_pattern

_GLIBC = lazy_pattern(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")


def process_outcomes(
    roots: Sequence[Root],
    objects: Sequence[ElfObject],
    files: FileView,
    profile: HostProfile,
    variant: Variant,
    mount: Mount,
    environment: Mapping[str, str],
    own_loader: str | None = None,
    processor: Processor | None = None,
) -> list[RootOutcome]:
    """What the loader of a captured system says of each root of its machine.

    :param environment: what the launcher sets, run-time paths.
    :param own_loader: tree path of a loader in the bundle that starts its programs; it is asked instead of the system's.
    """
    by_path = {found.path: found for found in objects}
    loader = SystemLoader(
        files,
        profile,
        variant,
        environment=environment,
        processor=processor,
        own_loader=None if own_loader is None else mount.run_time(own_loader),
        own_libc_version=bundled_glibc_version(objects) if own_loader is not None else None,
    )
    outcomes = []
    for root in roots:
        found = by_path.get(root.path)
        if found is None or found.elf.arch != profile.arch:
            continue
        program = None if root.program is None else mount.run_time(root.program)
        answer = loader.answer(mount.run_time(root.path), program)
        outcomes.append(RootOutcome(root, _failed(root, answer, mount, by_path)))
    return outcomes


def _failed(root: Root, answer: RootAnswer, mount: Mount, by_path: Mapping[str, ElfObject]) -> FailedRoot | None:
    """What is wrong with a root, None where it loads.

    Of a library that no known program opens, symbols without a version are not judged: its program would bring them.
    """
    symbols = answer.undefined_symbols or ()
    if root.program is None:
        symbols = tuple(symbol for symbol in symbols if symbol.version is not None)
        if symbols == () and _only_symbols(answer):
            return None
    if answer.loads:
        return None
    versions = []
    for version in answer.missing_versions:
        if version.reason is None:
            needed_by = mount.tree_path(version.needed_by) or version.needed_by
            versions.append(
                LackingVersion(
                    version.library,
                    version.version,
                    needed_by,
                    _symbols_of(by_path.get(needed_by), version.library, version.version),
                )
            )
    return FailedRoot(
        root.path,
        root.role,
        answer.message or "",
        tuple(library.name for library in answer.missing_libraries),
        tuple(versions),
        tuple(f"{symbol.name}@{symbol.version}" if symbol.version else symbol.name for symbol in symbols),
    )


def _only_symbols(answer: RootAnswer) -> bool:
    return not (answer.refusal or answer.refusals or answer.missing_libraries or answer.missing_versions)


def _symbols_of(found: ElfObject | None, library: str, version: str) -> tuple[str, ...]:
    """Names of the symbols that stand behind a version requirement."""
    if found is None or not found.elf.symbols.is_loaded:
        return ()
    for need in found.elf.verneed:
        if (need.library, need.version) == (library, version):
            return tuple(found.elf.symbols.names_with_version(need.index))
    return ()


def bundled_glibc_version(objects: Sequence[ElfObject]) -> str | None:
    """The version of a glibc that the bundle carries, by the highest version that its libc.so.6 defines; None without one."""
    highest: tuple[int, int] | None = None
    for found in objects:
        if found.elf.soname == "libc.so.6" or posixpath.basename(found.path) == "libc.so.6":
            for definition in found.elf.verdef:
                match = _GLIBC.fullmatch(definition.name)
                if match is not None:
                    number = (int(match[1]), int(match[2]))
                    highest = number if highest is None or number > highest else highest
    return None if highest is None else f"{highest[0]}.{highest[1]}"
