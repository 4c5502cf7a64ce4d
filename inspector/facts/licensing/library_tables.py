"""The tables of libraries below ``rules/``: read whole, or row by row as they are asked for."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import islice

from inspector.errors import InstallationError
from inspector.resources import data_directory

PACKAGED_COLUMNS = ["soname", "project", "spdx", "source_package", "checked", "source"]


class PackagedRows(Mapping[str, list[str]]):
    """Rows of ``packaged_libraries.csv`` or ``private_libraries.csv`` by name, each looked for and read when it is asked for.

    Of eleven thousand an artifact needs a hundred.

    :param table: the file: comments, the head, and lines in the order of their bytes; no field has a line end in it, no name a comma.
    :param name: the table's below ``rules/``, for messages.
    :raises InstallationError: where it has other columns.
    """

    def __init__(self, table: bytes, name: str = "licenses/packaged_libraries.csv") -> None:
        self._table = name
        lines = table.rstrip(b"\n").split(b"\n")
        head = next((number for number, line in enumerate(lines) if not line.startswith(b"#")), 0)
        if lines[head] != ",".join(PACKAGED_COLUMNS).encode():
            raise _other_columns(self._table, PACKAGED_COLUMNS)
        self._lines = lines[head + 1 :]

    def __getitem__(self, name: str) -> list[str]:
        """:raises InstallationError: where the row has another number of fields."""
        line = self._line(name)
        if line is None:
            raise KeyError(name)
        row = next(csv.reader([line.decode()]))
        if len(row) != len(PACKAGED_COLUMNS):
            raise _other_columns(self._table, PACKAGED_COLUMNS)
        return row

    def __iter__(self) -> Iterator[str]:
        return map(_name_of, self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._line(name) is not None

    def _line(self, name: str) -> bytes | None:
        beginning = f"{name},".encode("utf-8", "surrogatepass")
        place = bisect_left(self._lines, beginning)
        line = self._lines[place] if place < len(self._lines) else b""
        return line if line.startswith(beginning) else None

    def beginning_with(self, prefix: str) -> Iterator[str]:
        """The names that begin so, in their order."""
        beginning = prefix.encode("utf-8", "surrogatepass")
        for line in islice(self._lines, bisect_left(self._lines, beginning), None):
            if not line.startswith(beginning):
                break
            yield _name_of(line)


def _name_of(line: bytes) -> str:
    return line[: line.find(b",")].decode()


def read_table(table: str) -> bytes:
    """A table below ``rules/``, as it is.

    :raises InstallationError: where it cannot be read.
    """
    try:
        return (data_directory("rules") / table).read_bytes()
    except OSError as error:
        raise InstallationError(f"rules/{table} cannot be read: {error}", "reinstall bundle-inspect") from error


def _other_columns(table: str, columns: list[str]) -> InstallationError:
    return InstallationError(f"rules/{table} has not the columns {', '.join(columns)}", "reinstall bundle-inspect")


def read_library_table(table: str, columns: list[str]) -> list[list[str]]:
    """The rows of a table below ``rules/``, without comments and head.

    :raises InstallationError: where it cannot be read or has other columns.
    """
    try:
        rows = list(csv.reader(line for line in read_table(table).decode().split("\n") if line and line[0] != "#"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InstallationError(f"rules/{table} cannot be read: {error}", "reinstall bundle-inspect") from error
    if not rows or rows[0] != columns or any(len(row) != len(columns) for row in rows):
        raise _other_columns(table, columns)
    return rows[1:]
