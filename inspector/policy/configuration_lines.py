"""On which line of a TOML file a key stands, for messages; the file itself is read by tomllib."""

from __future__ import annotations

from inspector.patterns import lazy_pattern

Path = tuple[str | int, ...]
"""A key's way from the top: names of tables and keys, numbers (from 0) in arrays of tables."""

_HEADER = lazy_pattern(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = lazy_pattern(
    r"""\s*((?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'))*)\s*="""
)


def key_lines(text: str) -> dict[Path, int]:
    """Lines (from 1) of tables and keys.  Keys inside inline tables have the line of the key that holds them."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    open_text = ""
    for number, line in enumerate(text.splitlines(), 1):
        if open_text:
            if open_text in line:
                open_text = ""
            continue
        header = _HEADER.match(line)
        if header is not None:
            names = _names(header[2])
            table = _with_numbers(names, counts) if names else ()
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
            continue
        assignment = _ASSIGNMENT.match(line)
        if assignment is not None:
            lines.setdefault((*table, *_names(assignment[1])), number)
            rest = line[assignment.end() :]
            open_text = next((mark for mark in ('"""', "'''") if rest.count(mark) % 2), "")
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The key's line, or that of the nearest table around it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _names(written: str) -> tuple[str, ...]:
    """The parts of a dotted key, as TOML itself reads them."""
    import tomllib

    try:
        inner: object = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(inner, dict):
        name, inner = next(iter(inner.items()))
        names.append(name)
    return tuple(names)


def _with_numbers(names: tuple[str, ...], counts: dict[Path, int]) -> Path:
    """A header's names with the numbers of the array elements that they lie in (TOML 1.0.0, "Array of Tables")."""
    path: Path = ()
    for name in names[:-1]:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    return (*path, names[-1])
