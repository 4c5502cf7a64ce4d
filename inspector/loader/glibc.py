"""glibc's search for libraries, as far as it concerns a bundle.

Follows glibc's elf/dl-load.c and elf/dl-deps.c: order and inheritance of RPATH and RUNPATH, ``$ORIGIN``, objects that are loaded already,
foreign architectures passed over, broken files fatal, breadth-first order.  Not judged here: versions, symbols, one system's verdict.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field

from inspector.loader.objects import (
    Architecture,
    Candidate,
    FileView,
    HostView,
    Loaded,
    LoaderObject,
    LoadGraph,
    Outcome,
    Resolution,
)
from inspector.loader.search_path import SearchDirectory, directories

_PLATFORM = {
    62: "haswell",
    183: "aarch64",
    40: "v7l",
    3: "i686",
}  # AT_PLATFORM by e_machine; x86_64 kernels say "x86_64" or "haswell"


@dataclass(slots=True)
class _Process:
    graph: LoadGraph = field(default_factory=LoadGraph)
    by_name: dict[str, int] = field(default_factory=dict)
    by_identity: dict[str, int] = field(default_factory=dict)

    def copy(self) -> _Process:
        graph = LoadGraph(list(self.graph.objects), list(self.graph.resolutions))
        return _Process(graph, dict(self.by_name), dict(self.by_identity))


class GlibcLoader:
    """Loads roots into modelled processes; searches are remembered from one root to the next.

    :param files: what lies where.
    :param host: what the system gives.
    :param library_path: the value of LD_LIBRARY_PATH, run-time paths, or None where it is not set.
    """

    def __init__(self, files: FileView, host: HostView, *, library_path: str | None = None) -> None:
        self._files = files
        self._host = host
        self._library_path = library_path
        self._candidates: dict[str, Candidate | None] = {}
        self._searches: dict[
            tuple[object, ...], tuple[str, Candidate, str, tuple[str, ...]] | tuple[None, None, None, tuple[str, ...]]
        ] = {}
        self._programs: dict[str, _Process] = {}
        self._real_paths: dict[str, str] = {}
        self._host_paths: set[str] = set()
        self._directories: dict[tuple[str, str | None, str | None], tuple[SearchDirectory, ...]] = {}

    def load_program(self, path: str) -> LoadGraph:
        """The process after the start of an executable, or of a library as if it were preloaded alone.

        :param path: run-time path; links are followed, because an executable's ``$ORIGIN`` comes from ``/proc/self/exe``.
        """
        return self._program(path).graph

    def open_in_program(self, program: str | None, path: str) -> tuple[LoadGraph, int]:
        """The process after ``dlopen(path)`` in a running program, and how many objects were there before.

        :param program: the executable's run-time path, or None where no program of the bundle is known to load it.
        """
        process = self._program(program).copy() if program is not None else _Process()
        before = len(process.graph.objects)
        self._add_root(process, path)
        self._fill(process, before)
        return process.graph, before

    def real_path(self, path: str) -> str:
        """A run-time path with all links followed."""
        known = self._real_paths.get(path)
        if known is None:
            known = self._real_paths[path] = self._files.real_path(path)
        return known

    def _program(self, path: str) -> _Process:
        real = self.real_path(path)
        known = self._programs.get(real)
        if known is None:
            known = self._programs[real] = _Process()
            self._add_root(known, real)
            self._fill(known, 0)
        return known

    def _candidate(self, path: str) -> Candidate | None:
        try:
            return self._candidates[path]
        except KeyError:
            found = self._files.candidate(path)
            if found is None and path.startswith("/"):
                found = self._host.at(path)
                if found is not None:
                    self._host_paths.add(path)
            self._candidates[path] = found
            return found

    def _add_root(self, process: _Process, path: str) -> None:
        candidate = self._candidate(path)
        if (
            candidate is not None
            and candidate.loadable is not None
            and candidate.loadable.identity not in process.by_identity
        ):
            self._add(process, path, candidate.loadable, posixpath.basename(path), None)

    def _add(self, process: _Process, path: str, loadable: LoaderObject, name: str, loader: int | None) -> int:
        index = len(process.graph.objects)
        process.graph.objects.append(Loaded(path, loadable, loader, path in self._host_paths))
        process.by_identity[loadable.identity] = index
        process.by_name.setdefault(name, index)
        if loadable.soname:  # G2: a later need of this name is satisfied whatever its path
            process.by_name.setdefault(loadable.soname, index)
        return index

    def _fill(self, process: _Process, first: int) -> None:
        objects = process.graph.objects
        position = first
        while position < len(objects):  # G18: breadth first
            for name in objects[position].object.needed:
                process.graph.resolutions.append(self._resolve(process, position, name))
            position += 1

    def _resolve(self, process: _Process, requester: int, name: str) -> Resolution:
        loaded = process.by_name.get(name)
        if loaded is not None:
            return Resolution(requester, name, self._outcome(process, loaded), loaded, "already loaded")
        requesting = process.graph.objects[requester]
        if "/" in name:
            return self._resolve_path(process, requester, name)
        path, candidate, via, skipped = self._search(process, requester, name)
        if candidate is not None and path is not None:
            if candidate.loadable is None:
                return Resolution(requester, name, Outcome.BROKEN, None, via, (*skipped, f"{path}: {candidate.defect}"))
            target = process.by_identity.get(candidate.loadable.identity)
            if target is None:
                target = self._add(process, path, candidate.loadable, name, requester)
            process.by_name.setdefault(name, target)  # one file under two names has both from now on
            return Resolution(requester, name, self._outcome(process, target), target, via, skipped)
        found = None if requesting.object.nodeflib else self._host.find(name, requesting.object.architecture)
        if found is None:
            return Resolution(requester, name, Outcome.MISSING, None, None, skipped)
        target = process.by_identity.get(found[1].identity)
        if target is None:
            self._host_paths.add(found[0])
            target = self._add(process, found[0], found[1], name, requester)
        process.by_name.setdefault(name, target)
        return Resolution(requester, name, Outcome.HOST, target, "default path", skipped)

    @staticmethod
    def _outcome(process: _Process, target: int) -> Outcome:
        return Outcome.HOST if process.graph.objects[target].from_host else Outcome.BUNDLE

    def _resolve_path(self, process: _Process, requester: int, name: str) -> Resolution:
        # G1: a name with a slash is not searched for, and its failure is final
        requesting = process.graph.objects[requester]
        origin = posixpath.dirname(requesting.path)
        for directory in directories(
            name, label="name", origin=origin, platform=self._platform(requesting.object), separators="\0"
        ):
            candidate = self._candidate(directory.path)
            if candidate is None:
                continue
            if candidate.loadable is None:
                return Resolution(
                    requester,
                    name,
                    Outcome.BROKEN,
                    None,
                    "path in DT_NEEDED",
                    (f"{directory.path}: {candidate.defect}",),
                )
            target = process.by_identity.get(candidate.loadable.identity)
            if target is None:
                target = self._add(process, directory.path, candidate.loadable, name, requester)
            return Resolution(requester, name, self._outcome(process, target), target, "path in DT_NEEDED")
        return Resolution(requester, name, Outcome.MISSING, None, None)

    def _search(
        self, process: _Process, requester: int, name: str
    ) -> tuple[str, Candidate, str, tuple[str, ...]] | tuple[None, None, None, tuple[str, ...]]:
        path_lists = self._search_lists(process, requester)
        architecture = process.graph.objects[requester].object.architecture
        key = (
            name,
            architecture,
            *map(id, path_lists),
        )  # the lists are kept in self._directories, so their ids are stable
        known = self._searches.get(key)
        if known is None:
            known = self._searches[key] = self._look_into(path_lists, name, architecture)
        return known

    def _look_into(
        self, path_lists: Sequence[Sequence[SearchDirectory]], name: str, architecture: Architecture
    ) -> tuple[str, Candidate, str, tuple[str, ...]] | tuple[None, None, None, tuple[str, ...]]:
        skipped: list[str] = []
        for directory in (directory for path_list in path_lists for directory in path_list):
            path = f"{directory.path}/{name}" if directory.path else name
            candidate = self._candidate(path)
            if candidate is None:
                continue
            if candidate.loadable is not None and candidate.loadable.architecture != architecture:
                skipped.append(f"{path}: {_mismatch(candidate.loadable.architecture, architecture)}")  # G12
                continue
            return path, candidate, directory.via, tuple(skipped)
        return None, None, None, tuple(skipped)

    def _search_lists(self, process: _Process, requester: int) -> list[tuple[SearchDirectory, ...]]:
        """G3 to G5: RPATHs of the requester, its loaders and the program unless the requester has a RUNPATH; LD_LIBRARY_PATH; its RUNPATH."""
        objects = process.graph.objects
        requesting = objects[requester]
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
                    lists.append(self._object_directories(loaded, "RPATH"))
        if self._library_path is not None:
            lists.append(self._environment_directories(requesting))
        if requesting.object.runpath is not None:
            lists.append(self._object_directories(requesting, "RUNPATH"))
        return lists

    def _object_directories(self, loaded: Loaded, label: str) -> tuple[SearchDirectory, ...]:
        text = loaded.object.runpath if label == "RUNPATH" else loaded.object.rpath
        key = (posixpath.dirname(loaded.path), label, text)
        known = self._directories.get(key)
        if known is None:
            origin = posixpath.dirname(loaded.path)
            known = tuple(directories(text or "", label=label, origin=origin, platform=self._platform(loaded.object)))
            self._directories[key] = known
        return known

    def _environment_directories(self, loaded: Loaded) -> tuple[SearchDirectory, ...]:
        key = ("", "LD_LIBRARY_PATH", self._library_path)
        known = self._directories.get(key)
        if known is None:
            known = tuple(
                directories(
                    self._library_path or "",
                    label="LD_LIBRARY_PATH",
                    origin=posixpath.dirname(loaded.path),
                    platform=self._platform(loaded.object),
                    separators=":;",
                )
            )
            self._directories[key] = known
        return known

    @staticmethod
    def _platform(loadable: LoaderObject) -> str:
        return _PLATFORM.get(loadable.architecture.machine, "")


def _mismatch(found: Architecture, wanted: Architecture) -> str:
    if found.bits != wanted.bits:
        return "wrong ELF class: ELFCLASS32" if found.bits == 32 else "wrong ELF class: ELFCLASS64"
    return "wrong machine"
