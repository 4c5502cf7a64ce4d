"""What is left of Debian's library packages when twelve sets have been drawn: the thirteenth (its rule is in README.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from corpus.licenses.population import OTHER_LANGUAGE, IndexedPackage, plain_package, read_index, unversioned_source

Place = Literal["trixie", "sid", "experimental", "bullseye", "trixie+non-free"]
_PLACES: tuple[Place, ...] = ("trixie", "sid", "experimental", "bullseye", "trixie+non-free")
"""A source package is taken from the first that has it."""
_LOOKED_AT = frozenset(
    (
        "dleyna-core",
        "giblib",
        "gr-soapy",
        "intel-opencl-clang",
        "libcommoncpp2",
        "libguess",
        "libzorpll",
        "netatalk",
        "tntdb",
        "tntnet",
        "twofish",
    )
)
"""Their rows in the catalogue have changed since they came in: who changed a rule may have looked at them."""
_SEEN = "bookworm"
"""All its source packages were drawn from, or looked at while rules were written."""


def remaining_libraries(sources: Collection[str], packages: Collection[str]) -> dict[Place, list[IndexedPackage]]:
    """Library packages with machine code by place, by name.

    :param sources: source packages of the sets before, in whatever version.
    :param packages: binary packages of the sets before; who has one of them is a renamed source package.
    """
    before = read_index(_SEEN)
    taken = {unversioned_source(source) for source in sources} | {
        unversioned_source(one.source) for one in before.values()
    }
    known = {plain_package(name) for name in packages} | {plain_package(name) for name in before}
    found: dict[Place, list[IndexedPackage]] = {}
    for place in _PLACES:
        libraries = _libraries(read_index(place))
        renamed = {package.source for package in libraries if plain_package(package.name) in known}
        found[place] = [
            package
            for package in libraries
            if unversioned_source(package.source) not in taken and package.source not in renamed | _LOOKED_AT
        ]
        taken |= {unversioned_source(package.source) for package in found[place]}
    return found


def _libraries(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    return [
        index[name]
        for name in sorted(index)
        if index[name].is_library and index[name].architecture != "all" and OTHER_LANGUAGE.search(name) is None
    ]
