"""The values that the model works on: what a loader reads of an object, and the graph that comes out.

Paths here are run-time paths: absolute, as the process would see them.  The caller decides where the bundle is mounted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Architecture:
    """What must agree before an object can be mapped: ELF class in bits, e_machine, byte order."""

    bits: int
    machine: int
    endian: str


@dataclass(frozen=True, slots=True)
class LoaderObject:
    """What the loader reads of one ELF object.

    :ivar identity: equal for one file under several names (device and inode).
    :ivar needed: DT_NEEDED in order.
    :ivar rpath: DT_RPATH as written, or None; glibc ignores it where a RUNPATH stands beside it.
    :ivar nodeflib: DF_1_NODEFLIB: the system's default directories are not searched for this object's needs.
    """

    identity: str
    architecture: Architecture
    soname: str | None
    needed: tuple[str, ...]
    rpath: str | None = None
    runpath: str | None = None
    nodeflib: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What lies at a path: a loadable object, or a reason why the loader cannot take it.

    :ivar defect: the loader's own words for a file that ends the search ("invalid ELF header"), else None.
    """

    loadable: LoaderObject | None
    defect: str | None = None


class FileView(Protocol):
    """The file system as the process sees it, as far as anybody knows it."""

    def candidate(self, path: str) -> Candidate | None:
        """What a run-time path leads to when links are followed, or None where nothing is known to be there."""
        ...

    def real_path(self, path: str) -> str:
        """The path with all links followed, as ``/proc/self/exe`` gives it."""
        ...


class HostView(Protocol):
    """The libraries of the system that the bundle runs on."""

    def provides(self, soname: str, architecture: Architecture) -> bool:
        """Whether the default search of the host's loader finds this name."""
        ...


class Outcome(Enum):
    """How a DT_NEEDED ended."""

    BUNDLE = "bundle"
    HOST = "host"
    MISSING = "missing"
    BROKEN = "broken"
    """A file of the name was found first and cannot be loaded; the loader stops there."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """One DT_NEEDED of one object in one process.

    :ivar target: index of the loaded object in :attr:`LoadGraph.objects`; None unless the outcome is BUNDLE.
    :ivar via: the rule that found it, for people ("RUNPATH $ORIGIN/../lib").
    :ivar skipped: paths passed over, each with the reason ("…/libz.so.1: wrong ELF class").
    """

    requester: int
    name: str
    outcome: Outcome
    target: int | None = None
    via: str | None = None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """An object in the process.

    :ivar path: the run-time path that it was opened by; its ``$ORIGIN`` is this path's directory.
    :ivar loader: index of the object whose need brought it in, or None for a root.
    """

    path: str
    object: LoaderObject
    loader: int | None


@dataclass(slots=True)
class LoadGraph:
    """What is in the process after a root was loaded, in load order, and how each need ended."""

    objects: list[Loaded] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
