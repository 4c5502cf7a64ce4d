"""Host profiles read from their TOML: nothing becomes a :class:`ProvidedLibrary` before somebody asks for its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from msgspec import Struct

from inspector.errors import UsageError
from inspector.facts.hosts.libraries import host_library
from inspector.facts.hosts.profile_schema import LARGEST_PAGE_SIZE, PRESENCES, check_document
from inspector.loader.host_profile import Basis, HostProfile, Presence, ProvidedLibrary
from inspector.loader.objects import ARCHITECTURES, LoaderObject, VersionRequirement
from inspector.resources import load_table
from inspector.toml import parse_toml


class CapturedSymbols(Struct, frozen=True):
    """The dynamic symbols of a captured library as a :class:`inspector.loader.objects.SymbolView`.

    :ivar exported: ``name``, ``name@version`` or ``name@@version``, separated by spaces; split when somebody asks.
    :ivar imported: ``name`` or ``name@version``.
    """

    exported: str
    imported: str

    def exports(self) -> Mapping[str, frozenset[str | None]]:
        """See :class:`inspector.loader.objects.SymbolView`."""
        versions: dict[str, set[str | None]] = {}
        for word in self.exported.split():
            name, version = split_symbol(word)
            versions.setdefault(name, set()).add(version)
        return {name: frozenset(found) for name, found in versions.items()}

    def imports(self) -> Iterator[tuple[str, str | None]]:
        """See :class:`inspector.loader.objects.SymbolView`."""
        return map(split_symbol, self.imported.split())


def split_symbol(word: str) -> tuple[str, str | None]:
    """``name@@version`` as ``(name, version)``; without a version it is None."""
    name, mark, version = word.partition("@")
    return name, version.removeprefix("@") if mark else None


class ProvidedLibraries(Mapping[str, ProvidedLibrary]):
    """Libraries by the name that is asked for, each made when it is asked for.

    Lookup knows more names than iteration where the AppImage excludelist speaks in patterns (``libgallium-*.so``).
    """

    def __init__(self, document: Mapping[str, Any], *, with_expected: bool) -> None:
        """
        :param document: the profile's file.
        :param with_expected: whether a soname of the AppImage excludelist counts as present on a desktop, as an assumption.
        """
        self._document = document
        self._with_expected = with_expected
        self._made: dict[str, ProvidedLibrary | None] = {}

    @cached_property
    def _listed(self) -> dict[str, tuple[Presence, Basis, str | None]]:
        """By soname what the tables ``measured`` and ``assumed`` say; the first that names it decides, measured before assumed."""
        listed: dict[str, tuple[Presence, Basis, str | None]] = {}
        bases: tuple[Basis, ...] = ("measured", "assumed")
        for basis in bases:
            table = self._document.get(basis, {})
            for presence in PRESENCES:
                for line in table.get(presence, "").splitlines():
                    package, _, names = line.partition(": ")
                    entry = (presence, basis, None if package == "-" else package)
                    for name in names.split():
                        listed.setdefault(name, entry)
        return listed

    @cached_property
    def _files(self) -> dict[str, tuple[str, str]]:
        """By name: the path that the default search finds, and the path of the file that it leads to.

        What only a search path of the system's own objects finds has its path for a name.
        """
        found: dict[str, tuple[str, str]] = {}
        for file, facts in self._document.get("file", {}).items():
            for text in facts["found"]:
                name, separator, path = text.partition("=/")
                found[name if separator else text.rpartition("/")[2]] = (f"/{path}" if separator else text, file)
        return found

    def __getitem__(self, name: str) -> ProvidedLibrary:
        if name not in self._made:
            self._made[name] = self._make(name)
        library = self._made[name]
        if library is None:
            raise KeyError(name)
        return library

    def __iter__(self) -> Iterator[str]:
        yield from self._files
        yield from (name for name in self._listed if name not in self._files)
        if self._with_expected:
            for name in _excludelist():
                if name not in self._files and name not in self._listed and self._is_expected(name):
                    yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def _make(self, name: str) -> ProvidedLibrary | None:
        captured = self._files.get(name)
        if captured is not None:
            return self._captured(name, *captured)
        known = self._listed.get(name)
        if known is None and self._with_expected and self._is_expected(name):
            known = ("desktop", "assumed", None)
        if known is None:
            return None
        presence, basis, package = known
        versions = self._document.get("versions", {}).get(name)
        exports = self._document.get("exports", {}).get(name)
        return ProvidedLibrary(
            soname=name,
            presence=presence,
            basis=basis,
            package=package,
            versions=None if versions is None else frozenset(expand_versions(versions)),
            exports=None if exports is None else frozenset(exports.split()),
            needed=tuple(self._document.get("needed", {}).get(name, "").split()),
            requirements=tuple(_requirements(self._document.get("requirements", {}).get(name, ""))),
        )

    def _is_expected(self, name: str) -> bool:
        expected = host_library(name)
        if expected is None or not expected.listed or expected.supplier == "bundle":
            return False
        return (
            name not in _of_c_library()
        )  # the profile itself says which parts its glibc has; of musl none of them is a part

    def _captured(self, name: str, path: str, file: str) -> ProvidedLibrary:
        facts: Mapping[str, Any] = self._document["file"][file]
        definitions = frozenset(facts.get("definitions", "").split())
        exported, imported = facts.get("exports", ""), facts.get("imports", "")
        flags = facts.get("flags", "").split()
        library = LoaderObject(
            identity=f"host:{file}",
            architecture=ARCHITECTURES[self._document["arch"]],
            soname=facts.get("soname"),
            needed=tuple(facts.get("needed", "").split()),
            rpath=facts.get("rpath"),
            runpath=facts.get("runpath"),
            requirements=tuple(_requirements(facts.get("requirements", ""))),
            definitions=definitions,
            symbols=CapturedSymbols(exported, imported),
            largest_page_size=facts.get("largest_page_size", LARGEST_PAGE_SIZE),
            isa_level=facts.get("isa_level", 0),
            position_independent_program="position_independent_program" in flags,
            no_open="no_open" in flags,
            nodeflib="nodeflib" in flags,
            executable_stack="executable_stack" in flags,
            has_relr="has_relr" in flags,
        )
        return ProvidedLibrary(
            soname=name,
            presence="minimal",
            basis="captured",
            path=path,
            package=facts.get("package"),
            versions=definitions,
            object=library,
            exports=frozenset(exported.split()),
            imports=frozenset(imported.split()),
        )


@cache
def _excludelist() -> dict[str, str]:
    """The group of every soname that the AppImage excludelist names without a pattern."""
    rows = load_table("appimage/excludelist.toml")["library"]
    return {name: row["group"] for row in rows for name in row["sonames"] if not any(mark in name for mark in "*?[")}


@cache
def _of_c_library() -> frozenset[str]:
    return frozenset(name for name, group in _excludelist().items() if group == "c-library")


def _requirements(text: str) -> Iterator[VersionRequirement]:
    for word in text.split():
        weak = word.endswith("?")
        library, _, version = word.removesuffix("?").rpartition(":")
        yield VersionRequirement(library, version, weak)


def expand_versions(text: str) -> Iterator[str]:
    """``"GLIBC_2.2.5 2.3 GLIBC_PRIVATE"`` as full names: a word that starts with a digit repeats the namespace of the last one that did not.

    A name that itself starts with a digit is written with ``=`` before it.
    """
    namespace = ""
    for word in text.split():
        if word[0].isdigit():
            yield namespace + word
        elif word[0] == "=":
            yield word[1:]
        else:
            head, mark, tail = word.rpartition("_")
            if tail[:1].isdigit():
                namespace = head + mark
            yield word


def read_profile(content: bytes, place: str, release: Mapping[str, Any] | None = None) -> HostProfile:
    """A profile from the bytes of its file.

    :param place: the file's name, for messages.
    :param release: what is known of the release on every architecture; the file's own words go before it.
    :raises UsageError: where it is not a profile.
    """
    try:
        document = parse_toml(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place} is not valid TOML: {error}", "inspect host capture writes a valid one") from error
    if release is not None:
        document = {**release, **document}
    check_document(document, place)
    return profile_from_document(document)


def profile_from_document(document: Mapping[str, Any]) -> HostProfile:
    """A profile over a document that :func:`check_document` accepts."""
    complete = document.get("complete", False)
    return HostProfile(
        id=document["id"],
        name=document["name"],
        arch=document["arch"],
        libc=document["libc"],
        libc_version=document["libc_version"],
        basis=document["basis"],
        isa_level=document.get("isa_level"),
        kernel=document.get("kernel"),
        page_sizes=tuple(document.get("page_sizes", (4096,))),
        released=_date(document.get("released")),
        supported_until=_date(document.get("supported_until")),
        libraries=ProvidedLibraries(document, with_expected=not complete),
        complete=complete,
        programs=document.get("programs", {}),
    )


def _date(value: object) -> str | None:
    return None if value is None else str(value)
