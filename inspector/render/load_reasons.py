"""Why one library is in an artifact: who loads it, by which rule, and what would not load without it.  Pure; works on a Result alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from inspector.errors import UsageError
from inspector.model import ByteCount, Finding
from inspector.result import ComponentInfo, Exposure, FloorCause, LibraryInfo, NeededInfo, Result, RootInfo

_ROLES = ("entry", "extension", "plugin", "optional")
_MOST_SUGGESTED = 5


class LoadStep(Struct, frozen=True):
    """One object that loads another.

    :ivar loader: tree path of the object that asks.
    :ivar role: its role ("entry", "extension", "library", …).
    :ivar name: what it asks for, a DT_NEEDED.
    :ivar via: the loader's rule that finds it, or None where nothing is found.
    """

    loader: str
    role: str
    name: str
    via: str | None


class LoadReasons(Struct, frozen=True, kw_only=True):
    """Everything that ``inspect why`` says.

    :ivar name: the tree path, or the SONAME of a library that is not in the artifact.
    :ivar library: the object, or None where the host has it or nobody.
    :ivar origin: where it comes from.
    :ivar root: the root that it is itself, or None.
    :ivar chain: the shortest way from a root, the first step's loader being the root; empty where nothing needs it.
    :ivar loaders: every object that asks for it directly.
    :ivar lost_objects: tree paths of all that would not load without it, the nearest first.
    :ivar lost_roots: the roots among them and itself.
    :ivar copies: other objects of the artifact with its SONAME or file name.
    :ivar host_has_it: whether every desktop is expected to have a library of its name.
    :ivar only_for_it: bundled objects that nothing else needs.
    :ivar requests: version requests that it answers, or would have to; the Result keeps the highest of each namespace.
    :ivar size: None where the Result does not tell.
    :ivar lacking: names of the judged systems that lack it.
    """

    name: str
    library: LibraryInfo | None
    origin: str
    root: RootInfo | None
    chain: tuple[LoadStep, ...]
    loaders: tuple[LoadStep, ...]
    lost_objects: tuple[str, ...]
    lost_roots: tuple[RootInfo, ...]
    copies: tuple[str, ...]
    host_has_it: bool
    only_for_it: tuple[str, ...]
    requests: tuple[FloorCause, ...]
    size: ByteCount | None
    component: ComponentInfo | None
    exposures: tuple[Exposure, ...]
    findings: tuple[Finding, ...]
    lacking: tuple[str, ...]


def explain_load(result: Result, wanted: str) -> LoadReasons:
    """Why ``wanted`` is there, or is asked for.

    :param wanted: a tree path, a file name or a SONAME.
    :raises UsageError: where nothing has that name, or several things have; the hint names near ones.
    """
    path, name = _find(result, wanted)
    rows = {row.path: row for row in result.libraries}
    library = rows.get(path) if path is not None else None
    names = {name} if library is None else {library.soname or "", library.path.rpartition("/")[2]} - {""}
    loaders = tuple(
        LoadStep(row.path, row.role, need.name, need.via)
        for row, need in _direct(result, path, name)
        if row.path != path
    )
    lost = tuple(lost_path for lost_path in _lost_without(result, loaders) if lost_path != path)
    roots = {root.path: root for root in result.roots}
    lost_roots = [roots[lost_path] for lost_path in (*((path,) if path else ()), *lost) if lost_path in roots]
    findings = tuple(
        finding
        for finding in result.findings
        if finding.suppressed is None and (finding.subject == path or finding.subject in names)
    )
    return LoadReasons(
        name=path or name,
        library=library,
        origin="bundle" if library is not None else _origin(result, name),
        root=roots.get(path) if path is not None else None,
        chain=_shortest_chain(result, path, name),
        loaders=loaders,
        lost_objects=lost,
        lost_roots=tuple(sorted(lost_roots, key=lambda root: _ROLES.index(root.role))),
        copies=tuple(
            row.path
            for row in result.libraries
            if row.path != path and ({row.soname, row.path.rpartition("/")[2]} & names)
        ),
        host_has_it=_host_has(result, names, findings),
        only_for_it=_only_for(result, path) if path is not None else (),
        requests=_requests(result, loaders),
        size=_size(result, path) if path is not None else None,
        component=next((entry for entry in result.components if path is not None and path in entry.files), None),
        exposures=tuple(
            entry for entry in result.licenses.exposures if entry.chain and entry.chain[-1] in {path, *names}
        ),
        findings=findings,
        lacking=tuple(
            dict.fromkeys(
                host.name
                for host in result.hosts
                if any(names & set(failed.missing_libraries) for failed in host.objects)
            )
        ),
    )


def _find(result: Result, wanted: str) -> tuple[str | None, str]:
    """Tree path and name of what a person means; no path for what is only asked for."""
    written = wanted.removeprefix("./").strip("/")
    paths = [row.path for row in result.libraries]
    if written in paths:
        return written, written.rpartition("/")[2]
    for matches in (
        [row.path for row in result.libraries if row.soname == written],
        [path for path in paths if path.rpartition("/")[2] == written],
        [path for path in paths if "/" in written and path.endswith(f"/{written}")],
    ):
        # several files of one name: the one that something loads is meant, if there is only one such
        loaded = _loaded_paths(result)
        chosen = [path for path in matches if path in loaded] if len(matches) > 1 else matches
        if len(chosen) == 1:
            return chosen[0], written
        if matches:
            raise UsageError(
                f"{wanted} is the name of {len(matches)} objects", f"name one by its path: {_listed(matches)}"
            )
    if any(need.name == written for row in result.libraries for need in row.needed):
        return None, written
    raise UsageError(f"nothing in {result.artifact.path} is or needs {wanted}", _suggest(result, written))


def _suggest(result: Result, written: str) -> str:
    from difflib import get_close_matches  # only a mistyped name needs it

    if not result.libraries:
        return "the artifact contains no ELF object"
    names: dict[str, str] = {}
    for row in result.libraries:
        for name in (row.path, row.path.rpartition("/")[2], row.soname or ""):
            names.setdefault(name.lower(), row.soname or row.path)
        for need in row.needed:
            names.setdefault(need.name.lower(), need.name)
    names.pop("", None)
    lowered = written.lower().rpartition("/")[2]
    near = [names[name] for name in names if lowered and lowered in name]
    near += [names[name] for name in get_close_matches(written.lower(), names, n=_MOST_SUGGESTED, cutoff=0.6)]
    unique = list(dict.fromkeys(near))
    return f"did you mean {_listed(unique)}?" if unique else "inspect audit -v names all libraries"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_SUGGESTED
    return ", ".join(names[:_MOST_SUGGESTED]) + (f" and {more} more" if more > 0 else "")


def _loaded_paths(result: Result) -> set[str]:
    return {need.path for row in result.libraries for need in row.needed if need.path is not None}


def _direct(result: Result, path: str | None, name: str) -> Iterable[tuple[LibraryInfo, NeededInfo]]:
    for row in result.libraries:
        for need in row.needed:
            if (need.path == path) if path is not None else (need.path is None and need.name == name):
                yield row, need
                break


def _shortest_chain(result: Result, path: str | None, name: str) -> tuple[LoadStep, ...]:
    """Breadth first from the entries, then from the other roots; so an entry's way wins over a shorter one from a plugin."""
    rows = {row.path: row for row in result.libraries}
    for role in _ROLES:
        arrived: dict[str, LoadStep | None] = {root.path: None for root in result.roots if root.role == role}
        waiting = deque(arrived)
        while waiting:
            row = rows.get(waiting.popleft())
            if row is None:
                continue
            for need in row.needed:
                step = LoadStep(row.path, row.role, need.name, need.via)
                if (need.path == path) if path is not None else (need.path is None and need.name == name):
                    if row.path != path:
                        return _steps_to(arrived, row.path, step)
                elif need.path is not None and need.path not in arrived:
                    arrived[need.path] = step
                    waiting.append(need.path)
    return ()


def _steps_to(arrived: dict[str, LoadStep | None], place: str, last: LoadStep) -> tuple[LoadStep, ...]:
    steps = [last]
    while (step := arrived[place]) is not None:
        steps.append(step)
        place = step.loader
    return tuple(reversed(steps))


def _lost_without(result: Result, loaders: tuple[LoadStep, ...]) -> tuple[str, ...]:
    """The loaders, those that need them, and so on: a DT_NEEDED that is not found stops whatever asked for it."""
    needed_by: dict[str, list[str]] = {}
    for row in result.libraries:
        for need in row.needed:
            if need.path is not None:
                needed_by.setdefault(need.path, []).append(row.path)
    lost = dict.fromkeys(step.loader for step in loaders)
    waiting = deque(lost)
    while waiting:
        for path in needed_by.get(waiting.popleft(), ()):
            if path not in lost:
                lost[path] = None
                waiting.append(path)
    return tuple(lost)


def _only_for(result: Result, path: str) -> tuple[str, ...]:
    """What no root reaches any more once the object is gone, in the order in which it is reached through it."""
    rows = {row.path: row for row in result.libraries}

    def reached(starts: Iterable[str], without: str | None) -> dict[str, None]:
        seen = {start: None for start in starts if start != without}
        waiting = deque(seen)
        while waiting:
            row = rows.get(waiting.popleft())
            for need in row.needed if row is not None else ():
                if need.path is not None and need.path != without and need.path not in seen:
                    seen[need.path] = None
                    waiting.append(need.path)
        return seen

    through_it = reached([path], None)
    kept = reached((root.path for root in result.roots), path)
    return tuple(found for found in through_it if found != path and found not in kept)


def _origin(result: Result, name: str) -> str:
    origins = {need.origin for row in result.libraries for need in row.needed if need.name == name}
    return "missing" if "missing" in origins else "host"


def _host_has(result: Result, names: set[str], findings: tuple[Finding, ...]) -> bool:
    if any(finding.rule == "host-library-bundled" for finding in findings):
        return True
    return any(need.origin == "host" and need.name in names for row in result.libraries for need in row.needed)


def _requests(result: Result, loaders: tuple[LoadStep, ...]) -> tuple[FloorCause, ...]:
    asked = {(step.loader, step.name) for step in loaders}
    return tuple(
        cause for floor in result.floors.values() for cause in floor.causes if (cause.file, cause.library) in asked
    )


def _size(result: Result, path: str) -> ByteCount | None:
    for entry in result.files.entries or ():
        if entry.path == path:
            return ByteCount(raw=entry.size, stored=entry.stored_size)
    for row in (*result.sizes.largest, *result.sizes.tree):
        if row.name == path:
            return ByteCount(raw=row.raw, stored=row.stored)
    return None
