"""Which directories glibc looks into for a need, and what it finds there: statements G3 to G12 (glibc, elf/dl-load.c)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from msgspec import Struct

from inspector.loader.hwcaps import subdirectories
from inspector.loader.mapping import CANNOT_OPEN, GlibcSystem, examine
from inspector.loader.objects import Architecture, Candidate, FileView, HostView, Loaded, LoaderObject
from inspector.loader.search_path import SearchDirectory, directories

_TRUSTED = ("/lib/", "/usr/lib/", "/lib64/", "/usr/lib64/")
"""The system directories as they are built in, multiarch ones lie below; G6 and G9."""


_MOST_DIRECTORIES = 4096
"""Of one search path; longer ones are made by nobody but an attacker, who would have each need of each object looked for in all of them."""
_MOST_PROBES = 20_000_000
"""Paths that one bundle is looked into for; the largest of the corpus takes 60,000."""


class Found(Struct, frozen=True):
    """The end of a search.

    :ivar path: None where nothing was found.
    :ivar refusal: why what was found cannot be taken, None where it can.
    :ivar via: the rule.
    :ivar skipped: paths passed over, each with the reason.
    :ivar searched: whether there was any directory to look into.
    """

    path: str | None = None
    loadable: LoaderObject | None = None
    refusal: str | None = None
    via: str | None = None
    skipped: tuple[str, ...] = ()
    searched: bool = True

    @property
    def absence(self) -> str:
        """What the loader says when nothing was found."""
        if not self.searched:
            return CANNOT_OPEN.partition(": ")[0]  # no call has failed, so there is no reason to tell
        classes = [reason for text in self.skipped if (reason := text.rpartition(": wrong ELF class: ")[2]) != text]
        return f"wrong ELF class: {classes[-1]}" if classes else CANNOT_OPEN


class Search:
    """Looks names up; everything that was found out is remembered.

    :param files: what lies where in the bundle.
    :param host: what the system gives.
    :param library_path: the value of LD_LIBRARY_PATH, run-time paths, or None where it is not set.
    """

    def __init__(self, files: FileView, host: HostView, system: GlibcSystem, library_path: str | None) -> None:
        self._files = files
        self._host = host
        self._system = system
        self._library_path = (
            None if system.secure else library_path or None
        )  # an empty one is as good as none (_dl_init_paths)
        self._candidates: dict[str, Candidate | None] = {}
        self._results: dict[tuple[object, ...], Found] = {}
        self._directories: dict[tuple[str, str, str | None, int], tuple[SearchDirectory, ...]] = {}
        self._probes = 0
        self.host_paths: set[str] = set()

    def candidate(self, path: str) -> Candidate | None:
        """What lies at a path, in the bundle or on the host."""
        if not path.startswith(("/", "$")):
            if self._system.working_directory is None:
                return None
            path = f"{self._system.working_directory.rstrip('/')}/{path}"
        try:
            return self._candidates[path]
        except KeyError:
            found = self._files.candidate(path)
            if found is None and path.startswith("/"):
                found = self._host.at(posixpath.normpath(path))
                if found is not None:
                    self.host_paths.add(path)
            self._candidates[path] = found
            return found

    def find(self, name: str, objects: Sequence[Loaded], requester: int) -> Found:
        """What a need of an object leads to in the bundle or by a path, the system's default search left out.

        :param objects: the process so far.
        """
        lists = self._search_lists(objects, requester)
        architecture = objects[requester].object.architecture
        key = (name, architecture, *map(id, lists))  # the lists are kept in self._directories, so their ids are stable
        known = self._results.get(key)
        if known is None:
            known = self._results[key] = self._look_into(lists, name, architecture)
        return known

    def find_by_default(self, name: str, requesting: LoaderObject) -> tuple[str, LoaderObject] | None:
        """What the cache and the default directories of the system give, DF_1_NODEFLIB heeded (G6)."""
        found = self._host.find(name, requesting.architecture)
        if found is None or (requesting.nodeflib and (found[0].startswith(_TRUSTED) or "/" not in found[0])):
            return None
        self.host_paths.add(found[0])
        return found

    def find_path(self, name: str, requesting: Loaded) -> Found:
        """A need with a slash: no search, tokens expanded, failure final (G1)."""
        origin = posixpath.dirname(requesting.path)
        expanded = directories(
            name, label="path in DT_NEEDED", origin=origin, platform=self._system.processor.platform,
            separators="\0", lib=self._system.lib,
        )  # fmt: skip
        for directory in expanded:
            candidate = self.candidate(directory.path)
            if candidate is None or candidate.cannot_be_opened:
                continue
            taken, reason = examine(candidate, requesting.object.architecture, self._system)
            if taken == "pass over":
                return Found(skipped=(f"{directory.path}: {reason}",))
            refusal = reason if taken == "refuse" else None
            return Found(directory.path, candidate.loadable, refusal, "path in DT_NEEDED")
        return Found()

    def _look_into(self, lists: Sequence[Sequence[SearchDirectory]], name: str, architecture: Architecture) -> Found:
        skipped: list[str] = []
        self._probes += sum(map(len, lists))
        if self._probes > _MOST_PROBES:
            return Found()
        for path_list in lists:
            for directory in path_list:
                path = f"{directory.path.rstrip('/')}/{name}" if directory.path else name
                candidate = self.candidate(path)
                if candidate is None:
                    continue
                if candidate.cannot_be_opened:
                    skipped.append(f"{path}: Too many levels of symbolic links")
                    break  # open_path gives up its list on any error but ENOENT and EACCES
                taken, reason = examine(candidate, architecture, self._system)
                if taken == "pass over":
                    skipped.append(f"{path}: {reason}")
                    continue
                refusal = reason if taken == "refuse" else None
                return Found(path, candidate.loadable, refusal, directory.via, tuple(skipped))
        return Found(skipped=tuple(skipped), searched=any(lists))

    def _search_lists(self, objects: Sequence[Loaded], requester: int) -> list[tuple[SearchDirectory, ...]]:
        """G3 to G5: RPATHs of the requester, its loaders and the program unless the requester has a RUNPATH; LD_LIBRARY_PATH; its RUNPATH."""
        requesting = objects[requester]
        machine = requesting.object.architecture.machine
        lists: list[tuple[SearchDirectory, ...]] = []
        if requesting.object.runpath is None:
            chain: list[int] = []
            index: int | None = requester
            while index is not None and index not in chain:
                chain.append(index)
                index = objects[index].loader
            if 0 not in chain:
                chain.append(0)  # "then of the main program (once)"
            for index in chain:
                loaded = objects[index]
                if loaded.object.rpath is not None and loaded.object.runpath is None:
                    lists.append(self._listed(loaded, "RPATH", loaded.object.rpath, machine))
        if self._library_path is not None:
            lists.append(self._listed(objects[0], "LD_LIBRARY_PATH", self._library_path, machine))
        if requesting.object.runpath is not None:
            lists.append(self._listed(requesting, "RUNPATH", requesting.object.runpath, machine))
        return lists

    def _listed(self, loaded: Loaded, label: str, text: str, machine: int) -> tuple[SearchDirectory, ...]:
        """The directories of a path string with their subdirectories for better processors."""
        origin = posixpath.dirname(loaded.path) if "ORIGIN" in text else ""
        key = (origin, label, text, machine)
        known = self._directories.get(key)
        if known is None:
            plain = directories(
                text, label=label, origin=origin, platform=self._system.processor.platform,
                separators=":;" if label == "LD_LIBRARY_PATH" else ":", lib=self._system.lib,
            )  # fmt: skip
            if self._system.secure:
                plain = [directory for directory in plain if _is_trusted(directory, origin)]
            plain = plain[:_MOST_DIRECTORIES]
            known = self._directories[key] = tuple(self._with_subdirectories(plain, machine))
        return known

    def _with_subdirectories(self, plain: Sequence[SearchDirectory], machine: int) -> Iterable[SearchDirectory]:
        names = subdirectories(self._system.processor, machine, self._system.version)
        for directory in plain:
            for name in names:
                path = f"{directory.path.rstrip('/')}/{name}" if directory.path else name
                if self._files.is_directory(path):
                    yield SearchDirectory(path, f"{directory.via}, {name}")
            yield directory


def _is_trusted(directory: SearchDirectory, origin: str) -> bool:
    """G9: with AT_SECURE an element with ``$ORIGIN`` counts only at its beginning and where it leads into a system directory."""
    if "ORIGIN" not in directory.via or not origin:
        return True
    return f"{posixpath.normpath(directory.path)}/".startswith(_TRUSTED) and directory.path.startswith(origin)
