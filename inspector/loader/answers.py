"""One root on one system: what is loaded, what is missing, and what the loader prints first."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from msgspec import Struct

from inspector.loader.glibc import GlibcLoader
from inspector.loader.host_profile import HostProfile, Variant
from inspector.loader.hwcaps import Processor
from inspector.loader.mapping import GlibcSystem, level_refusal
from inspector.loader.musl import MuslLoader
from inspector.loader.objects import FileView, LoadGraph, Outcome
from inspector.loader.profile_host import ProfileHost, libc_version, system_of
from inspector.loader.symbols import Scope, UndefinedSymbol, undefined_symbols, vanished_symbols
from inspector.loader.versions import MissingVersion, ignores_relative_relocations, missing_versions


class MissingLibrary(Struct, frozen=True):
    """A need that led nowhere, or to a file that cannot be loaded.

    :ivar needed_by: run-time path of the object that needs it.
    :ivar broken: a file of the name is there and is refused.
    :ivar message: what the loader says of it.
    """

    name: str
    needed_by: str
    broken: bool
    message: str


class RootAnswer(Struct, frozen=True):
    """What a loader would say of one root.

    :ivar root: run-time path.
    :ivar program: run-time path of the program that opens it; itself for a program, None where none is known.
    :ivar graph: the process.
    :ivar first: index of the first object that this root brought in; those before were there when the program had started.
    :ivar refusal: why the root itself is not loaded, else None.
    :ivar missing_libraries: in load order, each name once.
    :ivar missing_versions: in load order.
    :ivar undefined_symbols: with everything bound at once (LD_BIND_NOW); None where the symbols of some object in scope are not known.
    :ivar refusals: further reasons for which the loader stops, or the process dies, in its own words.
    """

    root: str
    program: str | None
    graph: LoadGraph
    first: int
    refusal: str | None = None
    missing_libraries: tuple[MissingLibrary, ...] = ()
    missing_versions: tuple[MissingVersion, ...] = ()
    undefined_symbols: tuple[UndefinedSymbol, ...] | None = ()
    refusals: tuple[str, ...] = ()
    _lines: tuple[str, ...] = ()

    @property
    def resolved(self) -> Mapping[str, str]:
        """Run-time path by the name that was asked for, of all that is in the process."""
        objects = self.graph.objects
        found: dict[str, str] = {}
        for resolution in self.graph.resolutions:
            if resolution.target is not None:
                found.setdefault(resolution.name, objects[resolution.target].path)
        return found

    @property
    def loads(self) -> bool:
        """Whether nothing that is known stands against it."""
        return not self._lines

    @property
    def message(self) -> str | None:
        """The first line that the loader prints, or the process dies with; None where it loads."""
        return self._lines[0] if self._lines else None


class SystemLoader:
    """A bundle on one system.

    :param files: what lies where in the bundle.
    :param environment: what the launcher sets; LD_LIBRARY_PATH and LD_PRELOAD are read.
    :param processor: of the machine; without it no object is refused for its x86-64 level and none is found in glibc-hwcaps directories.
    :param own_loader: run-time path of a loader in the bundle that starts its programs.
    :param own_libc_version: version of the C library that comes with it ("2.39"), None where it is not known.
    """

    def __init__(
        self, files: FileView, profile: HostProfile, variant: Variant = "desktop", *,
        environment: Mapping[str, str] | None = None, processor: Processor | None = None,
        working_directory: str | None = None, own_loader: str | None = None, own_libc_version: str | None = None,
    ) -> None:  # fmt: skip
        environment = environment or {}
        system = system_of(profile, processor, working_directory)
        host = ProfileHost(profile, variant)
        musl = profile.libc == "musl"
        if own_loader is not None:
            version = libc_version(own_libc_version) if own_libc_version is not None else None
            system = GlibcSystem(version, system.page_size, system.processor, system.lib, working_directory)
            musl = posixpath.basename(own_loader).startswith("ld-musl")
        self.system = system
        self.loader: GlibcLoader | MuslLoader
        library_path = environment.get("LD_LIBRARY_PATH")
        if musl:
            version_text = own_libc_version if own_loader is not None else profile.libc_version
            self.loader = MuslLoader(
                files, host, library_path=library_path, preload=environment.get("LD_PRELOAD"),
                version=version_text, own_loader=own_loader, working_directory=working_directory,
            )  # fmt: skip
        else:
            self.loader = GlibcLoader(
                files, host, library_path=library_path, preload=environment.get("LD_PRELOAD"), system=system,
                own_loader=own_loader,
            )  # fmt: skip
        self._scopes: dict[str, Scope] = {}

    def answer(self, path: str, program: str | None) -> RootAnswer:
        """What the loader says of one root.

        :param path: run-time path.
        :param program: run-time path of the program in which it is opened; the same as ``path`` for a program itself.
        """
        if program == path:
            graph, first = self.loader.load_program(path), 0
        else:
            graph, first = self.loader.open_in_program(program, path)
        if isinstance(self.loader, MuslLoader):
            return self._musl_answer(self.loader, path, program, graph, first)
        return self._glibc_answer(path, program, graph, first)

    # -- glibc

    def _glibc_answer(self, path: str, program: str | None, graph: LoadGraph, first: int) -> RootAnswer:
        glibc = self.system.version
        libraries = _missing_libraries(graph, first)
        versions = tuple(missing_versions(graph, glibc, first)) if graph.refusal is None else ()
        scopes, complete = self._scopes_of(path, program, graph, first)
        symbols: tuple[UndefinedSymbol, ...] | None = None
        refusals: list[str] = []
        if complete:
            symbols = tuple(undefined_symbols(graph, scopes, glibc, first))
            refusals += [
                f"Inconsistency detected by ld.so: dl-lookup.c: check_match: Assertion `version->filename == NULL || "
                f"! _dl_name_match_p (version->filename, map)' failed! ({graph.objects[index].path} wants {name} of {file})"
                for index, name, file in vanished_symbols(graph, scopes, glibc, first)
            ]
        for index in range(first, len(graph.objects)):
            reason = level_refusal(graph.objects[index].object, self.system.processor)
            if reason is not None:
                refusals.append(f"{graph.objects[index].path}: {reason}")
        crashes = [
            f"Segmentation fault: this glibc does not know DT_RELR and leaves {graph.objects[index].path} unrelocated"
            for index in ignores_relative_relocations(graph, glibc, first)
        ]
        lines = _glibc_lines(path, program, graph.refusal, libraries, versions, refusals, symbols, crashes)
        return RootAnswer(
            path, program, graph, first, graph.refusal, libraries, versions, symbols, (*refusals, *crashes), lines
        )

    def _scopes_of(
        self, path: str, program: str | None, graph: LoadGraph, first: int
    ) -> tuple[tuple[Scope, ...], bool]:
        """The program's scope, and behind it that of what it opens; whether all symbols in them are known."""
        if graph.root is None:
            return (), False
        if program == path:
            scope = self._scopes.get(path)
            if scope is None:
                scope = self._scopes[path] = _scope(graph, range(len(graph.objects)))
            return (scope,), scope.complete
        own = _scope(graph, _closure(graph, graph.root))
        if program is None:
            return (own,), own.complete
        base = self._scopes.get(program)
        if base is None:
            base = self._scopes[program] = _scope(graph, range(first))
        return (base, own), base.complete and own.complete

    # -- musl

    def _musl_answer(
        self, loader: MuslLoader, path: str, program: str | None, graph: LoadGraph, first: int
    ) -> RootAnswer:
        libraries = _missing_libraries(graph, first)
        symbols = loader.undefined_symbols(graph, first)
        lines = [graph.refusal] if graph.refusal is not None else []
        lines += [library.message for library in libraries]
        lines += [f"Error relocating {symbol.needed_by}: {symbol.name}: symbol not found" for symbol in symbols or ()]
        crashes = loader.crashes(graph, first)
        return RootAnswer(
            path, program, graph, first, graph.refusal, libraries, (), symbols, crashes, (*lines, *crashes)
        )


def _missing_libraries(graph: LoadGraph, first: int) -> tuple[MissingLibrary, ...]:
    found: dict[str, MissingLibrary] = {}
    for resolution in graph.resolutions:
        if resolution.target is None and resolution.requester >= first:
            needed_by = graph.objects[resolution.requester].path
            broken = resolution.outcome is Outcome.BROKEN
            found.setdefault(
                resolution.name,
                MissingLibrary(resolution.name, needed_by, broken, resolution.message or resolution.name),
            )
    return tuple(found.values())


def _glibc_lines(
    path: str,
    program: str | None,
    refusal: str | None,
    libraries: tuple[MissingLibrary, ...],
    versions: tuple[MissingVersion, ...],
    refusals: list[str],
    symbols: tuple[UndefinedSymbol, ...] | None,
    crashes: list[str],
) -> tuple[str, ...]:
    """What is printed, first line first: a program that starts says who speaks, what is opened later has dlerror()'s text alone."""
    starts = program == path
    lines: list[str] = [] if refusal is None else [refusal]
    prefix = f"{path}: error while loading shared libraries: " if starts else ""
    messages = [library.message for library in libraries]
    if starts:  # the loader by itself knows the names of few errors (elf/dl-minimal.c, __strerror_r)
        messages = [message.replace(": Is a directory", ": Error 21") for message in messages]
    lines += [f"{prefix}{message}" for message in messages]
    for version in versions:
        if version.reason is not None:
            lines.append(version.message(path) if version.provider is None else f"{prefix}{version.message(path)}")
        else:
            lines.append(f"{path}: {version.message(path)}" if starts else version.message(path))
    lines += refusals
    for symbol in symbols or ():
        message = symbol.message(path)
        lines.append(f"{path}: {message}" if starts else message.partition(": ")[2])
    return (*lines, *crashes)


def _scope(graph: LoadGraph, order: Iterable[int]) -> Scope:
    scope = Scope()
    for index in order:
        scope.add(index, graph.objects[index].object)
    return scope


def _closure(graph: LoadGraph, root: int) -> list[int]:
    """The root and what it needs, breadth first."""
    needs: dict[int, list[int]] = {}
    for resolution in graph.resolutions:
        if resolution.target is not None:
            needs.setdefault(resolution.requester, []).append(resolution.target)
    order = {root: None}
    queue = [root]
    for index in queue:
        for target in needs.get(index, ()):
            if target not in order:
                order[target] = None
                queue.append(target)
    return list(order)
