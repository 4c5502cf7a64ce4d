"""What it asks of a system: version floors, platform tags, libraries and who needs them, and whether it starts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Origin = Literal["bundle", "host", "missing"]


class FloorCause(Struct, frozen=True, kw_only=True):
    """A file that asks ``library`` for ``version``; at most 20 symbols are named, all are counted."""

    file: str
    library: str
    version: str
    symbols: tuple[str, ...]
    symbol_count: int
    from_host: bool
    weak: bool = False


class FloorRequest(Struct, frozen=True, kw_only=True):
    """A file, and the highest version of the namespace that it asks of the host."""

    file: str
    version: str


class Floor(Struct, frozen=True, kw_only=True):
    """The highest version of one namespace that the artifact asks for.

    :ivar version: without the namespace ("2.34"); of all requests, whoever answers them.  None where only markers are asked for.
    :ivar host_version: the highest that the host must answer, None where the bundle answers all of them.
    :ivar markers: members that are no ordered numbers ("GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR").
    :ivar causes: who asks for ``version`` and ``host_version`` and the markers, the worst first.
    :ivar requests: every file that asks the host for an ordered version, the highest first; at most 500.
    """

    version: str | None
    host_version: str | None
    markers: tuple[str, ...] = ()
    causes: tuple[FloorCause, ...] = ()
    requests: tuple[FloorRequest, ...] = ()
    remedy: str | None = None


class TagInfo(Struct, frozen=True, kw_only=True):
    """Platform tags: ``allowed`` by what the files need, ``claimed`` by a wheel's own name, several joined by ".".

    :ivar unkept: a clause for each claimed tag that the files do not keep.
    """

    allowed: str | None = None
    claimed: str | None = None
    reasons: tuple[str, ...] = ()
    unkept: tuple[str, ...] = ()


class NeededInfo(Struct, frozen=True, kw_only=True):
    """One DT_NEEDED: where it is found, and by which rule (``via``, such as "RUNPATH $ORIGIN/../lib")."""

    name: str
    path: str | None
    origin: Origin
    via: str | None = None


class LibraryInfo(Struct, frozen=True, kw_only=True):
    """One ELF object of the tree."""

    path: str
    role: str
    soname: str | None
    rpath: str | None
    runpath: str | None
    needed: tuple[NeededInfo, ...]


class RootInfo(Struct, frozen=True, kw_only=True):
    """Something that is started or loaded by name."""

    path: str
    role: Literal["entry", "extension", "plugin", "optional"]


class FailedObject(Struct, frozen=True, kw_only=True):
    """A root that does not load on a host, and what is missing for it."""

    path: str
    missing_libraries: tuple[str, ...] = ()
    missing_versions: tuple[dict[str, str], ...] = ()
    missing_symbols: tuple[str, ...] = ()


class HostVerdict(Struct, frozen=True, kw_only=True):
    """Whether the artifact starts on one system."""

    id: str
    name: str
    variant: Literal["desktop", "minimal"]
    basis: Literal["captured", "measured", "assumed"]
    verdict: Literal["starts", "degraded", "fails", "unknown"]
    message: str
    judged: int = 0
    objects: tuple[FailedObject, ...] = ()
    libc: Literal["glibc", "musl"] = "glibc"
    released: str | None = None
    """ISO date of the system's release, where it is known."""
