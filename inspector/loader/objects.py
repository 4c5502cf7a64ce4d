"""The values that the model works on: what a loader reads of an object, and the graph that comes out.

Paths here are run-time paths: absolute, as the process would see them.  The caller decides where the bundle is mounted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Protocol

from msgspec import Struct, field


class Architecture(Struct, frozen=True):
    """What must agree before an object can be mapped: ELF class in bits, e_machine, byte order."""

    bits: int
    machine: int
    endian: str


ARCHITECTURES: dict[str, Architecture] = {
    "x86_64": Architecture(64, 62, "little"),
    "aarch64": Architecture(64, 183, "little"),
    "i686": Architecture(32, 3, "little"),
    "armv7l": Architecture(32, 40, "little"),
    "ppc64le": Architecture(64, 21, "little"),
    "s390x": Architecture(64, 22, "big"),
    "riscv64": Architecture(64, 243, "little"),
    "loongarch64": Architecture(64, 258, "little"),
}
"""What ``uname -m`` means for an ELF file (gABI, ``e_machine``)."""


class SymbolView(Protocol):
    """The dynamic symbols of an object, read only when somebody asks; names as bytes would be, decoded to text."""

    def exports(self) -> Mapping[str, frozenset[str | None]]:
        """Versions by the name of each defined symbol; None stands for a definition without a version."""
        ...

    def imports(self) -> Iterable[tuple[str, str | None]]:
        """(name, version) of each undefined symbol that is not weak."""
        ...


class VersionRequirement(Struct, frozen=True):
    """One verneed entry: ``library`` is the name under which the provider was loaded."""

    library: str
    version: str
    weak: bool = False


class LoaderObject(Struct, frozen=True):
    """What the loader reads of one ELF object.

    :ivar identity: equal for one file under several names (device and inode).
    :ivar needed: DT_NEEDED in order.
    :ivar rpath: DT_RPATH as written, or None; glibc ignores it where a RUNPATH stands beside it.
    :ivar nodeflib: DF_1_NODEFLIB: the system's default directories are not searched for this object's needs.
    :ivar requirements: verneed.
    :ivar definitions: names of all version definitions, that of the file itself (VER_FLG_BASE) included; empty where the object has none, None
        where nobody knows.
    :ivar symbols: its dynamic symbols, None where nobody knows.
    :ivar position_independent_program: DF_1_PIE or ET_EXEC: dlopen() and DT_NEEDED refuse it.
    :ivar fixed_address: ET_EXEC.
    :ivar no_open: DF_1_NOOPEN: dlopen() refuses it.
    :ivar executable_stack: PT_GNU_STACK asks for it, or is absent where the architecture's default is so.
    :ivar largest_page_size: bytes; on systems with larger pages its segments cannot be mapped.
    :ivar segment_alignment: bytes; the largest power of two that divides every p_align, as glibc up to 2.34 wants it to be a multiple of the page.
    :ivar aligned_as_stated: whether address and offset of every PT_LOAD agree modulo p_align, which glibc up to 2.34 wants too.
    :ivar truncated: the file ends before what the loader touches of it: SIGBUS.
    :ivar isa_level: the x86-64 level that its notes declare as needed, 0 where they declare none.
    :ivar interpreter: PT_INTERP, None without one.
    """

    identity: str
    architecture: Architecture
    soname: str | None
    needed: tuple[str, ...]
    rpath: str | None = None
    runpath: str | None = None
    nodeflib: bool = False
    requirements: tuple[VersionRequirement, ...] = ()
    definitions: frozenset[str] | None = frozenset()
    symbols: SymbolView | None = None
    position_independent_program: bool = False
    no_open: bool = False
    executable_stack: bool = False
    has_relr: bool = False
    largest_page_size: int = 65536
    isa_level: int = 0
    fixed_address: bool = False
    segment_alignment: int = 1 << 30
    aligned_as_stated: bool = True
    truncated: bool = False
    interpreter: str | None = None

    @property
    def is_versioned(self) -> bool:
        """Whether the loader keeps a DT_VERSYM for it: glibc does where an object needs or defines versions (elf/dl-version.c)."""
        return bool(self.requirements or self.definitions)


class Candidate(Struct, frozen=True):
    """What lies at a path: a loadable object, or a reason why the loader cannot take it, or both.

    :ivar loadable: what was read of it; None where it is no ELF file at all.
    :ivar defect: the loader's own words for a file that it refuses ("invalid ELF header"), else None.
    :ivar cannot_be_opened: the path leads in a circle (ELOOP): glibc leaves the search path on which it met it, musl the whole search.
    """

    loadable: LoaderObject | None
    defect: str | None = None
    cannot_be_opened: bool = False


class FileView(Protocol):
    """The file system as the process sees it, as far as anybody knows it."""

    def candidate(self, path: str) -> Candidate | None:
        """What a run-time path leads to when links are followed, or None where nothing is known to be there."""
        ...

    def real_path(self, path: str) -> str:
        """The path with all links followed, as ``/proc/self/exe`` gives it."""
        ...

    def is_directory(self, path: str) -> bool:
        """Whether a run-time path leads to a directory, ".." walked as the kernel does it."""
        ...


class HostView(Protocol):
    """The libraries of the system that the bundle runs on."""

    def find(self, name: str, architecture: Architecture) -> tuple[str, LoaderObject] | None:
        """What the default search of the host's loader finds for a name: its path and the object, or None.

        A library of which nobody knows more than that it is there is an object without needs (:func:`opaque_library`).
        """
        ...

    def at(self, path: str) -> Candidate | None:
        """What lies at an absolute path of the host, or None where nothing is known to be there."""
        ...


def opaque_library(name: str, architecture: Architecture, definitions: frozenset[str] | None = None) -> LoaderObject:
    """A host library of which only the name, and perhaps the version definitions, are known."""
    return LoaderObject(f"host:{name}", architecture, name, (), definitions=definitions)


class Outcome(Enum):
    """How a DT_NEEDED ended."""

    BUNDLE = "bundle"
    HOST = "host"
    MISSING = "missing"
    BROKEN = "broken"
    """A file of the name was found first and cannot be loaded; the loader stops there."""


class Resolution(Struct, frozen=True):
    """One DT_NEEDED of one object in one process.

    :ivar target: index of the loaded object in :attr:`LoadGraph.objects`; None unless the outcome is BUNDLE or HOST.
    :ivar via: the rule that found it, for people ("RUNPATH $ORIGIN/../lib").
    :ivar skipped: paths passed over, each with the reason ("…/libz.so.1: wrong ELF class").
    :ivar message: what the loader prints of it, without the program's name in front; None where it went well.
    """

    requester: int
    name: str
    outcome: Outcome
    target: int | None = None
    via: str | None = None
    skipped: tuple[str, ...] = ()
    message: str | None = None


class Loaded(Struct, frozen=True):
    """An object in the process.

    :ivar path: the run-time path that it was opened by; its ``$ORIGIN`` is this path's directory.
    :ivar loader: index of the object whose need brought it in, or None for a root.
    :ivar from_host: whether it is the system's.
    """

    path: str
    object: LoaderObject
    loader: int | None
    from_host: bool = False


class LoadGraph(Struct):
    """What is in the process after a root was loaded, in load order, and how each need ended.

    The search goes on behind a need that failed, as the real loader's does when it lists what it would load.

    :ivar names: which object answers to a name: each name that was asked for, and the one by which a root was opened.
    :ivar root: index of the root, None where it was not loaded.
    :ivar refusal: why the root itself could not be loaded, in the loader's words, else None.
    """

    objects: list[Loaded] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    root: int | None = None
    refusal: str | None = None

    def copy(self) -> LoadGraph:
        """A graph of its own with the same contents."""
        return LoadGraph(list(self.objects), list(self.resolutions), dict(self.names), self.root, self.refusal)
