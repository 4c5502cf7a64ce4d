"""An AppImage's runtime as the first thing that runs: whether it starts on a host, and whether it can mount its payload there.

The runtime is an ELF program like any other, so its own libraries and versions come first; then what it opens or calls to mount
(``rules/appimage/mounting.toml``).  A host is a :class:`inspector.loader.host_profile.HostProfile`; what it does not tell decides nothing.
That the kernel offers ``/dev/fuse`` is taken for granted.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.loader.host_profile import HostProfile, Variant
from inspector.resources import load_table
from inspector.result import RuntimeInfo

RuntimeOutcome = Literal["mounts", "extracts", "does not start", "unknown"]
"""``extracts``: it will not mount, and its payload can be extracted (by its option, or by itself where :attr:`RuntimeNeeds.fallback` says so)."""

_RUN_ALSO = {
    "i386": "x86_64",
    "i486": "x86_64",
    "i586": "x86_64",
    "i686": "x86_64",
    "armv7l": "aarch64",
    "armhf": "aarch64",
}
EXTRACT_OPTION = "--appimage-extract-and-run"


class RuntimeNeeds(Struct, frozen=True):
    """What a runtime wants of its host.

    :ivar arch: the machine it is for, as ``uname -m`` prints it.
    :ivar interpreter: PT_INTERP; None for a static one.
    :ivar libraries: DT_NEEDED: without them it does not start.
    :ivar versions: (library, version) of its verneed, weak ones left out.
    :ivar opens: libraries that it opens to mount.
    :ivar programs: to mount it calls one of these; empty where it calls none.
    :ivar message: what it prints when a library of ``opens`` is missing; ``program_message`` the same of a program.
    :ivar unreadable: what it prints of a payload in a compression that it does not read, and then it can neither mount nor extract; "" where it does.
    :ivar fallback: what is left where it cannot mount: "extract-option", "by itself", "none", or None where nobody knows.
    """

    kind: str
    arch: str = "x86_64"
    interpreter: str | None = None
    libraries: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    opens: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    message: str = ""
    program_message: str = ""
    unreadable: str = ""
    fallback: str | None = None


class RuntimeVerdict(Struct, frozen=True):
    """How a runtime does on one variant of a host.

    :ivar message: what the loader or the runtime itself prints; "" where all is well or nobody knows.
    :ivar missing: sonames, versions (``GLIBC_2.14``) and programs that are not there.
    :ivar not_known: those of which the profile says nothing; they made the outcome "unknown" unless something missing decided.
    :ivar packages: packages of the host that would bring what is missing, where the profile names them.
    :ivar by_itself: the payload is extracted (or reached otherwise) without the user doing anything.
    """

    outcome: RuntimeOutcome
    message: str = ""
    missing: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    by_itself: bool = False


def runtime_needs(runtime: ElfObject, info: RuntimeInfo | None, compression: str | None = None) -> RuntimeNeeds:
    """What the runtime wants: from its ELF file, and from what is known of its kind.

    :param info: the envelope's ``runtime``; None is an unknown kind.
    :param compression: the envelope's ``compression``, the payload's.
    """
    kind = "unknown" if info is None else info.kind
    known: dict[str, Any] = next(
        (entry for entry in load_table("appimage/mounting.toml")["runtime"] if entry["kind"] == kind), {}
    )
    elf = runtime.elf
    named = [need for need in (info.needs if info is not None else ()) if need not in elf.needed]
    opens = known.get("opens", [need for need in named if ".so" in need])
    return RuntimeNeeds(
        kind=kind,
        arch=elf.arch,
        interpreter=elf.interpreter,
        libraries=elf.needed,
        versions=tuple((need.library, need.version) for need in elf.verneed if not need.weak),
        opens=tuple(name for name in opens if name not in elf.needed),
        programs=tuple(known.get("programs", [need for need in named if ".so" not in need])),
        message=known.get("message", ""),
        program_message=known.get("program_message", ""),
        unreadable=_unreadable(info, compression),
        fallback=known.get("fallback"),
    )


def _unreadable(info: RuntimeInfo | None, compression: str | None) -> str:
    if info is None or info.kind == "unknown" or compression is None or not info.compressors:
        return ""
    if compression in ("zisofs", *info.compressors):
        return ""
    uses, *supports = ["zlib" if name == "gzip" else name for name in (compression, *info.compressors)]
    return f"Squashfs image uses {uses} compression, this version supports only {', '.join(supports)}."


def runtime_on_host(needs: RuntimeNeeds, profile: HostProfile, variant: Variant = "desktop") -> RuntimeVerdict:
    """Whether the runtime starts and mounts on a host."""
    if profile.arch not in (needs.arch, _RUN_ALSO.get(needs.arch)):
        return RuntimeVerdict("does not start", "cannot execute binary file: Exec format error")
    if profile.arch != needs.arch and needs.interpreter is not None:
        return RuntimeVerdict(
            "unknown", not_known=(needs.interpreter,)
        )  # profiles say nothing of the second architecture
    own = _OnHost(profile, variant)
    first = own.start_message(needs) or needs.unreadable
    if first:
        return RuntimeVerdict("does not start", first, tuple(own.missing), tuple(own.not_known), tuple(own.packages))
    start_not_known = bool(own.not_known)
    for name in needs.opens:
        own.library(name)
    message = needs.message if own.missing else ""
    if needs.programs and not own.missing:
        own.program(needs.programs)
        message = needs.program_message if own.missing else ""
    found = (tuple(own.missing), tuple(own.not_known), tuple(own.packages))
    if own.missing and not start_not_known:
        if needs.fallback == "none":
            return RuntimeVerdict("does not start", message, *found)
        if needs.fallback is None:
            return RuntimeVerdict("unknown", message, *found)
        return RuntimeVerdict("extracts", message, *found, by_itself=needs.fallback == "by itself")
    return RuntimeVerdict("unknown" if own.not_known else "mounts", "", *found)


class _OnHost:
    def __init__(self, profile: HostProfile, variant: Variant) -> None:
        self.profile = profile
        self.variant = variant
        self.missing: list[str] = []
        self.not_known: list[str] = []
        self.packages: list[str] = []

    def start_message(self, needs: RuntimeNeeds) -> str:
        """What stops it before its first instruction: the interpreter, a library, a version; "" where nothing does."""
        if needs.interpreter is not None and self.profile.libc == "musl" and "ld-musl" not in needs.interpreter:
            self.missing.append(needs.interpreter)
            return (
                f"{needs.interpreter}: No such file or directory"  # the kernel's ENOENT for the interpreter, execve(2)
            )
        for name in needs.libraries:
            self.library(name)
        if self.missing:
            return (
                f"error while loading shared libraries: {self.missing[0]}: cannot open shared object file: "
                "No such file or directory"
            )
        for library, version in needs.versions:
            provided = self.profile.library(library, self.variant)
            if isinstance(provided, str) or provided.versions is None:
                if library not in self.not_known:
                    self.not_known.append(library)
            elif version not in provided.versions:
                self.missing.append(version)
        if self.missing:
            library = next(library for library, version in needs.versions if version == self.missing[0])
            return f"{library}: version `{self.missing[0]}' not found"
        return ""

    def library(self, name: str) -> None:
        """Note a library that is not there, or not known."""
        provided = self.profile.library(name, self.variant)
        if provided == "unknown":
            self.not_known.append(name)
        elif provided == "absent":
            self.missing.append(name)
            known = self.profile.libraries.get(name)
            if known is not None and known.package is not None:
                self.packages.append(known.package)

    def program(self, names: tuple[str, ...]) -> None:
        """Note it where none of the programs is there, or none is known to be."""
        presences = [self.profile.programs.get(name) for name in names]
        there = ("minimal", "desktop") if self.variant == "desktop" else ("minimal",)
        if any(presence in there for presence in presences):
            return
        if not self.profile.complete and any(presence is None for presence in presences):
            self.not_known.append(names[0])
        else:
            self.missing.append(names[0])
