"""The one adapter to auditwheel's policy data: which symbol versions and libraries a manylinux or musllinux tag grants.

The JSON files of the installed package are read where they lie.  auditwheel's modules are never imported: they are no library (its issue 82), and
they resolve libraries on the machine that they run on.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from inspector.errors import InstallationError

Libc = Literal["glibc", "musl"]

_FILES: dict[Libc, str] = {"glibc": "manylinux-policy.json", "musl": "musllinux-policy.json"}
_KEYS = ("name", "priority", "symbol_versions", "lib_whitelist", "blacklist")
_MUSL_ARCHITECTURES = {
    "i686": "x86",
    "armv7l": "armv7",
}  # musl's word in its soname where it is not that of uname -m (musl configure, ARCH)


class Policy(Struct, frozen=True):
    """What one tag grants on one architecture.

    :ivar tag: "manylinux_2_28_x86_64".
    :ivar namespaces: version namespaces that it speaks of ("GLIBC", "GLIBCXX", …); versions of others are free.
    :ivar versions: whole names ("GLIBC_2.28").
    :ivar libraries: sonames that the host has.
    :ivar forbidden: soname -> symbols that must not be taken from it although the host has it.
    """

    tag: str
    namespaces: frozenset[str]
    versions: frozenset[str]
    libraries: frozenset[str]
    forbidden: dict[str, frozenset[str]]


@cache
def policies(libc: Libc, arch: str) -> tuple[Policy, ...]:
    """The policies for an architecture, the most compatible first; none for one that no policy knows.

    Of musl only the latest, as auditwheel has it: the older tag differs by the host's musl, and by nothing that a file shows.

    :raises InstallationError: where auditwheel is missing, or its data have another form.
    """
    rows = [row for row in _table(libc) if arch in row["symbol_versions"]]
    rows.sort(key=lambda row: -int(row["priority"]))
    return tuple(_policy(row, libc, arch) for row in (rows[-1:] if libc == "musl" else rows))


@cache
def restricted_symbols() -> dict[str, frozenset[str]]:
    """Soname -> symbols that at least one policy forbids; the only symbols that a tag can depend on."""
    found: dict[str, set[str]] = {}
    for libc in _FILES:
        for row in _table(libc):
            for library, symbols in row["blacklist"].items():
                found.setdefault(library, set()).update(symbols)
    return {library: frozenset(symbols) for library, symbols in found.items()}


@cache
def policy_source() -> str:
    """The distribution that the data come from, with its version ("auditwheel 6.8.2")."""
    found = [path.name for path in _package_directory().parent.glob("auditwheel-*.dist-info")]
    return f"auditwheel {found[0].removesuffix('.dist-info').partition('-')[2]}" if found else "auditwheel"


def _policy(row: dict[str, Any], libc: Libc, arch: str) -> Policy:
    versions: dict[str, list[str]] = row["symbol_versions"][arch]
    libraries = set(row["lib_whitelist"])
    if libc == "musl" and "libc.so" in libraries:
        libraries.add(f"libc.musl-{_MUSL_ARCHITECTURES.get(arch, arch)}.so.1")
    return Policy(
        tag=f"{row['name']}_{arch}",
        namespaces=frozenset(versions),
        versions=frozenset(f"{namespace}_{version}" for namespace, names in versions.items() for version in names),
        libraries=frozenset(libraries),
        forbidden={library: frozenset(symbols) for library, symbols in row["blacklist"].items()},
    )


@cache
def _table(libc: Libc) -> tuple[dict[str, Any], ...]:
    path = _package_directory() / "policy" / _FILES[libc]
    try:
        rows = msgspec.json.decode(path.read_bytes())
        return tuple({key: row[key] for key in _KEYS} for row in rows if row["name"] != "linux")
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise InstallationError(
            f"the policy data of auditwheel are not as expected: {error}", "install auditwheel 6.5 or newer"
        ) from error


def _package_directory() -> Path:
    spec = find_spec("auditwheel")
    location = None if spec is None else next(iter(spec.submodule_search_locations or ()), None)
    if location is None:
        raise InstallationError("the package auditwheel is not installed", "reinstall bundle-inspect")
    return Path(location)
