"""Which packages are looked at, and which half of them each belongs to.

A library package of the population is a package whose name starts with "lib" or whose section is "libs" or "oldlibs", no development files,
documentation or programs by its name, in the closure of dependencies (``Depends`` and ``Pre-Depends``, the first alternative of each, the first
provider by name) of the applications in ``population.toml``.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus.debian import apt
from corpus.programs import run

Half = Literal["catalogue", "measured"]
FreshSet = Literal["third", "fourth", "fifth", "sixth", "seventh", "ninth"]
_SIXTEENTHS: dict[FreshSet, tuple[int, ...]] = {
    "third": (1,),
    "fourth": (2,),
    "fifth": (3, 4),
    "sixth": (5, 6),
    "seventh": (7, 8),
    "ninth": (9, 10),
}
FRESH_SETS: tuple[FreshSet, ...] = tuple(_SIXTEENTHS)
_AFTER_EIGHTH: frozenset[FreshSet] = frozenset({"ninth"})
"""Fresh sets that were drawn after the eighth, which is no set of sixteenths: they have nothing of it, and it may have of their sixteenths."""

APPLICATIONS = Path(__file__).with_name("population.toml")
_NO_LIBRARY = re.compile(r"-(?:dev|data|doc|common|perl|bin|tools|dbg|dbgsym)$")
_LARGEST = 2_000_000_000  # bytes of a .deb that is still downloaded for the catalogue; rocsolver's, the largest of Debian 13, has 450 million
OTHER_LANGUAGE = re.compile(r"^(?:golang|librust|libghc|libjs|node|elpa)-|-(?:java|cil|ruby|ocaml|clojure|coq)$")
"""Names of packages that are libraries of a language with no shared libraries for the loader."""
_TENTH_SIXTEENTHS = range(14)
"""The smallest whole sixteenths that have more than 200 of the source packages that Debian 13 has first; the eleventh set has the others."""
_FAMILY = re.compile(r"^(?:lib)?(?:qt|kf|kpim|plasma)\d+-?|^lib")
_FAMILY_AT_END = re.compile(r"-(?:qt|kf|gtk)\d+$")
_NUMBERS = re.compile(r"\d+(?:[.-]\d+)*")


@dataclass(frozen=True, slots=True)
class IndexedPackage:
    """A stanza of a release's package index, what is used of it.

    :ivar source: name of the source package.
    :ivar depends: ``Depends`` and ``Pre-Depends`` as written, with commas.
    :ivar architecture: of the binary package; "all" where it has no machine code.
    :ivar size: bytes of the .deb.
    """

    name: str
    version: str
    source: str
    section: str
    homepage: str
    depends: str
    provides: tuple[str, ...]
    architecture: str = ""
    size: int = 0

    @property
    def is_library(self) -> bool:
        """Whether it is a library package by its name and section."""
        by_name = self.name.startswith("lib") or self.section in ("libs", "oldlibs")
        return by_name and _NO_LIBRARY.search(self.name) is None

    @property
    def depended_on(self) -> set[str]:
        """Names of the packages that it depends on, the first alternative of each."""
        parts = (part.split("|")[0].strip() for part in self.depends.split(","))
        return {re.split(r"[\s:(]", part, maxsplit=1)[0] for part in parts}


def half_of(source: str) -> Half:
    """The half of a source package, for good: by the lowest bit of the first byte of its name's SHA-256."""
    return "measured" if hashlib.sha256(source.encode()).digest()[0] & 1 else "catalogue"


def is_sampled(source: str) -> bool:
    """Whether a source package is in the random sample of all library packages: one in sixteen, by the second byte of the same digest."""
    return hashlib.sha256(source.encode()).digest()[1] < 16


def is_in_fresh_set(source: str, set_: FreshSet) -> bool:
    """Whether a source package is in the sixteenths that a later measurement is made on: by the same byte as the sample."""
    return hashlib.sha256(source.encode()).digest()[1] // 16 in _SIXTEENTHS[set_]


def read_index(release: str) -> dict[str, IndexedPackage]:
    """Every package of a release (its codename) by name, the first version that apt lists."""
    found: dict[str, IndexedPackage] = {}
    for stanza in run(["apt-cache", *apt(release).options(), "dumpavail"]).split("\n\n"):
        fields: dict[str, str] = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", stanza, re.MULTILINE))
        name = fields.get("Package")
        if name is None or name in found:
            continue
        found[name] = IndexedPackage(
            name=name,
            version=fields["Version"],
            source=fields.get("Source", name).split()[0],
            section=fields.get("Section", ""),
            homepage=fields.get("Homepage", ""),
            depends=", ".join(fields[key] for key in ("Depends", "Pre-Depends") if key in fields),
            provides=tuple(part.split()[0] for part in fields.get("Provides", "").split(",") if part.strip()),
            architecture=fields.get("Architecture", ""),
            size=int(fields.get("Size", "0")),
        )
    return found


def bundle_libraries(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The library packages of the population, by name."""
    return _closure(index, "applications")


def more_bundle_libraries(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The library packages that only the applications of the second list need, of source packages that the first population has nothing of."""
    sources = {package.source for package in bundle_libraries(index) + sampled_libraries(index)}
    return [package for package in _closure(index, "more_applications") if package.source not in sources]


def eighth_libraries(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The library packages that only the applications of the eighth set's list need, of source packages that no earlier set has anything of."""
    before = [*bundle_libraries(index), *sampled_libraries(index), *more_bundle_libraries(index)]
    for fresh in FRESH_SETS:
        if fresh not in _AFTER_EIGHTH:
            before += fresh_libraries(index, fresh)
    sources = {package.source for package in before}
    return [
        package
        for package in _closure(index, "eighth_applications")
        if package.source not in sources and OTHER_LANGUAGE.search(package.name) is None
    ]


def _closure(index: Mapping[str, IndexedPackage], application_list: str) -> list[IndexedPackage]:
    providers: dict[str, list[str]] = {}
    for package in index.values():
        for name in package.provides:
            providers.setdefault(name, []).append(package.name)
    applications = tomllib.loads(APPLICATIONS.read_text(encoding="utf-8"))[application_list]
    waiting = [name for name in applications if name in index]
    seen = set(waiting)
    while waiting:
        for name in sorted(index[waiting.pop()].depended_on):
            chosen = name if name in index else min(providers.get(name, [""]))
            if chosen and chosen not in seen:
                seen.add(chosen)
                waiting.append(chosen)
    return sorted((index[name] for name in seen if index[name].is_library), key=lambda package: package.name)


def fresh_libraries(index: Mapping[str, IndexedPackage], set_: FreshSet) -> list[IndexedPackage]:
    """The library packages of a fresh set, by name: other sixteenths of all source packages, of those that nothing before has anything of."""
    before = [*bundle_libraries(index), *sampled_libraries(index), *more_bundle_libraries(index)]
    if set_ in _AFTER_EIGHTH:
        before += eighth_libraries(index)
    sources = {package.source for package in before}
    return sorted(
        (
            package
            for package in index.values()
            if package.is_library
            and is_in_fresh_set(package.source, set_)
            and package.source not in sources
            and OTHER_LANGUAGE.search(package.name) is None
        ),
        key=lambda package: package.name,
    )


def unversioned_source(source: str) -> str:
    """The name of a source package without version numbers, "lib" and the generation of a family, so that a new series has the name of the old one.

    "boost1.83" is "boost", "llvm-toolchain-19" is "llvmtoolchain", "kf6-karchive" is "karchive", "libkf5libkleo" and "libkleo" are "kleo".
    """
    name = _FAMILY_AT_END.sub("", _FAMILY.sub("", _FAMILY.sub("", source)))
    return re.sub(r"[^a-z]", "", _NUMBERS.sub("", name)) or name


def plain_package(name: str) -> str:
    """A package's name without the mark of the 64-bit time transition."""
    return name.removesuffix("t64")


def tenth_libraries(
    index: Mapping[str, IndexedPackage], earlier: Iterable[Mapping[str, IndexedPackage]]
) -> list[IndexedPackage]:
    """The library packages of the tenth set, by name: of Debian 13's source packages that neither Debian 12 nor Debian 11 has, fourteen sixteenths.

    :param index: the packages of Debian 13.
    :param earlier: those of Debian 12 and Debian 11.
    """
    return [package for package in new_libraries(index, earlier) if _is_of_tenth(package.source)]


def eleventh_libraries(
    unstable: Mapping[str, IndexedPackage],
    stable: Mapping[str, IndexedPackage],
    earlier: Sequence[Mapping[str, IndexedPackage]],
) -> tuple[list[IndexedPackage], list[IndexedPackage]]:
    """The library packages of the eleventh set, by name: those new in unstable, and those new in Debian 13 that the tenth set left out.

    :param unstable: the packages of Debian sid.
    :param stable: those of Debian 13.
    :param earlier: those of Debian 12 and Debian 11.
    """
    left = [package for package in new_libraries(stable, earlier) if not _is_of_tenth(package.source)]
    return new_libraries(unstable, [stable, *earlier]), left


def _is_of_tenth(source: str) -> bool:
    return hashlib.sha256(source.encode()).digest()[1] // 16 in _TENTH_SIXTEENTHS


def new_libraries(
    index: Mapping[str, IndexedPackage], earlier: Iterable[Mapping[str, IndexedPackage]]
) -> list[IndexedPackage]:
    """The library packages with machine code, by name, of source packages that a release has and no earlier one.

    A source package is left out, too, where one of its library packages has the name of an earlier release's package: it was renamed, not new.
    """
    packages = [package for release in earlier for package in release.values()]
    sources = {unversioned_source(package.source) for package in packages}
    names = {plain_package(package.name) for package in packages}
    new = [
        package
        for package in index.values()
        if package.is_library
        and package.architecture != "all"
        and OTHER_LANGUAGE.search(package.name) is None
        and unversioned_source(package.source) not in sources
    ]
    renamed = {package.source for package in new if plain_package(package.name) in names}
    return sorted((package for package in new if package.source not in renamed), key=lambda package: package.name)


def returned_libraries(
    index: Mapping[str, IndexedPackage],
    oldest: Mapping[str, IndexedPackage],
    others: Iterable[Mapping[str, IndexedPackage]],
) -> list[IndexedPackage]:
    """The library packages, by name, of source packages that an old release has and none between, under names that the old one has not.

    :param index: the packages of the release that has them again.
    :param oldest: those of the old release.
    :param others: those of the releases between.
    """
    between = {unversioned_source(package.source) for release in others for package in release.values()}
    back = {unversioned_source(package.source) for package in oldest.values()} - between
    return [
        package
        for package in all_libraries(index)
        if unversioned_source(package.source) in back and plain_package(package.name) not in oldest
    ]


def all_libraries(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """Every library package of a release that has machine code, by name; tests, static archives and what is larger than 2 GB left out."""
    return sorted(
        (
            package
            for package in index.values()
            if package.is_library
            and package.architecture != "all"
            and package.size <= _LARGEST
            and OTHER_LANGUAGE.search(package.name) is None
            and not package.name.endswith(("-tests", "-static"))
        ),
        key=lambda package: package.name,
    )


def sampled_libraries(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The library packages of the sample of everything that a release has, by name."""
    return sorted(
        (package for package in index.values() if package.is_library and is_sampled(package.source)),
        key=lambda package: package.name,
    )
