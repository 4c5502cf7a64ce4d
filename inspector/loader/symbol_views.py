"""The dynamic symbols of an object as lookups need them: sets of definitions, names that references without a version find, references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Protocol, runtime_checkable

from msgspec import Struct

from inspector.loader.objects import LoaderObject, SymbolView

Definition = tuple[str, str | None]


class Reference(Struct, frozen=True):
    """A symbol that an object wants of others.

    :ivar library: the file that its verneed names; None without a version, or where nobody knows.
    """

    name: str
    version: str | None
    library: str | None = None
    weak: bool = False


@runtime_checkable
class ExactSymbolView(Protocol):
    """A :class:`inspector.loader.objects.SymbolView` that also knows hidden versions, weak references and the files that verneed names."""

    def definitions(self) -> frozenset[Definition]:
        """(name, version) of all that it defines, the version None where it has none."""
        ...

    def plain_names(self) -> frozenset[str]:
        """Names that a reference without a version finds here."""
        ...

    def default_names(self) -> frozenset[str]:
        """Names of definitions that are not hidden: those that musl sees."""
        ...

    def references(self) -> tuple[Reference, ...]:
        """What it wants of others."""
        ...

    def wants(self) -> tuple[frozenset[Definition], frozenset[str]]:
        """Its strong references as sets: those with a version, and the names of those without; see :func:`wants_of`."""
        ...


def wants_of(references: Iterable[Reference]) -> tuple[frozenset[Definition], frozenset[str]]:
    """The strong references among some: (name, version) of those with a version, and the names of those without."""
    strong = [reference for reference in references if not reference.weak]
    return (
        frozenset((reference.name, reference.version) for reference in strong if reference.version is not None),
        frozenset(reference.name for reference in strong if reference.version is None),
    )


class SymbolWords:
    """Symbols as a host profile writes them, read when somebody asks.

    :param exports: ``name``, ``name@version`` (hidden) or ``name@@version`` (the default one).
    :param imports: ``name`` or ``name@version``, weak ones left out.
    :param first_version: the version with index 2, which references without a version find although it is hidden; None without one.
    """

    def __init__(
        self, exports: Iterable[str], imports: Iterable[str], requirements: Mapping[str, str], first_version: str | None
    ) -> None:
        self._exports = exports
        self._imports = imports
        self._libraries = requirements
        self._first_version = first_version

    def exports(self) -> Mapping[str, frozenset[str | None]]:
        """See :class:`inspector.loader.objects.SymbolView`."""
        versions: dict[str, set[str | None]] = {}
        for name, version in self.definitions():
            versions.setdefault(name, set()).add(version)
        return {name: frozenset(found) for name, found in versions.items()}

    def imports(self) -> Iterator[tuple[str, str | None]]:
        """See :class:`inspector.loader.objects.SymbolView`."""
        return ((reference.name, reference.version) for reference in self.references())

    @cached_property
    def _split(self) -> tuple[frozenset[Definition], frozenset[str], frozenset[str]]:
        definitions: set[Definition] = set()
        plain: set[str] = set()
        default: set[str] = set()
        for word in self._exports:
            name, mark, version = word.partition("@")
            if not mark:
                definitions.add((name, None))
                plain.add(name)
                default.add(name)
                continue
            bare = version.removeprefix("@")
            definitions.add((name, bare))
            if version.startswith("@"):
                default.add(name)
            if version.startswith("@") or bare == self._first_version:
                plain.add(name)
        return frozenset(definitions), frozenset(plain), frozenset(default)

    def definitions(self) -> frozenset[Definition]:
        """See :class:`ExactSymbolView`."""
        return self._split[0]

    def plain_names(self) -> frozenset[str]:
        """See :class:`ExactSymbolView`."""
        return self._split[1]

    def default_names(self) -> frozenset[str]:
        """See :class:`ExactSymbolView`."""
        return self._split[2]

    @cached_property
    def _references(self) -> tuple[Reference, ...]:
        found = []
        for word in self._imports:
            name, _, version = word.partition("@")
            found.append(Reference(name, version or None, self._libraries.get(version)))
        return tuple(found)

    def references(self) -> tuple[Reference, ...]:
        """See :class:`ExactSymbolView`."""
        return self._references

    @cached_property
    def _wants(self) -> tuple[frozenset[Definition], frozenset[str]]:
        return wants_of(self._references)

    def wants(self) -> tuple[frozenset[Definition], frozenset[str]]:
        """See :class:`ExactSymbolView`."""
        return self._wants


class _Plain:
    """Any other view: every version counts as the default one."""

    def __init__(self, view: SymbolView) -> None:
        exports = view.exports()
        self._definitions = frozenset((name, version) for name, versions in exports.items() for version in versions)
        self._names = frozenset(exports)
        self._references = tuple(Reference(name, version) for name, version in view.imports())

    def definitions(self) -> frozenset[Definition]:
        return self._definitions

    def plain_names(self) -> frozenset[str]:
        return self._names

    def default_names(self) -> frozenset[str]:
        return self._names

    def references(self) -> tuple[Reference, ...]:
        return self._references

    def wants(self) -> tuple[frozenset[Definition], frozenset[str]]:
        return wants_of(self._references)


def exact_view(loadable: LoaderObject) -> ExactSymbolView | None:
    """The symbols of an object, or None where nobody knows them."""
    view = loadable.symbols
    if view is None or isinstance(view, ExactSymbolView):
        return view
    return _Plain(view)
