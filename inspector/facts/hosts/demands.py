"""What each root asks of the system it runs on, gathered while the load graph is built: compared with any number of profiles later at little cost."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from inspector.facts.loading.roots import Root
from inspector.loader.objects import LoadGraph, Outcome
from inspector.loader.versions import RELR_MARKER, missing_versions

_ORDINARY_PAGE_SIZE = 65536  # bytes; objects that any system can map need no second look


class RootDemand(Struct, frozen=True):
    """What one root wants that the bundle does not give it, each with the tree path of the first object that wants it, in load order.

    :ivar interpreter: PT_INTERP of a program, None for what is opened by one.
    :ivar libraries: by soname.
    :ivar versions: by library and version name, weak ones left out.
    :ivar failure: what the loader says wherever the bundle runs (a broken file, a version that a bundled library lacks), None without.
    :ivar from_host: what the process takes from the system, by the name that it was asked for, with its place in the load order.
    :ivar bundled: what answers to a name out of the bundle: the place of the object that first asked for it, and its tree path.
    :ivar watched: tree paths of objects that some systems refuse: relative relocations without a marker, an executable stack, segments for small
        pages only.
    """

    root: Root
    arch: str
    interpreter: str | None
    libraries: dict[str, str] = field(default_factory=dict)
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    failure: str | None = None
    watched: tuple[str, ...] = ()
    from_host: dict[str, int] = field(default_factory=dict)
    bundled: dict[str, tuple[int, str]] = field(default_factory=dict)


def demand_of(root: Root, arch: str, graph: LoadGraph, first: int, paths: Sequence[str]) -> RootDemand:
    """The demand of one root out of its process.

    :param first: index of the first object that the root brought in; what was there before is the program's demand.
    :param paths: tree path of every object of the process, run-time paths for those of the host.
    """
    objects = graph.objects
    libraries: dict[str, str] = {}
    failure = graph.refusal
    for resolution in graph.resolutions:
        target = resolution.target
        if resolution.requester < first:
            continue
        if resolution.outcome is Outcome.BROKEN:
            failure = failure or resolution.message
        elif target is None or objects[target].from_host:
            libraries.setdefault(resolution.name, paths[resolution.requester])
    from_host = {name for name, index in graph.names.items() if objects[index].from_host}
    from_host.update(resolution.name for resolution in graph.resolutions if resolution.outcome is Outcome.MISSING)
    versions: dict[tuple[str, str], str] = {}
    watched: list[str] = []
    for index in range(first, len(objects)):
        loaded = objects[index]
        if loaded.from_host:
            continue
        found, path = loaded.object, paths[index]
        for requirement in found.requirements:
            if requirement.library in from_host and not requirement.weak:
                versions.setdefault((requirement.library, requirement.version), path)
        if (
            found.executable_stack
            or found.largest_page_size < _ORDINARY_PAGE_SIZE
            or (found.has_relr and all(requirement.version != RELR_MARKER for requirement in found.requirements))
        ):
            watched.append(path)
    if failure is None:
        lacking = next(missing_versions(graph, None, first), None)
        failure = None if lacking is None else lacking.message(root.path)
    interpreter = objects[0].object.interpreter if objects and root.program == root.path else None
    answered = _answered(graph, first, paths)
    return RootDemand(root, arch, interpreter, libraries, versions, failure, tuple(watched), *answered)


def _answered(graph: LoadGraph, first: int, paths: Sequence[str]) -> tuple[dict[str, int], dict[str, tuple[int, str]]]:
    """``from_host`` and ``bundled`` of a root's demand."""
    from_host: dict[str, int] = {}
    bundled: dict[str, tuple[int, str]] = {}
    for resolution in graph.resolutions:
        target = resolution.target
        if target is None:
            # no place in this load order; what it needs is looked up after everything that its requester needs
            if resolution.requester >= first and resolution.outcome is Outcome.MISSING:
                from_host.setdefault(resolution.name, resolution.requester + 1)
            continue
        if not graph.objects[target].from_host:
            bundled.setdefault(resolution.name, (resolution.requester, paths[target]))
        elif resolution.requester >= first:
            from_host.setdefault(resolution.name, target)
    return from_host, bundled
