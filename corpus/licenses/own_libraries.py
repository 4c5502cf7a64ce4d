"""Libraries that applications bring for themselves, in the loader's directories, of source packages without a library package.

They are the twelfth set (its rule is in README.md) and, the other half of them, what its rules are tried on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from corpus.contents import packages_with_libraries
from corpus.licenses.population import OTHER_LANGUAGE, Half, IndexedPackage, half_of, read_index, unversioned_source

_RELEASES = ("bookworm", "trixie")
"""Debian 12 first, as for the catalogue; of Debian 13 what it alone has."""
_ALL_RELEASES = ("bullseye", "bookworm", "trixie", "sid")
_LINKS_ALONE = ("-dev", "-dbg", "-dbgsym")
_CROSS_TOOLCHAIN = "binutils-"
"""Builds of binutils for other machines: the project has library packages of its own."""


def own_libraries(half: Half) -> dict[str, list[IndexedPackage]]:
    """The packages of one half by release, by name."""
    indexes = {release: read_index(release) for release in _ALL_RELEASES}
    known = _with_library_packages(indexes.values())
    found: dict[str, list[IndexedPackage]] = {}
    for release in _RELEASES:
        index = indexes[release]
        chosen = [
            index[name]
            for name in sorted(packages_with_libraries(release))
            if name in index and _is_own(index[name]) and unversioned_source(index[name].source) not in known
        ]
        found[release] = [package for package in chosen if half_of(package.source) == half]
        known |= {unversioned_source(package.source) for package in chosen}
    return found


def _with_library_packages(indexes: Iterable[Mapping[str, IndexedPackage]]) -> set[str]:
    """Names without versions of the source packages that have a library package with machine code in one of the releases."""
    return {
        unversioned_source(package.source)
        for index in indexes
        for package in index.values()
        if package.is_library and package.architecture != "all"
    }


def _is_own(package: IndexedPackage) -> bool:
    return (
        package.architecture != "all"
        and not package.name.endswith(_LINKS_ALONE)
        and OTHER_LANGUAGE.search(package.name) is None
        and not package.source.startswith(_CROSS_TOOLCHAIN)
    )
