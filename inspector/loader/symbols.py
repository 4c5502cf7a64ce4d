"""Undefined symbols of a process, all bound at once: statement G24 (glibc, ``check_match`` and ``do_lookup_x`` of elf/dl-lookup.c).

A reference with a version is met by that very version or by a definition without one; a reference without a version by a definition
without one, by the first version of its file (index 2), or by one that is not hidden.  Up to 2.29 a versioned reference had to be met in
the very file that its verneed names, or before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from inspector.loader.objects import LoaderObject, LoadGraph
from inspector.loader.symbol_views import Definition, ExactSymbolView, Reference, exact_view

_ACCEPTS_VANISHED = (2, 41)  # the assertion stands in tags up to glibc-2.40
_LEAVES_THE_FILE = (2, 30)  # commit f0b2132b35, BZ #24741


class UndefinedSymbol(Struct, frozen=True):
    """A symbol that nothing in an object's scope provides.

    :ivar needed_by: run-time path of the object.
    :ivar library: the file that should have it, where the loader names it (glibc up to 2.29).
    """

    name: str
    version: str | None
    needed_by: str
    requester: int
    library: str | None = None

    def message(self, program: str) -> str:
        """The loader's line, without the program's name in front."""
        where = self.needed_by or program
        if self.library is not None:
            return (
                f"relocation error: {where}: symbol {self.name} version {self.version} "
                f"not defined in file {self.library} with link time reference"
            )
        version = f", version {self.version}" if self.version else ""
        return f"symbol lookup error: {where}: undefined symbol: {self.name}{version}"


class Scope:
    """What a lookup goes through, in order.

    :ivar members: index in the graph and symbols of each object.
    :ivar complete: whether the symbols of every member are known.
    """

    def __init__(self) -> None:
        self.members: list[tuple[int, ExactSymbolView]] = []
        self.complete = True
        self._definitions: set[Definition] | None = None
        self._plain: set[str] | None = None
        self._left: dict[str, tuple[frozenset[Definition], frozenset[str]]] = {}

    def add(self, index: int, loadable: LoaderObject) -> None:
        """Put an object at the end."""
        view = exact_view(loadable)
        if view is None:
            self.complete = False
        else:
            self.members.append((index, view))

    def left_of(self, loadable: LoaderObject, view: ExactSymbolView) -> tuple[frozenset[Definition], frozenset[str]]:
        """What of an object's wants the scope has not; remembered, because many roots bring the same objects to one program."""
        known = self._left.get(loadable.identity)
        if known is None:
            if self._definitions is None or self._plain is None:
                self._definitions = set().union(*(member.definitions() for _, member in self.members))
                self._plain = set().union(*(member.plain_names() for _, member in self.members))
            versioned, plain = view.wants()
            known = self._left[loadable.identity] = versioned - self._definitions, plain - self._plain
        return known


def undefined_symbols(
    graph: LoadGraph, scopes: Sequence[Scope], glibc: tuple[int, int] | None, first: int = 0
) -> Iterator[UndefinedSymbol]:
    """What the objects from ``first`` on want and none in the scopes has, in load order.

    :param scopes: looked through in this order: the program's, then that of an object which was opened later.
    """
    stops = glibc is not None and glibc < _LEAVES_THE_FILE
    for index in range(first, len(graph.objects)):
        loaded = graph.objects[index]
        view = exact_view(loaded.object)
        if view is None:
            continue
        if stops:
            for reference in view.references():
                if reference.library is not None and _stops_at_its_file(graph, scopes, reference):
                    yield UndefinedSymbol(reference.name, reference.version, loaded.path, index, reference.library)
        versioned, plain = _left_of(loaded.object, view, scopes)
        if not versioned and not plain:
            continue
        for reference in view.references():
            name, version = reference.name, reference.version
            if reference.weak or (stops and reference.library is not None):
                continue
            if (
                name in plain
                if version is None
                else (name, version) in versioned and not _has_unversioned(scopes, name)
            ):
                yield UndefinedSymbol(name, version, loaded.path, index)


def _left_of(
    loadable: LoaderObject, view: ExactSymbolView, scopes: Sequence[Scope]
) -> tuple[frozenset[Definition], frozenset[str]]:
    """The wants that no scope meets by an equal definition."""
    versioned, plain = scopes[0].left_of(loadable, view) if scopes else view.wants()
    for scope in scopes[1:]:
        for _, member in scope.members:
            if not versioned and not plain:
                break
            versioned -= member.definitions()
            plain -= member.plain_names()
    return versioned, plain


def _has_unversioned(scopes: Sequence[Scope], name: str) -> bool:
    """Whether a definition without a version is in scope, which meets every reference."""
    return any((name, None) in member.definitions() for scope in scopes for _, member in scope.members)


def _stops_at_its_file(graph: LoadGraph, scopes: Sequence[Scope], reference: Reference) -> bool:
    """Whether the lookup comes to the file that verneed names before it finds the symbol, and finds it not there either."""
    name, version = reference.name, reference.version
    file = graph.names.get(reference.library or "")
    for scope in scopes:
        for index, view in scope.members:
            definitions = view.definitions()
            if (name, version) in definitions or (name, None) in definitions:
                return False
            if index == file:
                return True
    return not reference.weak


def vanished_symbols(
    graph: LoadGraph, scopes: Sequence[Scope], glibc: tuple[int, int] | None, first: int = 0
) -> Iterator[tuple[int, str, str]]:
    """Versioned references that end in an object without any DT_VERSYM which is the very file that their verneed names (G20).

    Up to 2.40 the loader then stops with an assertion of ``check_match``: (index of the object, symbol, the file's name).
    """
    if glibc is not None and glibc >= _ACCEPTS_VANISHED:
        return
    for index in range(first, len(graph.objects)):
        loaded = graph.objects[index]
        files = {
            requirement.library: provider
            for requirement in loaded.object.requirements
            if (provider := graph.names.get(requirement.library)) is not None
            and graph.objects[provider].object.definitions is not None
            and not graph.objects[provider].object.is_versioned
            and graph.objects[provider].object.symbols is not None
        }
        view = exact_view(loaded.object) if files else None
        if view is None:
            continue
        for reference in view.references():
            provider = files.get(reference.library or "")
            if provider is None or reference.version is None:
                continue
            if _first_with(scopes, reference) == provider:
                yield index, reference.name, reference.library or ""


def _first_with(scopes: Sequence[Scope], reference: Reference) -> int | None:
    for scope in scopes:
        for index, view in scope.members:
            definitions = view.definitions()
            if (reference.name, reference.version) in definitions or (reference.name, None) in definitions:
                return index
    return None
