"""glibc's loading of a program and of what it opens later: statements G1 to G18 (elf/dl-load.c, elf/dl-deps.c, elf/rtld.c).

Here objects are found and mapped, in the loader's order; versions and symbols are looked at by :mod:`inspector.loader.versions` and
:mod:`inspector.loader.symbols` when the graph stands.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from inspector.loader.mapping import CANNOT_OPEN, GlibcSystem, examine, mapping_refusal, refusal_message
from inspector.loader.objects import FileView, HostView, Loaded, LoaderObject, LoadGraph, Outcome, Resolution
from inspector.loader.search import Found, Search

_UNKNOWN_SYSTEM = GlibcSystem()


class _Process:
    """A process and what its loader remembers: which file is loaded already, and which soname belongs to which object."""

    def __init__(self, graph: LoadGraph | None = None) -> None:
        self.graph = graph or LoadGraph()
        self.by_soname: dict[str, int] = {}
        self.by_identity: dict[str, int] = {}
        self.interpreter: tuple[str, LoaderObject] | None = None
        self.opened = False
        self.stack_is_executable = False

    def copy(self) -> _Process:
        other = _Process(self.graph.copy())
        other.by_soname = dict(self.by_soname)
        other.by_identity = dict(self.by_identity)
        other.interpreter = self.interpreter
        return other

    def loaded(self, name: str) -> int | None:
        """G2: the first object that was asked for by this name, or has it as its soname."""
        named, called = self.graph.names.get(name), self.by_soname.get(name)
        if named is None or (called is not None and called < named):
            named = called
        if named is not None:
            self.graph.names.setdefault(name, named)
        return named


class GlibcLoader:
    """Loads roots into modelled processes; searches are remembered from one root to the next.

    :param files: what lies where.
    :param host: what the system gives.
    :param library_path: the value of LD_LIBRARY_PATH, run-time paths, or None where it is not set.
    :param preload: the value of LD_PRELOAD, likewise.
    :param system: version, page size and the like; by default nothing is known of it and no rule that depends on it refuses anything.
    :param own_loader: run-time path of a loader in the bundle that is started in the place of PT_INTERP.
    """

    def __init__(
        self, files: FileView, host: HostView, *, library_path: str | None = None, preload: str | None = None,
        system: GlibcSystem = _UNKNOWN_SYSTEM, own_loader: str | None = None,
    ) -> None:  # fmt: skip
        self._files = files
        self._host = host
        self._system = system
        self._preload = () if system.secure else tuple((preload or "").replace(":", " ").split())
        self._own_loader = own_loader
        self._search = Search(files, host, system, library_path)
        self._programs: dict[str, _Process] = {}
        self._real_paths: dict[str, str] = {}

    def load_program(self, path: str) -> LoadGraph:
        """The process after the start of an executable, or of a library as if it were one.

        :param path: run-time path; links are followed, because an executable's ``$ORIGIN`` comes from ``/proc/self/exe``.
        """
        return self._program(path).graph

    def open_in_program(self, program: str | None, path: str) -> tuple[LoadGraph, int]:
        """The process after ``dlopen(path)`` in a running program, and how many objects were there before.

        :param program: the executable's run-time path, or None where no program of the bundle is known to load it.
        """
        process = self._program(program).copy() if program is not None else _Process()
        process.graph.root = process.graph.refusal = None
        process.stack_is_executable = any(loaded.object.executable_stack for loaded in process.graph.objects)
        process.opened = True
        before = len(process.graph.objects)
        self._open_root(process, path)
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
            candidate = self._search.candidate(real)
            if candidate is None or candidate.loadable is None:
                known.graph.refusal = (
                    f"{path}: {'No such file or directory' if candidate is None else 'Exec format error'}"
                )
            else:
                known.interpreter = self._interpreter(candidate.loadable)
                known.graph.root = self._add(known, real, candidate.loadable, "", None)
                known.graph.names[""] = known.graph.root  # G2: the program's own name in the process is empty
                for name in self._preload:
                    self._resolve(known, 0, name)  # a failure is only a warning
                self._fill(known, 0)
        return known

    def _interpreter(self, program: LoaderObject) -> tuple[str, LoaderObject] | None:
        """The loader itself, which stands in every process under its own soname and is never searched for."""
        path = self._own_loader or program.interpreter
        if path is None:
            return None
        candidate = self._search.candidate(path)
        if candidate is not None and candidate.loadable is not None:
            return path, candidate.loadable
        found = self._host.find(posixpath.basename(path), program.architecture) if self._own_loader is None else None
        if found is not None:
            self._search.host_paths.add(found[0])
        return found

    def _open_root(self, process: _Process, path: str) -> None:
        graph = process.graph
        architecture = graph.objects[0].object.architecture if graph.objects else None
        candidate = self._search.candidate(path)
        if candidate is None or candidate.cannot_be_opened:
            graph.refusal = f"{path}: {CANNOT_OPEN}"
            return
        if architecture is None and candidate.loadable is not None:
            architecture = candidate.loadable.architecture
        if architecture is None:
            graph.refusal = f"{path}: {candidate.defect}"
            return
        taken, reason = examine(candidate, architecture, self._system)
        loadable = candidate.loadable
        if taken == "pass over":
            graph.refusal = f"{path}: {reason if reason.startswith('wrong ELF class') else CANNOT_OPEN}"
        elif taken == "refuse" or loadable is None:
            graph.refusal = f"{path}: {reason}"
        elif loadable.identity in process.by_identity:
            graph.root = process.by_identity[loadable.identity]
            graph.names.setdefault(path, graph.root)
        else:
            graph.refusal = self._refusal(process, path, path, loadable)
            if graph.refusal is None:
                graph.root = self._add(process, path, loadable, path, None)
                graph.names.setdefault("", 0)  # where the program is not known, its first object stands for it

    def _refusal(self, process: _Process, name: str, path: str, loadable: LoaderObject) -> str | None:
        reason = mapping_refusal(
            loadable, self._system, opened=process.opened, stack_is_executable=process.stack_is_executable
        )
        return None if reason is None else refusal_message(name, path, reason)

    def _add(self, process: _Process, path: str, loadable: LoaderObject, name: str, loader: int | None) -> int:
        graph = process.graph
        index = len(graph.objects)
        graph.objects.append(Loaded(path, loadable, loader, path in self._search.host_paths))
        process.by_identity[loadable.identity] = index
        if name:
            graph.names.setdefault(name, index)
        if loadable.soname:
            process.by_soname.setdefault(loadable.soname, index)
        return index

    def _fill(self, process: _Process, first: int) -> None:
        objects = process.graph.objects
        position = first
        while position < len(objects):  # G18: breadth first
            for name in objects[position].object.needed:
                process.graph.resolutions.append(self._resolve(process, position, name))
            position += 1

    def _resolve(self, process: _Process, requester: int, name: str) -> Resolution:
        objects = process.graph.objects
        loaded = process.loaded(name)
        if loaded is not None:
            return Resolution(requester, name, self._outcome(process, loaded), loaded, "already loaded")
        if process.interpreter is not None and name in (process.interpreter[1].soname, process.interpreter[0]):
            target = self._add(process, *process.interpreter, name, None)
            return Resolution(requester, name, self._outcome(process, target), target, "the loader itself")
        if "/" in name:
            found = self._search.find_path(name, objects[requester])
        else:
            found = self._search.find(name, objects, requester)
            if found.path is None:
                found = self._by_default(name, objects, requester, found)
        return self._take(process, requester, name, found)

    def _by_default(self, name: str, objects: Sequence[Loaded], requester: int, found: Found) -> Found:
        requesting = objects[requester].object
        given = self._search.find_by_default(name, requesting)
        if given is None:
            return Found(skipped=found.skipped, searched=found.searched or not requesting.nodeflib)
        return Found(given[0], given[1], None, "default path", found.skipped)

    def _take(self, process: _Process, requester: int, name: str, found: Found) -> Resolution:
        if found.path is None:
            return Resolution(requester, name, Outcome.MISSING, None, None, found.skipped, f"{name}: {found.absence}")
        if found.refusal is not None or found.loadable is None:
            return self._broken(requester, name, found, refusal_message(name, found.path, found.refusal or ""))
        target = process.by_identity.get(found.loadable.identity)
        if target is None:
            refusal = self._refusal(process, name, found.path, found.loadable)
            if refusal is not None:
                return self._broken(requester, name, found, refusal)
            target = self._add(process, found.path, found.loadable, name, requester)
        process.graph.names.setdefault(name, target)  # one file under two names has both from now on
        return Resolution(requester, name, self._outcome(process, target), target, found.via, found.skipped)

    @staticmethod
    def _broken(requester: int, name: str, found: Found, message: str) -> Resolution:
        reason = message.partition(": ")[2] if found.refusal is None else found.refusal
        skipped = (*found.skipped, f"{found.path}: {reason}")
        return Resolution(requester, name, Outcome.BROKEN, None, found.via, skipped, message)

    @staticmethod
    def _outcome(process: _Process, target: int) -> Outcome:
        return Outcome.HOST if process.graph.objects[target].from_host else Outcome.BUNDLE
