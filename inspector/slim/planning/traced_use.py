"""What traced runs have used of a bundle, as a plan asks it: it stays, and what is reached but was never used may go at the level aggressive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from msgspec import Struct

from inspector.formats.pyc import split_cached_path
from inspector.slim.tracing.trace import check_trace, load_trace, merge_traces


class TracedUse(Struct, frozen=True):
    """All traces together; empty where there is none.

    :ivar is_known: whether there is a trace.
    :ivar modules: full names of Python modules that were imported.
    :ivar sources: tree paths of sources whose code was run.
    :ivar files: tree paths that were opened, run or mapped, compiled modules under the names of their sources.
    :ivar libraries: tree paths of ELF objects that were mapped.
    """

    is_known: bool = False
    modules: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()

    def used(self, path: str) -> bool:
        """Whether a run used a file; of a compiled module whether its source's code was run."""
        if path.endswith(".pyc"):
            name = split_cached_path(path)
            if name is not None:
                return name.source in self.sources
        return path in self.files

    def imported(self, name: str) -> bool:
        """Whether a run imported a module or anything below it."""
        return name in self.modules


def read_traces(paths: Sequence[str], digest: Callable[[], str]) -> TracedUse:
    """The traces in these files.

    :param digest: gives the digest of the artifact that the plan is for.
    :raises UsageError: where one cannot be read, or is of another artifact.
    """
    if not paths:
        return TracedUse()
    trace = reduce(merge_traces, (load_trace(path) for path in paths))
    check_trace(trace, digest())
    modules = set(trace.modules)
    for name in trace.modules:
        parts = name.split(".")
        modules.update(".".join(parts[:end]) for end in range(1, len(parts)))
    sources = trace.python_sources()
    files = {path for path in (*trace.files, *trace.libraries) if split_cached_path(path) is None}
    return TracedUse(True, frozenset(modules), sources, frozenset(files | sources), frozenset(trace.libraries))
