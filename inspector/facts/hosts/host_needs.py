"""What the host's own libraries ask of libraries that the bundle brings: a host's libssl that meets the bundle's older libcrypto in one process.

Only what profiles measured is compared; of a library whose needs nobody measured it is taken that they are met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.hosts.demands import RootDemand
from inspector.loader.host_profile import HostProfile, ProvidedLibrary, Variant
from inspector.loader.objects import FileView
from inspector.loader.search_path import split_path


class UnmetHostNeed(Struct, frozen=True):
    """A version that a host's library wants of a bundled one, which does not define it.

    :ivar library: the soname that both have.
    :ivar needed_by: soname of the host's library.
    :ivar provider: path of the bundled library.
    """

    library: str
    version: str
    needed_by: str
    provider: str


class HostNeeds:
    """Compares the needs of host libraries with the bundled libraries that would meet them.

    :param files: the bundle's files at run-time paths.
    :param library_path: LD_LIBRARY_PATH of its programs, which the host's libraries are searched along too (ld.so(8)).
    """

    def __init__(
        self, objects: Sequence[ElfObject], files: FileView | None = None, library_path: str | None = None
    ) -> None:
        self._definitions = {found.path: frozenset(entry.name for entry in found.elf.verdef) for found in objects}
        self._files = files
        # Run-time paths in the bundle begin with a variable where nobody knows the directory: $APPDIR, $HOME/.shiv.
        self._directories = [
            element for element in split_path(library_path or "", ":;") if element.startswith(("/", "$"))
        ]
        self._on_path: dict[str, tuple[str, frozenset[str]] | None] = {}
        self._needs: dict[tuple[str, Variant, str], tuple[tuple[str, str, str], ...]] = {}

    def unmet(self, demand: RootDemand, profile: HostProfile, variant: Variant) -> Iterator[UnmetHostNeed]:
        """In the order in which the root's process asks for the host's libraries."""
        for name, position in demand.from_host.items():
            for library, version, needed_by in self._asked(profile, variant, name):
                met = self._provider(demand.bundled, library, position)
                if met is not None and met[1] and version not in met[1]:
                    yield UnmetHostNeed(library, version, needed_by, met[0])

    def _provider(
        self, bundled: Mapping[str, tuple[int, str]], library: str, position: int
    ) -> tuple[str, frozenset[str]] | None:
        """The bundled library that answers a host library's need: one that is loaded by then, else what LD_LIBRARY_PATH leads to."""
        known = bundled.get(library)
        if known is not None and known[0] < position:
            return known[1], self._definitions.get(known[1], frozenset())
        if library not in self._on_path:
            self._on_path[library] = self._search(library)
        return self._on_path[library]

    def _search(self, library: str) -> tuple[str, frozenset[str]] | None:
        for directory in self._directories if self._files is not None else ():
            found = self._files.candidate(f"{directory}/{library}") if self._files is not None else None
            if found is not None and found.loadable is not None and found.defect is None:
                return f"{directory}/{library}", found.loadable.definitions or frozenset()
        return None

    def _asked(self, profile: HostProfile, variant: Variant, name: str) -> tuple[tuple[str, str, str], ...]:
        """``(library, version, by whom)`` of everything that a host's library and its own needs ask for, weak versions left out."""
        key = (profile.id, variant, name)
        known = self._needs.get(key)
        if known is None:
            rows: list[tuple[str, str, str]] = []
            names = [name]
            for each in names:
                library = profile.library(each, variant)
                if isinstance(library, ProvidedLibrary):
                    rows += [(need.library, need.version, each) for need in library.requirements if not need.weak]
                    names += [needed for needed in library.needed if needed not in names]
            known = self._needs[key] = tuple(rows)
        return known
