"""What is known of one system that a bundle may run on: values only, made by a profile file or by a capture.

Knowledge has three states everywhere: there, known to be absent, and not known.  What is not known never decides a verdict alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from inspector.loader.objects import LoaderObject, VersionRequirement

LibcKind = Literal["glibc", "musl"]
Variant = Literal["desktop", "minimal"]
Basis = Literal["captured", "measured", "assumed"]
Presence = Literal["minimal", "desktop", "package", "absent"]
"""Where a soname is: on every installation, on a default desktop, only after a package was installed, in no package at all."""


class ProvidedLibrary(Struct, frozen=True, kw_only=True):
    """One soname on a system.

    :ivar path: where the default search finds it, or None where nobody looked.
    :ivar package: the package that carries it, or None where that is not known.
    :ivar versions: names of all version definitions; None where nobody measured them, empty where it has none.
    :ivar object: what the loader reads of it; None where nobody captured it, and then its own needs are taken to be met.
    :ivar needed: DT_NEEDED, those of the C library left out; empty where nobody measured them.
    :ivar requirements: its verneed, what it asks of the C library left out; empty where nobody measured it.
    :ivar exports: defined symbols, ``name`` or ``name@version`` or ``name@@version`` (the default one); None where nobody captured them.
    :ivar imports: symbols that it must find elsewhere, ``name`` or ``name@version``, weak ones left out; None like ``exports``.
    """

    soname: str
    presence: Presence
    basis: Basis
    path: str | None = None
    package: str | None = None
    versions: frozenset[str] | None = None
    object: LoaderObject | None = None
    exports: frozenset[str] | None = None
    imports: frozenset[str] | None = None
    needed: tuple[str, ...] = ()
    requirements: tuple[VersionRequirement, ...] = ()


class HostProfile(Struct, frozen=True, kw_only=True):
    """One system, for one machine architecture.

    :ivar id: "debian-12", "alpine-3.20"; a captured one has the id that its file gives.
    :ivar name: for people: "Debian 12 (bookworm)".
    :ivar arch: ``uname -m``.
    :ivar libc_version: "2.36", "1.2.5".
    :ivar isa_level: the x86-64 level that the distribution requires of the machine, 1 to 4; None where it does not apply or nobody knows.
    :ivar kernel: version that the release ships, or None.
    :ivar page_sizes: bytes, those of the kernels that it ships.
    :ivar supported_until: ISO date of the last free support, None for rolling releases.
    :ivar released: ISO date.
    :ivar libraries: by soname; what is missing here is not known.
    :ivar complete: True for a capture: a soname that is not in ``libraries`` is absent.
    :ivar programs: helper programs ("fusermount", "fusermount3") and where they are; missing ones are not known unless ``complete``.
    :ivar basis: the weakest basis of the facts that usually decide: captured, measured or assumed.
    """

    id: str
    name: str
    arch: str
    libc: LibcKind
    libc_version: str
    basis: Basis
    isa_level: int | None = None
    kernel: str | None = None
    page_sizes: tuple[int, ...] = (4096,)
    released: str | None = None
    supported_until: str | None = None
    libraries: Mapping[str, ProvidedLibrary] = field(default_factory=dict)
    complete: bool = False
    programs: Mapping[str, Presence] = field(default_factory=dict)

    def library(self, soname: str, variant: Variant) -> ProvidedLibrary | Literal["absent", "unknown"]:
        """What the default search finds for a name on one variant of the system.

        A library that only a package brings is absent, and :attr:`libraries` still tells the package for the message.
        """
        known = self.libraries.get(soname)
        if known is None:
            return "absent" if self.complete else "unknown"
        if known.presence == "minimal" or (known.presence == "desktop" and variant == "desktop"):
            return known
        return "absent"
