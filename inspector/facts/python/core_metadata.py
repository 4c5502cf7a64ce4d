"""The headers of Python's core metadata (METADATA, PKG-INFO) in every form that tools have written them; the description behind them is not read.

PyPA specification "Core metadata", versions 1.0 to 2.4; folding as in RFC 822, and as old tools did it.
"""

from __future__ import annotations

from inspector.patterns import lazy_pattern

_HEADERS = frozenset({"name", "version", "license-expression", "license", "classifier", "license-file"})
_HEADER = lazy_pattern(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:(.*)")
_LONGEST_VALUE = 200  # characters of a name or a version
_MOST_VALUES = 1000  # of a header that may stand several times


def parse_headers(text: str) -> dict[str, list[str]]:
    """The headers that this module reads, by lower-case name, values in order; folded lines joined by line feeds.

    Follows RFC 822 as old tools did: a line that is no header belongs to the header before it, because pasted licence texts are often not indented.
    """
    headers: dict[str, list[list[str]]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        line = line.rstrip("\r")
        match = None if line[:1] in (" ", "\t") else _HEADER.match(line)
        if match is None:
            if current is not None:
                current.append(line.strip().removeprefix("|"))  # the indentation of metadata 1.2 and 2.1
            continue
        name = match[1].lower()
        current = None
        if name in _HEADERS:
            values = headers.setdefault(name, [])
            if len(values) < _MOST_VALUES:
                current = [match[2].strip()]
                values.append(current)
    return {name: ["\n".join(lines) for lines in values] for name, values in headers.items()}


def end_of_headers(content: bytes) -> int:
    """Where the empty line is that ends the headers, or -1."""
    ends = [at for at in (content.find(b"\n\n"), content.find(b"\n\r\n")) if at >= 0]
    return min(ends, default=-1)


def single_value(headers: dict[str, list[str]], name: str, *, longest: int = _LONGEST_VALUE) -> str | None:
    """The first value of a header on one line, or None where it is missing, empty or too long to be one."""
    value = " ".join(next(iter(headers.get(name, ())), "").split())
    return value if 0 < len(value) <= longest else None
