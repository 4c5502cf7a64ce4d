"""musl's loading of a program and of what it opens later: statements M1 to M11 (ldso/dynlink.c).

It has the interface of :class:`inspector.loader.glibc.GlibcLoader`.  Nothing of versions is checked, everything is bound when it is loaded.
"""

from __future__ import annotations

import posixpath
import re

from msgspec.structs import replace

from inspector.loader.mapping import BUS_ERROR
from inspector.loader.objects import (
    Candidate,
    FileView,
    HostView,
    Loaded,
    LoaderObject,
    LoadGraph,
    Outcome,
    Resolution,
)
from inspector.loader.symbol_views import exact_view
from inspector.loader.symbols import UndefinedSymbol
from inspector.patterns import lazy_pattern

_SELF = lazy_pattern(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
_SINCE_1_2_4 = (1, 2, 4)  # WHATSNEW: DT_RELR, LFS64 names by the loader alone
_LARGE_FILE_NAMES = frozenset((
    "aio_cancel", "aio_error", "aio_fsync", "aio_read", "aio_return", "aio_suspend", "aio_write", "alphasort",
    "creat", "fallocate", "fgetpos", "fopen", "freopen", "fseeko", "fsetpos", "fstat", "fstatat", "fstatfs",
    "fstatvfs", "ftello", "ftruncate", "ftw", "getdents", "getrlimit", "glob", "globfree", "lio_listio", "lockf",
    "lseek", "lstat", "mkostemp", "mkostemps", "mkstemp", "mkstemps", "mmap", "nftw", "open", "openat",
    "posix_fadvise", "posix_fallocate", "pread", "preadv", "prlimit", "pwrite", "pwritev", "readdir", "scandir",
    "sendfile", "setrlimit", "stat", "statfs", "statvfs", "tmpfile", "truncate", "versionsort", "__fxstat",
    "__fxstatat", "__lxstat", "__xstat",
))  # fmt: skip
"""Names that musl's loader itself answers for with a "64" in them, since they left the symbol table (1.2.4, get_lfs64 of ldso/dynlink.c)."""
_SYSTEM_PATH = ("/lib", "/usr/local/lib", "/usr/lib")
_NO_FILE = "No such file or directory"
_NO_EXECUTABLE = "Exec format error"


def is_musl_itself(name: str) -> bool:
    """M1: names that musl answers to, whatever number stands behind them: libc.so.6, libm.so.6, libpthread.so.0 …"""
    return _SELF.match(name) is not None


class MuslLoader:
    """Loads roots into modelled processes.

    :param library_path: the value of LD_LIBRARY_PATH, run-time paths, or None where it is not set.
    :param preload: the value of LD_PRELOAD, likewise.
    :param version: of musl ("1.2.5"); None where it is not known.
    :param own_loader: run-time path of a musl in the bundle that is started in the place of PT_INTERP.
    :param looks_for_interpreter: whether a program is refused where its PT_INTERP is neither in the bundle nor on the host.
    """

    def __init__(
        self, files: FileView, host: HostView, *, library_path: str | None = None, preload: str | None = None,
        version: str | None = None, own_loader: str | None = None, working_directory: str | None = None,
        looks_for_interpreter: bool = True,
    ) -> None:  # fmt: skip
        self._files = files
        self._host = host
        self._environment = None if library_path is None else _split(library_path)
        self._preload = tuple((preload or "").replace(":", " ").split())
        self._version = tuple(int(part) for part in re.findall(r"\d+", version)[:3]) if version is not None else None
        self._own_loader = own_loader
        self._working_directory = working_directory
        self._looks_for_interpreter = looks_for_interpreter
        self._programs: dict[str, LoadGraph] = {}
        self._host_paths: set[str] = set()

    def load_program(self, path: str) -> LoadGraph:
        """See :meth:`inspector.loader.glibc.GlibcLoader.load_program`."""
        return self._program(path)

    def open_in_program(self, program: str | None, path: str) -> tuple[LoadGraph, int]:
        """See :meth:`inspector.loader.glibc.GlibcLoader.open_in_program`."""
        graph = self._program(program).copy() if program is not None else LoadGraph()
        graph.root = graph.refusal = None
        before = len(graph.objects)
        target, why = self._load(graph, path, None)
        if target is None:
            graph.refusal = f"Error loading shared library {path}: {why}"
        graph.root = target
        self._fill(graph, before)
        return graph, before

    def real_path(self, path: str) -> str:
        """A run-time path with all links followed."""
        return self._files.real_path(path)

    def undefined_symbols(self, graph: LoadGraph, first: int) -> tuple[UndefinedSymbol, ...] | None:
        """M7: names that no object has, versions aside except that hidden ones are not seen; None where symbols are not known."""
        names: set[str] = set()
        for loaded in graph.objects:
            view = exact_view(loaded.object)
            if view is None:
                return None
            names |= view.default_names()
        found: dict[tuple[int, str], UndefinedSymbol] = {}
        for index in range(first, len(graph.objects)):
            loaded = graph.objects[index]
            view = exact_view(loaded.object)
            for reference in () if view is None else view.references():
                if not reference.weak and reference.name not in names and not self._answers_for(reference.name):
                    found.setdefault((index, reference.name), UndefinedSymbol(reference.name, None, loaded.path, index))
        return tuple(found.values())

    def _answers_for(self, name: str) -> bool:
        if self._version is not None and self._version < _SINCE_1_2_4:
            return False
        return name == "readdir64_r" or (name.endswith("64") and name[:-2] in _LARGE_FILE_NAMES)

    def crashes(self, graph: LoadGraph, first: int) -> tuple[str, ...]:
        """M9: objects whose DT_RELR this musl does not know; it says nothing and leaves them as they are."""
        cut = [f"{BUS_ERROR}: {loaded.path}" for loaded in graph.objects[first:] if loaded.object.truncated]
        if self._version is None or self._version >= _SINCE_1_2_4:
            return tuple(cut)
        unrelocated = [
            f"Segmentation fault: this musl does not know DT_RELR and leaves {loaded.path} unrelocated"
            for loaded in graph.objects[first:]
            if loaded.object.has_relr
        ]
        return (*cut, *unrelocated)

    def _program(self, path: str) -> LoadGraph:
        real = self._files.real_path(path)
        known = self._programs.get(real)
        if known is None:
            known = self._programs[real] = LoadGraph()
            candidate = self._candidate(real)
            if candidate is None or candidate.loadable is None:
                known.refusal = f"{path}: {_NO_FILE if candidate is None else _NO_EXECUTABLE}"
                return known
            interpreter = candidate.loadable.interpreter
            if (
                interpreter is not None
                and self._looks_for_interpreter
                and self._own_loader is None
                and not self._is_there(interpreter, candidate.loadable)
            ):
                # the kernel looks for PT_INTERP, and the shell passes on what it says
                known.refusal = f"{path}: {_NO_FILE} (its loader {interpreter})"
                return known
            known.objects.append(Loaded(real, candidate.loadable, None))
            known.root = 0
            for name in self._preload:
                self._load(known, name, None)
            self._fill(known, 0)
        return known

    def _is_there(self, interpreter: str, program: LoaderObject) -> bool:
        if self._candidate(interpreter) is not None:
            return True
        return self._host.find(posixpath.basename(interpreter), program.architecture) is not None

    def _fill(self, graph: LoadGraph, first: int) -> None:
        position = first
        while position < len(graph.objects):
            for name in graph.objects[position].object.needed:
                graph.resolutions.append(self._resolve(graph, position, name))
            position += 1

    def _resolve(self, graph: LoadGraph, requester: int, name: str) -> Resolution:
        target, how = self._load(graph, name, requester)
        if target is None:
            needed_by = graph.objects[requester].path
            outcome = Outcome.MISSING if how == _NO_FILE else Outcome.BROKEN
            message = f"Error loading shared library {name}: {how} (needed by {needed_by})"
            return Resolution(
                requester, name, outcome, None, None, () if outcome is Outcome.MISSING else (f"{name}: {how}",), message
            )
        outcome = Outcome.HOST if graph.objects[target].from_host else Outcome.BUNDLE
        return Resolution(requester, name, outcome, target, how)

    def _load(self, graph: LoadGraph, name: str, requester: int | None) -> tuple[int | None, str]:
        """Index of the object and the rule that found it, or None and the reason in strerror's words."""
        if is_musl_itself(name) or (self._own_loader is not None and name == self._own_loader):
            return self._self(graph, name)
        if "/" in name:
            path: str | None = name
            via = "path"
        else:
            known = graph.names.get(name)  # M2: the name that it was searched by; DT_SONAME is never read
            if known is not None:
                return known, "already loaded"
            path, via = self._search(graph, name, requester)
        candidate = self._candidate(path) if path is not None else None
        if candidate is None and "/" not in name and path is None and via == "":
            architecture = graph.objects[requester or 0].object.architecture if graph.objects else None
            found = self._host.find(name, architecture) if architecture is not None else None
            if found is not None:
                path, candidate, via = found[0], Candidate(found[1]), "system path"
                self._host_paths.add(found[0])
        if candidate is None or path is None:
            return None, _NO_FILE
        if candidate.cannot_be_opened:
            return None, "Symbolic link loop"
        return self._map(graph, name, path, candidate, requester, via)

    def _map(
        self, graph: LoadGraph, name: str, path: str, candidate: Candidate, requester: int | None, via: str
    ) -> tuple[int | None, str]:
        loadable = candidate.loadable
        if loadable is None:
            return None, "Is a directory" if (candidate.defect or "").endswith("Is a directory") else _NO_EXECUTABLE
        for index, loaded in enumerate(graph.objects):
            if loaded.object.identity == loadable.identity:
                if "/" not in name:
                    graph.names.setdefault(name, index)
                return index, "already loaded"
        if candidate.defect in ("only ET_DYN and ET_EXEC can be loaded", "object file has no dynamic section"):
            return None, _NO_EXECUTABLE
        view = exact_view(loadable)
        if view is not None and {"__libc_start_main", "stdin"} <= view.default_names():  # M10
            return self._self(graph, name)
        index = len(graph.objects)
        graph.objects.append(Loaded(path, loadable, requester, path in self._host_paths))
        if "/" not in name:
            graph.names.setdefault(name, index)
        return index, via

    def _self(self, graph: LoadGraph, name: str) -> tuple[int | None, str]:
        """musl, which is its own loader: put into the list where it is first needed."""
        for index, loaded in enumerate(graph.objects):
            if loaded.object.identity.startswith("musl:"):
                graph.names.setdefault(name, index)
                return index, "musl itself"
        architecture = graph.objects[0].object.architecture if graph.objects else None
        path, found = "libc.so", None
        if self._own_loader is not None:
            candidate = self._candidate(self._own_loader)
            path, found = self._own_loader, candidate.loadable if candidate is not None else None
        elif architecture is not None:
            interpreter = graph.objects[0].object.interpreter
            names = [posixpath.basename(interpreter)] if interpreter is not None else []
            for wanted in (*names, "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"):
                given = self._host.find(wanted, architecture)
                if given is not None:
                    path, found = interpreter or given[0], given[1]
                    break
        if found is None:
            if architecture is None:
                return None, _NO_FILE
            found = LoaderObject("libc", architecture, "libc.so", ())
        index = len(graph.objects)
        self._host_paths.add(path)
        graph.objects.append(
            Loaded(path, replace(found, identity=f"musl:{found.identity}", needed=()), None, self._own_loader is None)
        )
        graph.names.setdefault(name, index)
        return index, "musl itself"

    def _search(self, graph: LoadGraph, name: str, requester: int | None) -> tuple[str | None, str]:
        """M3: LD_LIBRARY_PATH, the rpath of the requester and of its loaders, the system path; the first file that opens ends it (M6)."""
        if self._environment is not None:
            path = self._first(self._environment, name)
            if path is not None:
                return path, "LD_LIBRARY_PATH"
        index = requester
        while index is not None:
            loaded = graph.objects[index]
            text = loaded.object.runpath if loaded.object.runpath is not None else loaded.object.rpath
            expanded = None if text is None else _expand(text, posixpath.dirname(loaded.path) or ".")
            if expanded is not None:
                path = self._first(_split(expanded), name)
                if path is not None:
                    return path, f"{'RUNPATH' if loaded.object.runpath is not None else 'RPATH'} {text}"
            index = loaded.loader
        path = self._first(_SYSTEM_PATH, name)
        return (path, "system path") if path is not None else (None, "")

    def _first(self, directories: tuple[str, ...], name: str) -> str | None:
        for directory in directories:
            path = f"{directory}/{name}"
            if self._candidate(path) is not None:
                return path
        return None

    def _candidate(self, path: str) -> Candidate | None:
        if not path.startswith(("/", "$")):
            if self._working_directory is None:
                return None
            path = f"{self._working_directory.rstrip('/')}/{path}"
        found = self._files.candidate(path)
        if found is None and path.startswith("/"):
            found = self._host.at(posixpath.normpath(path))
            if found is not None:
                self._host_paths.add(path)
        return found


def _split(text: str) -> tuple[str, ...]:
    """Directories of a path string: colons and newlines part them (M4), and empty ones are skipped over."""
    return tuple(part for part in re.split(r"[:\n]", text) if part)


def _expand(text: str, origin: str) -> str | None:
    """M4: only ``$ORIGIN`` and ``${ORIGIN}`` are known; any other ``$`` makes the whole string count for nothing."""
    if re.search(r"\$(?!ORIGIN|\{ORIGIN\})", text):
        return None
    return re.sub(r"\$(?:ORIGIN|\{ORIGIN\})", lambda _: origin, text)
