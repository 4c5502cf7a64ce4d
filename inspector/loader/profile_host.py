"""A host profile as the system that a loader's model searches."""

from __future__ import annotations

import posixpath
import re

from msgspec.structs import replace

from inspector.loader.host_profile import HostProfile, ProvidedLibrary, Variant
from inspector.loader.hwcaps import Processor
from inspector.loader.mapping import GlibcSystem
from inspector.loader.objects import ARCHITECTURES, Architecture, Candidate, LoaderObject, opaque_library
from inspector.loader.search_path import LIB_VALUES
from inspector.loader.symbol_views import SymbolWords
from inspector.patterns import lazy_pattern

_NUMBERS = lazy_pattern(r"\d+|\D+")


class ProfileHost:
    """A :class:`inspector.loader.objects.HostView` over a profile.

    A library of which nobody captured more than name and versions is an object without needs.
    """

    def __init__(self, profile: HostProfile, variant: Variant = "desktop") -> None:
        self._profile = profile
        self._variant = variant
        self._architecture = ARCHITECTURES.get(profile.arch)
        self._objects: dict[str, LoaderObject] = {}
        self._by_path: dict[str, LoaderObject] | None = None

    def find(self, name: str, architecture: Architecture) -> tuple[str, LoaderObject] | None:
        """See :class:`inspector.loader.objects.HostView`."""
        if self._architecture is not None and architecture != self._architecture:
            return None
        library = self._profile.library(name, self._variant)
        if isinstance(library, str):
            return None
        found = self._object(library, architecture)
        return library.path or name, found

    def at(self, path: str) -> Candidate | None:
        """See :class:`inspector.loader.objects.HostView`."""
        if self._profile.basis != "captured":
            return None  # nobody looked at the places of a shipped profile's libraries
        if self._by_path is None:
            self._by_path = {}
            architecture = self._architecture or Architecture(64, 0, "little")
            for library in self._profile.libraries.values():
                if library.path is not None:
                    found = self._object(library, architecture)
                    for place in (library.path, found.identity.removeprefix("host:")):
                        self._by_path.setdefault(place, found)
                        self._by_path.setdefault(place.removeprefix("/usr"), found)
        there = self._by_path.get(path) or self._by_path.get(path.removeprefix("/usr"))
        return None if there is None else Candidate(there)

    def _object(self, library: ProvidedLibrary, architecture: Architecture) -> LoaderObject:
        identity = library.object.identity if library.object is not None else f"host:{library.soname}"
        known = self._objects.get(identity)
        if known is None:
            known = self._objects[identity] = _with_symbols(library, architecture)
        return known


def _with_symbols(library: ProvidedLibrary, architecture: Architecture) -> LoaderObject:
    loadable = library.object or opaque_library(library.soname, architecture, library.versions)
    if library.object is None or library.exports is None:
        return loadable
    names = [name for name in loadable.definitions or () if name != loadable.soname]
    first = min(names, key=_natural, default=None)
    files: dict[str, str] = {}
    for requirement in loadable.requirements:
        files[requirement.version] = requirement.library if requirement.version not in files else ""
    known_files = {version: file for version, file in files.items() if file}
    return replace(loadable, symbols=SymbolWords(library.exports, library.imports or (), known_files, first))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts version names as people number them; version scripts begin with the oldest, which gets index 2."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _NUMBERS.findall(name)]


def libc_version(text: str) -> tuple[int, int] | None:
    """ "2.36" as (2, 36); None where it is no such number."""
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def system_of(
    profile: HostProfile, processor: Processor | None = None, working_directory: str | None = None
) -> GlibcSystem:
    """What of a profile decides besides its libraries.  Of several page sizes the smallest counts: some machine of the release has it.

    :param processor: of the machine; by default one that no rule refuses anything for.
    """
    libc = profile.libraries.get("libc.so.6")
    lib: tuple[str, ...] = LIB_VALUES
    if libc is not None and libc.path is not None:
        lib = (posixpath.dirname(libc.path).removeprefix("/usr").strip("/"),)
    if processor is None:
        processor = Processor() if profile.arch == "x86_64" else Processor(None, profile.arch, ())
    return GlibcSystem(
        version=libc_version(profile.libc_version) if profile.libc == "glibc" else None,
        page_size=min(profile.page_sizes, default=None),
        processor=processor,
        lib=lib,
        working_directory=working_directory,
    )
