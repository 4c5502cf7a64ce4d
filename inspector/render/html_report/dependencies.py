"""Who needs which library: columns for the script, rows for those who read without it."""

from __future__ import annotations

from msgspec import Struct

from inspector.render.escaping import escape
from inspector.result import LibraryInfo, NeededInfo, Result

_MOST = 4000
_MOST_ROWS = 800
_HOST, _MISSING = -1, -2


class LibraryRow(Struct, frozen=True):
    """An ELF object.

    :ivar number: its place in the script's columns, which its id ends with.
    :ivar needed_by: objects of the bundle that name it in DT_NEEDED and get it.
    """

    library: LibraryInfo
    number: int
    needed_by: int
    bundled: tuple[NeededInfo, ...]
    from_host: tuple[NeededInfo, ...]
    missing: tuple[NeededInfo, ...]


class Dependencies(Struct, frozen=True):
    """Rows, how many objects have none, and names that nothing in the bundle and no host answers."""

    rows: tuple[LibraryRow, ...]
    left_out: int
    missing: tuple[str, ...]
    columns: dict[str, object]


def dependencies_of(result: Result) -> Dependencies:
    """The graph of DT_NEEDED as the Result has it."""
    libraries = result.libraries[:_MOST]
    number_of = {library.path: number for number, library in enumerate(libraries)}
    users = [0] * len(libraries)
    for library in result.libraries:
        for path in {need.path for need in library.needed if need.path in number_of}:
            users[number_of[path or ""]] += 1
    rows = tuple(
        LibraryRow(
            library=library,
            number=number,
            needed_by=users[number],
            bundled=_with_origin(library, "bundle"),
            from_host=_with_origin(library, "host"),
            missing=_with_origin(library, "missing"),
        )
        for number, library in enumerate(libraries[:_MOST_ROWS])
    )
    missing = {need.name for library in result.libraries for need in library.needed if need.origin == "missing"}
    return Dependencies(
        rows, len(result.libraries) - len(rows), tuple(sorted(missing)), _columns(result, libraries, number_of)
    )


def _with_origin(library: LibraryInfo, origin: str) -> tuple[NeededInfo, ...]:
    return tuple(need for need in library.needed if need.origin == origin)


def _columns(result: Result, libraries: tuple[LibraryInfo, ...], number_of: dict[str, int]) -> dict[str, object]:
    """Every text once, and in its place a number; a need is its name, the object that answers (-1 the host, -2 nobody) and the rule."""
    texts: dict[str, int] = {}

    def text(value: str | None) -> int:
        return -1 if value is None else texts.setdefault(escape(value), len(texts))

    roots = {root.path: root.role for root in result.roots}
    rows = [
        [
            text(library.path),
            text(roots.get(library.path, library.role)),
            text(library.soname),
            text(library.rpath),
            text(library.runpath),
            [
                part
                for need in library.needed
                for part in (text(need.name), _answer(need, number_of), text(need.via))
            ],
        ]
        for library in libraries
    ]  # fmt: skip
    entries = [number_of[root.path] for root in result.roots if root.role == "entry" and root.path in number_of]
    return {"texts": list(texts), "rows": rows, "start": entries[:1]}


def _answer(need: NeededInfo, number_of: dict[str, int]) -> int:
    if need.origin == "missing":
        return _MISSING
    return number_of.get(need.path or "", _HOST)
