"""What runs of a bundle have used: a document of its own (``inspector/trace/1``), bound to the artifact that was run.

A trace says what was used, never what is unused: whatever a run did not come to is missing from it.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from inspector.documents import decode_document, encode_document, read_document
from inspector.errors import UsageError
from inspector.formats.pyc import split_cached_path

TRACE_SCHEMA = "inspector/trace/1"

TraceSource = Literal["audit hook", "strace", "loader", "memory maps"]
"""How it was watched: Python's audit events (PEP 578), the system calls that name files, the loader's own report (LD_DEBUG), /proc/PID/maps."""


class TraceTarget(Struct, frozen=True, kw_only=True):
    """What was run.

    :ivar digest: as in a plan: sha256 of the file; of a directory, of its manifest.
    """

    path: str
    format: str
    digest: str


class TraceRun(Struct, frozen=True, kw_only=True):
    """One run.

    :ivar arguments: what the launcher was given.
    :ivar status: exit status, the negative number of a signal, or None where the time limit ended it.
    :ivar processes: how many were seen.
    :ivar sources: how it was watched.
    """

    arguments: tuple[str, ...]
    status: int | None
    seconds: float
    processes: int = 0
    sources: tuple[TraceSource, ...] = ()


class Trace(Struct, frozen=True, kw_only=True):
    """What all runs together have used; paths are those of the tree, links and what they lead to both named.

    :ivar modules: Python modules that were imported, by name.
    :ivar files: files that were opened or run, libraries and modules among them, and links that were followed.
    :ivar libraries: ELF objects that were mapped into a process.
    :ivar examined: files that were looked at (stat, access, readlink) and never opened; a program may ask whether they are there.
    """

    schema: Literal["inspector/trace/1"] = "inspector/trace/1"
    tool: str
    target: TraceTarget
    runs: tuple[TraceRun, ...] = ()
    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    examined: tuple[str, ...] = ()

    def python_sources(self) -> frozenset[str]:
        """Tree paths of the sources whose code was run, from bytecode or from themselves."""
        found = set()
        for path in self.files:
            if path.endswith(".py"):
                found.add(path)
            elif path.endswith(".pyc") and (name := split_cached_path(path)) is not None:
                found.add(name.source)
        return frozenset(found)

    def with_directories(self) -> frozenset[str]:
        """All used paths and the directories that they lie in."""
        found = {*self.files, *self.libraries}
        for path in (*self.files, *self.libraries):
            while (path := posixpath.dirname(path)) and path not in found:
                found.add(path)
        return frozenset(found)


def merge_traces(one: Trace, other: Trace) -> Trace:
    """The runs of both.

    :raises UsageError: where they are not of the same artifact.
    """
    if one.target.digest != other.target.digest:
        raise UsageError(
            f"the traces are of different artifacts: {one.target.path} and {other.target.path}",
            "record the runs of one artifact into one file, or give slim several files",
        )
    files = {*one.files, *other.files}
    return replace(
        one,
        runs=(*one.runs, *other.runs),
        modules=tuple(sorted({*one.modules, *other.modules})),
        files=tuple(sorted(files)),
        libraries=tuple(sorted({*one.libraries, *other.libraries})),
        examined=tuple(sorted({*one.examined, *other.examined} - files)),
    )


def trace_json(trace: Trace) -> bytes:
    """The document as indented UTF-8 JSON."""
    return encode_document(trace, indent=1, always=True)


def load_trace(path: str | Path) -> Trace:
    """Read a document that :func:`trace_json` wrote.

    :raises UsageError: where the file cannot be read or is not a trace.
    """
    advice = "record one with: inspect trace ARTIFACT -- ARGUMENTS"
    return decode_document(read_document(path), Trace, path, TRACE_SCHEMA, advice)


def check_trace(trace: Trace, digest: str) -> None:
    """Refuse a trace of another artifact.

    :param digest: of the artifact at hand (:func:`inspector.slim.planning.target_digest.target_digest`).
    :raises UsageError: where it was recorded with another one.
    """
    if trace.target.digest != digest:
        raise UsageError(
            f"the trace is of another artifact than this one: it was recorded with {trace.target.path}",
            "record it again: inspect trace ARTIFACT -- ARGUMENTS",
        )
