"""The manylinux or musllinux tag that the ELF objects of a bundle allow, by the policy data of the installed auditwheel.

A tag is allowed when every object asks the host for nothing that the tag's policy does not grant: symbol versions (PEP 600, "Core definition"; PEP 656
for musl), libraries, symbols of them, and processor instructions.  The data are read as JSON; auditwheel's own modules, which resolve libraries on
the build machine, are never imported.  Where our answer differs from ``auditwheel show``, the table in :func:`platform_tag` says why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import msgspec

from inspector.errors import InstallationError
from inspector.formats.elf import ElfFile

Libc = Literal["glibc", "musl"]

_POLICY_FILES: dict[Libc, str] = {"glibc": "manylinux-policy.json", "musl": "musllinux-policy.json"}
_MUSL_NAMES = {
    "x86_64": "x86_64",
    "i686": "x86",
    "armv7l": "armv7",
}  # what musl calls an architecture in its soname, where it differs from uname -m
_LOADER = re.compile(r"ld-linux.*|ld64\.so\.[12]")
_GLIBC_NAMES = re.compile(r"libc\.so\.6|ld-linux.*|ld64\.so\.[12]")
_MUSL_LIBC = re.compile(r"libc\.musl-.*|ld-musl-.*")
_FILE_SUFFIX = re.compile(r"\.(?:cpython|pypy|graalpy)[^/]*-linux-(gnu|musl)[^./]*\.so$")  # CPython 3.11's SOABI
_PYFPE = frozenset(("PyFPE_jbuf", "PyFPE_dummy", "PyFPE_counter"))  # PEP 513, fpectl builds
_LIBPYTHON = re.compile(r"libpython\d+\.\d+[a-z]*\.so(?:\.\d+)*")
_NAMED_REASONS = 5
_X86_BASELINE = 1


@dataclass(frozen=True, slots=True)
class PlatformNeeds:
    """What one ELF object asks of the host.

    :ivar path: the object's path, for the reasons.
    :ivar arch: as ``uname -m`` writes it.
    :ivar libc: the C library that it is linked with, or None where nothing tells (static programs, libraries without needs).
    :ivar versions: (library, version) pairs that the host must answer, the weak ones left out.
    :ivar host_libraries: sonames that it needs itself (DT_NEEDED) and the bundle does not supply.
    :ivar restricted: (library, symbol) pairs that some policy forbids, of the host's libraries.
    :ivar x86_level: the x86-64 instruction level that its note asks for, 1 (every processor) to 4; 1 for others.
    :ivar python_build: names of interpreter builds that it is tied to ("PyFPE", "UCS2").
    """

    path: str
    arch: str
    libc: Libc | None
    versions: tuple[tuple[str, str], ...] = ()
    host_libraries: tuple[str, ...] = ()
    restricted: tuple[tuple[str, str], ...] = ()
    x86_level: int = _X86_BASELINE
    python_build: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlatformTag:
    """The verdict.

    :ivar allowed: "manylinux_2_28_x86_64", "musllinux_1_2_aarch64", "linux_x86_64" where no policy fits; None where no object was judged.
    :ivar reasons: what keeps the next more compatible tag out of reach, and which objects were left out; sentences without a full stop.
    """

    allowed: str | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Policy:
    """One policy for one architecture; versions are whole names ("GLIBC_2.28")."""

    tag: str
    namespaces: frozenset[str]
    versions: frozenset[str]
    libraries: frozenset[str]
    forbidden: dict[str, frozenset[str]]


def platform_needs(path: str, elf: ElfFile, from_bundle: Container[str]) -> PlatformNeeds:
    """Boil an ELF file down to what the tag depends on.

    :param from_bundle: the names in ``elf.needed`` that are found in the bundle.
    """
    host = tuple(name for name in elf.needed if name not in from_bundle)
    wanted = {name: symbols for name, symbols in restricted_symbols().items() if name in host}
    restricted: tuple[tuple[str, str], ...] = ()
    undefined: set[str] = set()
    if wanted or _is_python_2_extension(elf):
        undefined = elf.symbols.undefined_names()
        restricted = tuple((name, symbol) for name, symbols in wanted.items() for symbol in sorted(symbols & undefined))
    return PlatformNeeds(
        path=path,
        arch=elf.arch,
        libc=_libc_of(path, elf),
        versions=tuple(
            (need.library, need.version) for need in elf.verneed if not need.weak and need.library not in from_bundle
        ),
        host_libraries=host,
        restricted=restricted,
        x86_level=_x86_level(elf.notes.x86_isa_needed) if elf.arch == "x86_64" else _X86_BASELINE,
        python_build=_python_builds(undefined),
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
    policies = _policies(libc, arch)
    if not policies:
        return PlatformTag(f"linux_{arch}", (f"no {libc} policy knows the architecture {arch}", *left_out))
    if all(needs.libc is None for needs in judged):
        left_out = ("no object names a C library", *left_out)
    for position, policy in enumerate(policies):
        if not any(_objections(needs, policy) for needs in judged):
            reasons = _reasons(judged, policies[position - 1]) if position else []
            return PlatformTag(policy.tag, (*reasons, *left_out))
    return PlatformTag(f"linux_{arch}", (*_reasons(judged, policies[-1]), *left_out))


@cache
def restricted_symbols() -> dict[str, frozenset[str]]:
    """Library -> symbols that at least one policy forbids to be taken from the host; the only symbols that a tag can depend on."""
    found: dict[str, set[str]] = {}
    for libc in _POLICY_FILES:
        for policy in _policy_table(libc):
            for library, symbols in policy["blacklist"].items():
                found.setdefault(library, set()).update(symbols)
    return {library: frozenset(symbols) for library, symbols in found.items()}


@cache
def policy_source() -> str:
    """The distribution that the policies come from, with its version ("auditwheel 6.8.2")."""
    package = _package_directory()
    found = [path.name for path in package.parent.glob("auditwheel-*.dist-info")]
    return f"auditwheel {found[0].removesuffix('.dist-info').partition('-')[2]}" if found else "auditwheel"


# -- what an object says


def _libc_of(path: str, elf: ElfFile) -> Libc | None:
    if elf.interpreter is not None:
        name = elf.interpreter.rpartition("/")[2]
        if name.startswith("ld-musl-"):
            return "musl"
        if _LOADER.fullmatch(name):
            return "glibc"
    names = (*elf.needed, *(need.library for need in elf.verneed))
    if any(_MUSL_LIBC.fullmatch(name) for name in names):
        return "musl"
    if any(_GLIBC_NAMES.fullmatch(name) for name in names) or any(
        need.version.startswith("GLIBC_") for need in elf.verneed
    ):
        return "glibc"
    suffix = _FILE_SUFFIX.search(path)
    if suffix is None:
        return None
    return "musl" if suffix[1] == "musl" else "glibc"


def _x86_level(needed: int | None) -> int:
    """GNU_PROPERTY_X86_ISA_1_NEEDED: bits 0 to 3 stand for the levels 1 to 4 (x86-64 psABI, "Program Property")."""
    return max(_X86_BASELINE, ((needed or 0) & 0xF).bit_length())


def _is_python_2_extension(elf: ElfFile) -> bool:
    """Whether PyFPE and UCS2 builds, which Python 3.7 ended, can matter: a library with neither init function is spared the look at its symbols."""
    return elf.is_shared_library and not any(_LIBPYTHON.fullmatch(name) for name in elf.needed) and elf.soname is None


def _python_builds(undefined: Container[str] | set[str]) -> tuple[str, ...]:
    builds = []
    if any(name in undefined for name in _PYFPE):
        builds.append("PyFPE")
    if isinstance(undefined, set) and any("PyUnicodeUCS2_" in name for name in undefined):
        builds.append("UCS2")
    return tuple(builds)


# -- what a policy says


def _objections(needs: PlatformNeeds, policy: _Policy) -> list[str]:
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


def _reasons(judged: Sequence[PlatformNeeds], policy: _Policy) -> list[str]:
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


def _most_frequent(values: Iterable[Any]) -> Any:  # noqa: ANN401 - architectures or C libraries
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


@cache
def _policies(libc: Libc, arch: str) -> tuple[_Policy, ...]:
    """The policies for an architecture, the most compatible first.

    musl: only the latest, as auditwheel has it; the older one differs by the host's musl and not by anything that a file shows.
    """
    rows = [row for row in _policy_table(libc) if arch in row["symbol_versions"]]
    rows.sort(key=lambda row: -int(row["priority"]))
    return tuple(_policy(row, libc, arch) for row in (rows[-1:] if libc == "musl" else rows))


def _policy(row: dict[str, Any], libc: Libc, arch: str) -> _Policy:
    versions: dict[str, list[str]] = row["symbol_versions"][arch]
    libraries = set(row["lib_whitelist"])
    if libc == "musl" and "libc.so" in libraries:
        libraries.add(f"libc.musl-{_MUSL_NAMES.get(arch, arch)}.so.1")
    return _Policy(
        tag=f"{row['name']}_{arch}",
        namespaces=frozenset(versions),
        versions=frozenset(f"{namespace}_{version}" for namespace, names in versions.items() for version in names),
        libraries=frozenset(libraries),
        forbidden={library: frozenset(symbols) for library, symbols in row["blacklist"].items()},
    )


@cache
def _policy_table(libc: Libc) -> tuple[dict[str, Any], ...]:
    path = _package_directory() / "policy" / _POLICY_FILES[libc]
    try:
        rows = msgspec.json.decode(path.read_bytes())
        wanted = ("name", "priority", "symbol_versions", "lib_whitelist", "blacklist")
        return tuple({key: row[key] for key in wanted} for row in rows if row["name"] != "linux")
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise InstallationError(
            f"the policy data of auditwheel are not as expected: {error}", "install auditwheel 6.5 or newer"
        ) from error


def _package_directory() -> Path:
    spec = find_spec("auditwheel")
    if spec is None or not spec.submodule_search_locations:
        raise InstallationError("the package auditwheel is not installed", "reinstall bundle-inspect")
    return Path(next(_strings(spec.submodule_search_locations)))


def _strings(locations: Iterable[str]) -> Iterator[str]:
    yield from locations
