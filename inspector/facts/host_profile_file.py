"""The TOML of a host profile, read and written: the shipped ones of ``rules/hosts/`` and the captured ones of a user's own fleet.

One table of the file stands for one kind of knowledge, and many names share one literal string, because a parser skips through a string at once
and makes an object of every key.  Nothing becomes a :class:`ProvidedLibrary` before somebody asks for its name.

Top level: ``schema``, ``id``, ``name``, ``arch``, ``libc``, ``libc_version``, ``basis``, ``complete``, and where known ``isa_level``, ``kernel``,
``page_sizes`` (bytes), ``released``, ``supported_until``, ``as_of``.  Then:

``[programs]``                 program = presence
``[sources]``                  field or table = where it was taken from, for people
``[measured]``, ``[assumed]``  presence = lines ``package: soname soname …`` (``-`` where nobody knows the package)
``[versions]``                 soname = names of its version definitions; a word that starts with a digit repeats the namespace before it
``[exports]``                  soname = its symbols, ``name``, ``name@version`` or ``name@@version``
``[file.'<path>']``            a captured library: ``found`` (the paths that the default search finds it by; the last part is the name that is asked for,
                               else ``name=path``), ``package``, ``soname``, ``needed``, ``rpath``, ``runpath``, ``requirements`` (``library:version``, with
                               ``?`` behind a weak one), ``definitions``, ``exports``, ``imports``, ``flags``, ``largest_page_size``, ``isa_level``

Words in a string are separated by white space; names that hold white space were written with ``\\xNN`` when they were captured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, get_args

from inspector.errors import UsageError
from inspector.facts.host_libraries import host_library
from inspector.loader.host_profile import Basis, HostProfile, Presence, ProvidedLibrary
from inspector.loader.objects import Architecture, LoaderObject, VersionRequirement
from inspector.resources import load_table

SCHEMA = "inspector/host/1"

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

PRESENCES: tuple[Presence, ...] = get_args(Presence)
BASES: tuple[Basis, ...] = get_args(Basis)

_FLAGS = (
    "position_independent_program",
    "no_open",
    "nodeflib",
    "executable_stack",
    "has_relr",
)  # of LoaderObject, as they stand in `flags`
_LARGEST_PAGE_SIZE = 65536


@dataclass(frozen=True, slots=True)
class CapturedSymbols:
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
        for basis in ("measured", "assumed"):
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
        """By name: the path that the default search finds, and the path of the file that it leads to."""
        found: dict[str, tuple[str, str]] = {}
        for file, facts in self._document.get("file", {}).items():
            for text in facts["found"]:
                name, separator, path = text.partition("=") if not text.startswith("/") else ("", "", text)
                found[name if separator else path.rpartition("/")[2]] = (path, file)
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
            largest_page_size=facts.get("largest_page_size", _LARGEST_PAGE_SIZE),
            isa_level=facts.get("isa_level", 0),
            **{flag: flag in flags for flag in _FLAGS},
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
    """``"GLIBC_2.2.5 2.3 GLIBC_PRIVATE"`` as full names: a word that starts with a digit repeats the namespace of the last one that did not."""
    namespace = ""
    for word in text.split():
        if word[0].isdigit():
            yield namespace + word
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
        document: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
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


_TEXTS = ("id", "name", "arch", "libc_version")
_FILE_TEXTS = (
    "package",
    "soname",
    "needed",
    "rpath",
    "runpath",
    "requirements",
    "definitions",
    "exports",
    "imports",
    "flags",
)


def check_document(document: Mapping[str, Any], place: str) -> None:
    """Raise UsageError with the place in the file where it is not what this module's docstring says."""

    def refuse(what: str) -> UsageError:
        return UsageError(f"{place} is not a host profile: {what}", "inspect host capture writes a valid one")

    if document.get("schema") != SCHEMA:
        raise refuse(f'schema is not "{SCHEMA}"')
    for key in _TEXTS:
        if not isinstance(document.get(key), str) or not document[key]:
            raise refuse(f"{key} is missing or no text")
    if document["arch"] not in ARCHITECTURES:
        raise refuse(f"arch is none of {', '.join(ARCHITECTURES)}")
    if document.get("libc") not in ("glibc", "musl"):
        raise refuse("libc is neither glibc nor musl")
    if document.get("basis") not in BASES:
        raise refuse(f"basis is none of {', '.join(BASES)}")
    if not isinstance(document.get("complete", False), bool):
        raise refuse("complete is neither true nor false")
    if not isinstance(document.get("isa_level", 1), int) or not isinstance(document.get("kernel", ""), str):
        raise refuse("isa_level is no number, or kernel no text")
    sizes = document.get("page_sizes", [])
    if not isinstance(sizes, list) or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise refuse("page_sizes is no list of bytes")
    for name in ("programs", "sources", "measured", "assumed", "versions", "exports"):
        table = document.get(name, {})
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise refuse(f"[{name}] is no table of texts")
    for name in ("measured", "assumed"):
        for key in document.get(name, {}):
            if key not in PRESENCES:
                raise refuse(f"[{name}] has {key}, which is none of {', '.join(PRESENCES)}")
    if any(value not in PRESENCES for value in document.get("programs", {}).values()):
        raise refuse(f"[programs] has a value that is none of {', '.join(PRESENCES)}")
    files = document.get("file", {})
    if not isinstance(files, dict):
        raise refuse("[file] is no table")
    for path, facts in files.items():
        if not isinstance(facts, dict) or not isinstance(facts.get("found"), list):
            raise refuse(f"[file.'{path}'] has no list found")
        if not all(isinstance(text, str) for text in facts["found"]):
            raise refuse(f"[file.'{path}'] has something else than texts in found")
        for key in _FILE_TEXTS:
            if key in facts and not isinstance(facts[key], str):
                raise refuse(f"[file.'{path}'] has {key} that is no text")
        for key in ("largest_page_size", "isa_level"):
            if not isinstance(facts.get(key, 0), int):
                raise refuse(f"[file.'{path}'] has {key} that is no number")


def profile_to_toml(profile: HostProfile, *, as_of: str, source: str) -> str:
    """The file of a captured profile, which :func:`read_profile` reads back equal.

    :param as_of: ISO date of the capture.
    :param source: what was captured, for people.
    :raises ValueError: for a library without an object: only captures are written by program.
    """
    lines = [f"schema = {quoted(SCHEMA)}"]
    for key in ("id", "name", "arch", "libc", "libc_version", "basis"):
        lines.append(f"{key} = {quoted(getattr(profile, key))}")
    lines.append(f"complete = {'true' if profile.complete else 'false'}")
    if profile.isa_level is not None:
        lines.append(f"isa_level = {profile.isa_level}")
    if profile.kernel is not None:
        lines.append(f"kernel = {quoted(profile.kernel)}")
    lines.append(f"page_sizes = [{', '.join(map(str, profile.page_sizes))}]")
    for key in ("released", "supported_until"):
        if getattr(profile, key) is not None:
            lines.append(f"{key} = {quoted(getattr(profile, key))}")
    lines += [f"as_of = {quoted(as_of)}", "", "[sources]", f"capture = {quoted(source)}"]
    if profile.programs:
        lines += ["", "[programs]"]
        lines += [f"{quoted(name)} = {quoted(presence)}" for name, presence in sorted(profile.programs.items())]
    by_file: dict[str, list[ProvidedLibrary]] = {}
    for library in profile.libraries.values():
        if library.object is None or library.path is None:
            raise ValueError(f"{library.soname} was not captured")
        by_file.setdefault(library.object.identity.removeprefix("host:"), []).append(library)
    for file in sorted(by_file):
        lines += ["", f"[file.{quoted(file)}]", *_file_lines(by_file[file])]
    return "\n".join(lines) + "\n"


def _file_lines(libraries: list[ProvidedLibrary]) -> Iterator[str]:
    first = libraries[0]
    loadable = first.object
    assert loadable is not None
    places = []
    for library in sorted(libraries, key=lambda library: library.soname):
        path = library.path or ""
        places.append(path if path.rpartition("/")[2] == library.soname else f"{library.soname}={path}")
    yield f"found = [{', '.join(map(quoted, places))}]"
    for key, text in (
        ("package", first.package), ("soname", loadable.soname), ("rpath", loadable.rpath), ("runpath", loadable.runpath),
    ):  # fmt: skip
        if text is not None:
            yield f"{key} = {quoted(text)}"
    words: dict[str, Iterable[str]] = {
        "needed": loadable.needed,
        "requirements": (f"{row.library}:{row.version}{'?' if row.weak else ''}" for row in loadable.requirements),
        "definitions": sorted(loadable.definitions or ()),
        "flags": (flag for flag in _FLAGS if getattr(loadable, flag)),
    }
    for key, several in words.items():
        joined = " ".join(several)
        if joined:
            yield f"{key} = {quoted(joined)}"
    if loadable.largest_page_size != _LARGEST_PAGE_SIZE:
        yield f"largest_page_size = {loadable.largest_page_size}"
    if loadable.isa_level:
        yield f"isa_level = {loadable.isa_level}"
    for key, names in (("exports", first.exports), ("imports", first.imports)):
        if names:
            yield f"{key} = {quoted(' '.join(sorted(names)))}"


def quoted(text: str) -> str:
    """A TOML string: a literal one where that is possible, because parsers are quick with it, else a basic one (TOML 1.0, "String")."""
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = "".join(
        f"\\{character}" if character in '"\\'
        else character if character.isprintable()
        else f"\\U{ord(character):08x}"
        for character in text
    )  # fmt: skip
    return f'"{escaped}"'
