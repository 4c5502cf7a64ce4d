"""The demands of a bundle's roots against profiles that know names and versions: only distinct names and versions are compared."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.hosts.demands import RootDemand
from inspector.facts.hosts.host_needs import HostNeeds, UnmetHostNeed
from inspector.facts.hosts.libraries import host_library
from inspector.facts.hosts.outcomes import FailedRoot, LackingVersion, RootOutcome
from inspector.loader.host_profile import HostProfile, ProvidedLibrary, Variant
from inspector.loader.mapping import CANNOT_OPEN, SMALLEST_PAGE
from inspector.loader.musl import is_musl_itself
from inspector.loader.profile_host import libc_version
from inspector.loader.versions import RELR_MARKER

State = Literal["there", "absent", "unknown"]

_KNOWS_RELR = {"glibc": (2, 36), "musl": (1, 2, 4)}
_STRICT_STACK = (2, 41)


class _Traits(Struct, frozen=True):
    """What some systems refuse an object for."""

    largest_page_size: int
    has_unmarked_relr: bool
    executable_stack: bool


class DemandJudge:
    """Compares the demands of a bundle's roots with profiles.

    :param known_elsewhere: profiles whose lists make a soname a known one: a name that none of them nor the excludelist knows is a private
        library that was forgotten, and missing everywhere.
    :param own_loader: tree path of a loader in the bundle that starts its programs: PT_INTERP is not asked for then.
    :param host_needs: what host libraries ask of bundled ones; None: of those alone that are loaded already.
    """

    def __init__(
        self, demands: Sequence[RootDemand], objects: Sequence[ElfObject], known_elsewhere: Sequence[HostProfile],
        own_loader: str | None = None, host_needs: HostNeeds | None = None,
    ) -> None:  # fmt: skip
        self._demands = demands
        self._objects = {found.path: found for found in objects}
        self._known_elsewhere = known_elsewhere
        self._own_loader = own_loader
        self._host_needs = host_needs or HostNeeds(objects)
        self._known: dict[str, bool] = {}
        self._traits: dict[str, _Traits | None] = {}
        self._symbols: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._roots_by_library: dict[str, list[int]] = {}
        self._roots_by_version: dict[tuple[str, str], list[int]] = {}
        for number, demand in enumerate(demands):
            for name in demand.libraries:
                self._roots_by_library.setdefault(name, []).append(number)
            for pair in demand.versions:
                self._roots_by_version.setdefault(pair, []).append(number)

    def outcomes(self, profile: HostProfile, variant: Variant) -> list[RootOutcome]:
        """Every root of the profile's machine, in the order of the demands."""
        states = {name: self._state(profile, variant, name) for name in self._roots_by_library}
        lacking = {
            pair: state
            for pair in self._roots_by_version
            if (state := self._version_state(profile, variant, pair)) != "there"
        }
        touched: set[int] = set()
        for name, state in states.items():
            if state != "there":
                touched.update(self._roots_by_library[name])
        for pair in lacking:
            touched.update(self._roots_by_version[pair])
        return [
            self._outcome(demand, profile, variant, states, lacking if number in touched else {}, number in touched)
            for number, demand in enumerate(self._demands)
            if demand.arch == profile.arch
        ]

    def _outcome(
        self,
        demand: RootDemand,
        profile: HostProfile,
        variant: Variant,
        states: Mapping[str, State],
        lacking: Mapping[tuple[str, str], State],
        touched: bool,
    ) -> RootOutcome:
        refused = self._interpreter_message(demand, profile, variant)
        messages = [message for message in (refused, demand.failure) if message is not None]
        messages += self._refused_objects(demand, profile)
        crashes = list(self._unrelocated_objects(demand, profile))
        unmet = list(self._host_needs.unmet(demand, profile, variant)) if profile.libc == "glibc" else []
        if not messages and not touched and not crashes and not unmet:
            return RootOutcome(demand.root)
        missing: list[str] = []
        versions: list[tuple[str, str]] = []
        undecided: list[str] = []
        if touched and refused is None:
            missing = [name for name in demand.libraries if states[name] == "absent"]
            versions = [pair for pair in demand.versions if lacking.get(pair) == "absent"]
            undecided = [name for name in demand.libraries if states[name] == "unknown"]
            undecided += [f"{pair[0]}: {pair[1]}" for pair in demand.versions if lacking.get(pair) == "unknown"]
        if not messages and (missing or versions):
            messages = [self._message(demand, profile, missing, versions)]
        if not messages and unmet:
            messages = [_host_need_message(demand, unmet[0])]
        messages += crashes
        if not messages:
            return RootOutcome(demand.root, None, tuple(undecided))
        return RootOutcome(
            demand.root,
            FailedRoot(
                demand.root.path,
                demand.root.role,
                messages[0],
                tuple(missing),
                (
                    *(self._lacking_version(pair, demand.versions[pair]) for pair in versions),
                    *(LackingVersion(need.library, need.version, need.needed_by) for need in unmet),
                ),
            ),
            tuple(undecided),
        )

    def _message(
        self, demand: RootDemand, profile: HostProfile, missing: Sequence[str], versions: Sequence[tuple[str, str]]
    ) -> str:
        """The loader's first line; a program that starts says who speaks."""
        path = demand.root.path
        starts = demand.root.program == path
        if missing:
            name = missing[0]
            if profile.libc == "musl":
                needed_by = demand.libraries[name]
                line = f"Error loading shared library {name}: No such file or directory (needed by {needed_by})"
            else:
                line = f"{path}: error while loading shared libraries: " if starts else ""
                line += f"{name}: {CANNOT_OPEN}"
            known = profile.libraries.get(name)
            return f"{line} (package {known.package} has it)" if known is not None and known.package else line
        library, version = versions[0]
        known = profile.libraries.get(library)
        provider = known.path if known is not None and known.path else library
        line = f"{provider}: version `{version}' not found (required by {demand.versions[versions[0]]})"
        return f"{path}: {line}" if starts else line

    def _lacking_version(self, pair: tuple[str, str], needed_by: str) -> LackingVersion:
        key = (*pair, needed_by)
        symbols = self._symbols.get(key)
        if symbols is None:
            found = self._objects.get(needed_by)
            names: list[str] = []
            for need in found.elf.verneed if found is not None and found.elf.symbols.is_loaded else ():
                if (need.library, need.version) == pair and found is not None:
                    names = found.elf.symbols.names_with_version(need.index)
            symbols = self._symbols[key] = tuple(names)
        return LackingVersion(*pair, needed_by, symbols)

    def _interpreter_message(self, demand: RootDemand, profile: HostProfile, variant: Variant) -> str | None:
        """The kernel looks for PT_INTERP before any loader speaks; the shell says ENOENT of the program."""
        if demand.interpreter is None or self._own_loader is not None:
            return None
        name = posixpath.basename(demand.interpreter)
        if self._state(profile, variant, name) == "absent":
            known = profile.libraries.get(name)
            package = f"; package {known.package} has it" if known is not None and known.package else ""
            return f"{demand.root.path}: No such file or directory (its loader {demand.interpreter}{package})"
        return None

    def _refused_objects(self, demand: RootDemand, profile: HostProfile) -> Iterator[str]:
        """Objects that this release's loader does not map (G14, G17); a loader of the bundle's own is not judged so."""
        if self._own_loader is not None or not demand.watched or profile.libc != "glibc":
            return
        version = libc_version(profile.libc_version)
        page = min(profile.page_sizes, default=0)
        opened = demand.root.program != demand.root.path
        strict = opened and version is not None and version >= _STRICT_STACK
        if page <= SMALLEST_PAGE and not strict:
            return
        for path in demand.watched:
            traits = self._traits_of(path)
            if traits is None:
                continue
            if traits.largest_page_size < page:
                yield f"{path}: ELF load command address/offset not page-aligned"
            if strict and traits.executable_stack and not self._program_stack(demand):
                yield f"{path}: cannot enable executable stack as shared object requires: Invalid argument"

    def _unrelocated_objects(self, demand: RootDemand, profile: HostProfile) -> Iterator[str]:
        """Objects whose DT_RELR this release's loader does not know and that no marker keeps out: they crash without a word (G21, M9)."""
        if self._own_loader is not None or not demand.watched or not _is_before_relr(profile):
            return
        for path in demand.watched:
            traits = self._traits_of(path)
            if traits is not None and traits.has_unmarked_relr:
                libc = f"{profile.libc} {profile.libc_version}"
                yield f"Segmentation fault ({libc} does not know DT_RELR and leaves {path} unrelocated)"

    def _traits_of(self, path: str) -> _Traits | None:
        if path not in self._traits:
            found = self._objects.get(path)
            self._traits[path] = (
                None
                if found is None
                else _Traits(
                    found.elf.largest_page_size,
                    found.elf.has_relr and all(need.version != RELR_MARKER for need in found.elf.verneed),
                    found.elf.stack_is_executable,
                )
            )
        return self._traits[path]

    def _program_stack(self, demand: RootDemand) -> bool:
        program = self._objects.get(demand.root.program or "")
        return program is not None and program.elf.stack_is_executable

    # -- what a profile says of a name

    def _state(self, profile: HostProfile, variant: Variant, name: str) -> State:
        if profile.libc == "musl" and is_musl_itself(name):
            return "there"
        found = profile.library(name, variant)
        if isinstance(found, ProvidedLibrary):
            return "there"
        if found == "absent" or _belongs_to_other_libc(name, profile):
            return "absent"
        return "unknown" if self._is_known(name) else "absent"

    def _version_state(self, profile: HostProfile, variant: Variant, pair: tuple[str, str]) -> State:
        """Whether a library has a version; one that is not there is told of by its name alone."""
        if profile.libc == "musl":
            return "there"  # M7: versions are not looked at
        found = profile.library(pair[0], variant)
        if not isinstance(found, ProvidedLibrary):
            return "there"
        if found.versions is None:
            return "unknown"
        return "there" if not found.versions or pair[1] in found.versions else "absent"

    def _is_known(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            listed = host_library(name)
            known = (listed is not None and listed.supplier != "bundle") or any(
                name in profile.libraries for profile in self._known_elsewhere
            )
            self._known[name] = known
        return known


def _host_need_message(demand: RootDemand, need: UnmetHostNeed) -> str:
    line = f"{need.provider}: version `{need.version}' not found (required by {need.needed_by})"
    return f"{demand.root.path}: {line}" if demand.root.program == demand.root.path else line


def _belongs_to_other_libc(name: str, profile: HostProfile) -> bool:
    """Parts of glibc on musl systems and the reverse: not there unless the profile names a package."""
    if profile.libc == "musl":
        return name.startswith(("ld-linux", "ld64.so", "libresolv.so.", "libnsl.so.1", "libanl.so.", "libmvec.so."))
    return name.startswith(("ld-musl-", "libc.musl-"))


def _is_before_relr(profile: HostProfile) -> bool:
    """Whether a system's loader is older than DT_RELR: glibc 2.36, musl 1.2.4."""
    numbers = tuple(int(part) for part in profile.libc_version.split(".")[:3] if part.isdigit())
    return numbers < _KNOWS_RELR[profile.libc]
