"""The manylinux or musllinux tag that the ELF objects of a bundle allow, by the policy data of the installed auditwheel.

A tag is allowed when every object asks the host for nothing that the tag's policy does not grant: symbol versions (PEP 600, "Core definition"; PEP
656 for musl), libraries, symbols of them, and processor instructions.  :func:`platform_tag` says where our answer differs from ``auditwheel show``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from inspector.facts.binaries.platform_policies import Libc, Policy, policies, restricted_symbols
from inspector.formats.elf import ElfFile
from inspector.patterns import lazy_pattern

_LOADER = lazy_pattern(r"ld-linux.*|ld64\.so\.[12]")
_MUSL = lazy_pattern(r"libc\.musl-.*|ld-musl-.*")
_BUILT_FOR = lazy_pattern(
    r"\.(?:cpython|pypy|graalpy)[^/]*-linux-(gnu|musl)[^./]*\.so$"
)  # the SOABI of CPython 3.11 and newer
_OLD_EXTENSION = lazy_pattern(r"\.cpython-3[0-6]\D[^/]*\.so$|(?:^|/)python2\.\d/.*\.so$")
_PYFPE = frozenset(("PyFPE_jbuf", "PyFPE_dummy", "PyFPE_counter"))  # fpectl builds of Python 3.6 and older (PEP 513)
_UCS2 = "PyUnicodeUCS2_"  # narrow builds of Python 2 (PEP 513)
_RESTRICTED_IN_GLIBC = (
    "GLIBC_2.18"  # the version of every glibc symbol that a policy forbids; a test holds the data to it
)
_GLIBC_LIBRARIES = frozenset(("libc.so.6", "libm.so.6", "libpthread.so.0"))
_NAMED_REASONS = 5
_X86_BASELINE = 1

_Value = TypeVar("_Value", bound=str)


class PlatformNeeds(Struct, frozen=True):
    """What one ELF object asks of the host.

    :ivar path: the object's path, for the reasons.
    :ivar arch: as ``uname -m`` writes it.
    :ivar libc: the C library that it is linked with, or None where nothing tells (static programs, libraries without needs).
    :ivar versions: (library, version) pairs that the host must answer, the weak ones left out.
    :ivar host_libraries: sonames that it needs itself (DT_NEEDED) and the bundle does not supply.
    :ivar restricted: (library, symbol) pairs that some policy forbids, of the host's libraries.
    :ivar x86_level: the x86-64 instruction level that its note asks for, 1 (every processor) to 4; 1 for others.
    :ivar python_build: names of interpreter builds that it is tied to ("PyFPE", "UCS2"); looked for in extension modules of Python 3.6 and older.
    """

    path: str
    arch: str
    libc: Libc | None
    versions: tuple[tuple[str, str], ...] = ()
    host_libraries: tuple[str, ...] = ()
    restricted: tuple[tuple[str, str], ...] = ()
    x86_level: int = _X86_BASELINE
    python_build: tuple[str, ...] = ()


class PlatformTag(Struct, frozen=True):
    """The verdict.

    :ivar allowed: "manylinux_2_28_x86_64", "musllinux_1_2_aarch64", "linux_x86_64" where no policy fits; None where no object was judged.
    :ivar reasons: what keeps the next more compatible tag out of reach, and which objects were left out; sentences without a full stop.
    """

    allowed: str | None
    reasons: tuple[str, ...] = ()


def platform_needs(path: str, elf: ElfFile, from_bundle: Container[str]) -> PlatformNeeds:
    """Boil an ELF file down to what the tag depends on.

    :param from_bundle: the names in ``elf.needed`` that are found in the bundle.
    """
    host = tuple(name for name in elf.needed if name not in from_bundle)
    return PlatformNeeds(
        path=path,
        arch=elf.arch,
        libc=_libc_of(path, elf),
        versions=tuple(
            (need.library, need.version) for need in elf.verneed if not need.weak and need.library not in from_bundle
        ),
        host_libraries=host,
        restricted=tuple(_restricted(elf, host)),
        x86_level=_x86_level(elf.notes.x86_isa_needed) if elf.arch == "x86_64" else _X86_BASELINE,
        python_build=_python_builds(elf) if _OLD_EXTENSION.search(path) else (),
    )


def platform_tag(objects: Iterable[PlatformNeeds], *, arch: str | None = None, libc: Libc | None = None) -> PlatformTag:
    """The most compatible tag whose policy grants all that the objects ask for.

    :param arch: the architecture to judge; by default that of most objects.  Objects of others are left out and named.
    :param libc: the C library; by default that of most objects.

    Deliberately unlike ``auditwheel show``: versions needed from the loader itself (``ld-linux``) count; versions and libraries that the bundle
    answers do not; files without section headers are read by their segments; weak versions (VER_FLG_WEAK) do not count, as the loader only warns;
    nothing is looked up on the machine that runs the audit.
    """
    everything = list(objects)
    arch = arch or _most_frequent(needs.arch for needs in everything)
    same_arch = [needs for needs in everything if needs.arch == arch]
    libc = libc or _most_frequent(needs.libc for needs in same_arch if needs.libc is not None) or "glibc"
    judged = [needs for needs in same_arch if needs.libc in (None, libc)]
    if not judged or arch is None:
        return PlatformTag(None)
    left_out = _left_out(everything, judged, f"{arch} with {libc}")
    granting = policies(libc, arch)
    if not granting:
        return PlatformTag(f"linux_{arch}", (f"no {libc} policy knows the architecture {arch}", *left_out))
    if all(needs.libc is None for needs in judged):
        left_out = ("no object names a C library", *left_out)
    together = _together(judged)
    for position, policy in enumerate(granting):
        if not _objections(together, policy):
            reasons = _reasons(judged, granting[position - 1]) if position else []
            return PlatformTag(policy.tag, (*reasons, *left_out))
    return PlatformTag(f"linux_{arch}", (*_reasons(judged, granting[-1]), *left_out))


# -- what an object says


def _libc_of(path: str, elf: ElfFile) -> Libc | None:
    names = [*elf.needed, *(need.library for need in elf.verneed)]
    if elf.interpreter is not None:
        names.insert(0, elf.interpreter.rpartition("/")[2])
    for name in names:
        if _MUSL.fullmatch(name):
            return "musl"
        if name == "libc.so.6" or _LOADER.fullmatch(name):
            return "glibc"
    if any(need.version.startswith("GLIBC_") for need in elf.verneed):
        return "glibc"
    suffix = _BUILT_FOR.search(path)
    if suffix is None:
        return None
    return "musl" if suffix[1] == "musl" else "glibc"


def _x86_level(needed: int | None) -> int:
    """GNU_PROPERTY_X86_ISA_1_NEEDED: bits 0 to 3 stand for the levels 1 to 4 (x86-64 psABI, "Program Property")."""
    return max(_X86_BASELINE, ((needed or 0) & 0xF).bit_length())


def _restricted(elf: ElfFile, host: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of library and forbidden symbol.  Of glibc only the names of one version are looked at, not the whole symbol table."""
    undefined: set[str] | None = None
    for library in host:
        forbidden = restricted_symbols().get(library)
        if forbidden is None:
            continue
        if library in _GLIBC_LIBRARIES and elf.verneed:
            indexes = [need.index for need in elf.verneed if need.version == _RESTRICTED_IN_GLIBC and not need.weak]
            names = {name for index in indexes for name in elf.symbols.names_with_version(index)}
        else:
            undefined = elf.symbols.undefined_names() if undefined is None else undefined
            names = undefined
        yield from ((library, symbol) for symbol in sorted(forbidden & names))


def _python_builds(elf: ElfFile) -> tuple[str, ...]:
    undefined = elf.symbols.undefined_names()
    builds = ["PyFPE"] if undefined & _PYFPE else []
    if any(_UCS2 in name for name in undefined):
        builds.append("UCS2")
    return tuple(builds)


# -- what a policy says


def _together(judged: Sequence[PlatformNeeds]) -> PlatformNeeds:
    """All needs as of one object, so that each is weighed once for each policy."""
    return PlatformNeeds(
        path="",
        arch=judged[0].arch,
        libc=judged[0].libc,
        versions=tuple({pair for needs in judged for pair in needs.versions}),
        host_libraries=tuple({name for needs in judged for name in needs.host_libraries}),
        restricted=tuple({pair for needs in judged for pair in needs.restricted}),
        x86_level=max(needs.x86_level for needs in judged),
        python_build=tuple({build for needs in judged for build in needs.python_build}),
    )


def _objections(needs: PlatformNeeds, policy: Policy) -> list[str]:
    """What the policy does not grant this object, one clause each."""
    found = [
        f"{version} of {library}"
        for library, version in needs.versions
        if version.partition("_")[0] in policy.namespaces and version not in policy.versions
    ]
    found += [
        f"the library {name}"
        for name in needs.host_libraries
        if name not in policy.libraries and not _LOADER.fullmatch(name)
    ]
    found += [
        f"the symbol {symbol} of {library}"
        for library, symbol in needs.restricted
        if symbol in policy.forbidden.get(library, ())
    ]
    if needs.x86_level > _X86_BASELINE:
        found.append(f"a processor of the level x86-64-v{needs.x86_level}")
    found += [f"a {build} build of Python" for build in needs.python_build]
    return found


def _reasons(judged: Sequence[PlatformNeeds], policy: Policy) -> list[str]:
    """Why this policy is out of reach: each objection with the objects that cause it."""
    causes: dict[str, list[str]] = {}
    for needs in judged:
        for objection in _objections(needs, policy):
            causes.setdefault(objection, []).append(needs.path)
    rows = sorted(causes.items(), key=lambda row: (-len(row[1]), row[0]))
    found = [f"{policy.tag} does not grant {objection} ({_named(paths)})" for objection, paths in rows[:_NAMED_REASONS]]
    if len(rows) > _NAMED_REASONS:
        found.append(f"{policy.tag} does not grant {len(rows) - _NAMED_REASONS} more things")
    return found


def _named(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _left_out(everything: Sequence[PlatformNeeds], judged: Sequence[PlatformNeeds], what: str) -> tuple[str, ...]:
    kept = {id(needs) for needs in judged}
    others = [needs.path for needs in everything if id(needs) not in kept]
    return (f"left out, not for {what}: {_named(others)}",) if others else ()


def _most_frequent(values: Iterable[_Value]) -> _Value | None:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None
