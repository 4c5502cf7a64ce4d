"""GVariant, GLib's serialised values, read lazily from any Source (GLib, "GVariant Specification 1.0", "Serialisation Format").

A value is its type and a range of bytes; children are found by their framing offsets when somebody asks.  The specification gives every byte
sequence a meaning; here a sequence that no writer makes raises instead, as whoever reads a file wants to know that it is damaged.  Integers are
stored in the writer's byte order, which is little-endian unless said otherwise; framing offsets are always little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.source import Source

_FIXED = {"y": 1, "b": 1, "n": 2, "q": 2, "i": 4, "u": 4, "h": 4, "x": 8, "t": 8, "d": 8}
_STRINGS = "sog"
_LONGEST_TYPE = 255  # specification, 2.3: depth of types is limited; a signature of D-Bus has at most 255 bytes
_DEEPEST_TYPE = 32
_LARGEST_VALUE = 64 << 20  # bytes that a byte array or a string may have to be read whole
_MOST_CHILDREN = 8_000_000

ByteOrder = Literal["little", "big"]


class Type(Struct, frozen=True):
    """A type.

    :ivar code: its first character, ``(`` for tuples, ``{`` for dictionary entries.
    :ivar parts: the types of a container's children; one for arrays and maybes.
    :ivar alignment: in bytes.
    :ivar size: of a type whose values all have one size, in bytes; None of every other.
    """

    code: str
    parts: tuple[Type, ...]
    alignment: int
    size: int | None


@lru_cache(maxsize=512)
def parse_type(text: str) -> Type:
    """The type that a type string describes.

    :raises FormatError: where it describes none, or more than one.
    """
    if len(text) > _LONGEST_TYPE:
        raise LimitExceeded(f"a GVariant type of {len(text)} characters")
    found, end = _parse(text, 0, 0)
    if end != len(text):
        raise FormatError(f"{text[:40]!r} is not one GVariant type")
    return found


def _parse(text: str, position: int, depth: int) -> tuple[Type, int]:
    if depth > _DEEPEST_TYPE:
        raise LimitExceeded("a GVariant type that is too deep")
    code = text[position : position + 1]
    if code in _FIXED and code:
        return Type(code, (), _FIXED[code], _FIXED[code]), position + 1
    if code in _STRINGS and code:
        return Type(code, (), 1, None), position + 1
    if code == "v":
        return Type(code, (), 8, None), position + 1
    if code in ("a", "m"):
        part, end = _parse(text, position + 1, depth + 1)
        return Type(code, (part,), part.alignment, None), end
    if code in ("(", "{"):
        closing = ")" if code == "(" else "}"
        parts = []
        end = position + 1
        while text[end : end + 1] != closing:
            part, end = _parse(text, end, depth + 1)
            parts.append(part)
        return _container(code, tuple(parts)), end + 1
    raise FormatError(f"no GVariant type: {text[:40]!r}")


def _container(code: str, parts: tuple[Type, ...]) -> Type:
    alignment = max((part.alignment for part in parts), default=1)
    size = 0
    for part in parts:
        if part.size is None:
            return Type(code, parts, alignment, None)
        size = _aligned(size, part.alignment) + part.size
    return Type(code, parts, alignment, max(_aligned(size, alignment), 1))  # the empty tuple is one byte


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


class Value:
    """One value: a type, and the bytes ``[start, end)`` of a source.

    :ivar order: byte order of the integers in it.
    """

    __slots__ = ("_ends", "end", "order", "source", "start", "type")

    def __init__(
        self, kind: Type | str, source: Source, start: int = 0, end: int | None = None, order: ByteOrder = "little"
    ) -> None:
        self.type = parse_type(kind) if isinstance(kind, str) else kind
        self.source = source
        self.start = start
        self.end = source.size if end is None else end
        self.order = order
        self._ends: list[int] | None = None
        if self.type.size is not None and self.end - self.start != self.type.size:
            raise FormatError(f"a GVariant of {self.type.size} bytes has {self.end - self.start}", start)

    def __len__(self) -> int:
        """How many children a container has."""
        kind = self.type
        if kind.code in "({":
            return len(kind.parts)
        if kind.code == "a":
            size, part = self.end - self.start, kind.parts[0]
            if part.size is not None:
                if size % part.size:
                    raise FormatError("a GVariant array does not hold whole elements", self.start)
                return size // part.size
            return len(self._array_ends())
        raise FormatError(f"a GVariant of type {kind.code} has no children", self.start)

    def __iter__(self) -> Iterator[Value]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Value:
        """A child of an array, a tuple or a dictionary entry.

        :raises FormatError: where its place lies outside of the container.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end, part = self._element(index) if self.type.code == "a" else self._member(index)
        if not self.start <= start <= end <= self.end:
            raise FormatError("a GVariant's child lies outside of it", self.start)
        return Value(part, self.source, start, end, self.order)

    def integer(self, order: ByteOrder | None = None) -> int:
        """An unsigned integer.

        :param order: where the writer swapped it itself, as OSTree does.
        """
        if self.type.code not in "ybnqiuhxt":
            raise FormatError(f"a GVariant of type {self.type.code} is no integer", self.start)
        return int.from_bytes(self._bytes(), order or self.order)

    def text(self) -> str:
        """A string; bytes that are not UTF-8 are written ``\\xNN``."""
        if self.type.code not in _STRINGS:
            raise FormatError(f"a GVariant of type {self.type.code} is no string", self.start)
        return self.raw_text().decode("utf-8", "backslashreplace")

    def raw_text(self) -> bytes:
        """A string's bytes without the zero byte at its end."""
        content = self._bytes()
        if not content.endswith(b"\0"):
            raise FormatError("a GVariant string has no end", self.start)
        return content[:-1]

    def content(self) -> bytes:
        """The bytes of an array of bytes."""
        if self.type.code != "a" or self.type.parts[0].code != "y":
            raise FormatError("the GVariant is no array of bytes", self.start)
        return self._bytes()

    def variant(self) -> Value:
        """What a variant holds.

        :raises FormatError: where its type is none.
        """
        if self.type.code != "v":
            raise FormatError(f"a GVariant of type {self.type.code} is no variant", self.start)
        tail_start = max(self.start, self.end - _LONGEST_TYPE - 1)
        tail = self.source.read_at(tail_start, self.end - tail_start)
        zero = tail.rfind(b"\0")
        if zero < 0:
            raise FormatError("a GVariant variant has no type", self.start)
        kind = parse_type(tail[zero + 1 :].decode("ascii", "replace"))
        return Value(kind, self.source, self.start, tail_start + zero, self.order)

    def items(self) -> Iterator[tuple[str, Value]]:
        """Keys and values of a dictionary ``a{sv}``, variants unpacked."""
        for entry in self:
            value = entry[1]
            yield entry[0].text(), value.variant() if value.type.code == "v" else value

    def _bytes(self) -> bytes:
        length = self.end - self.start
        if length > _LARGEST_VALUE:
            raise LimitExceeded(f"a GVariant of {length} bytes", self.start)
        content = self.source.read_at(self.start, length)
        if len(content) < length:
            raise FormatError("the file is cut off inside a GVariant", self.start)
        return content

    def _offset_size(self) -> int:
        size = self.end - self.start
        return 1 if size <= 0xFF else 2 if size <= 0xFFFF else 4 if size <= 0xFFFFFFFF else 8

    def _array_ends(self) -> list[int]:
        """Where each element of an array ends, from the array's start (specification, 2.5.3)."""
        if self._ends is None:
            size, width = self.end - self.start, self._offset_size()
            if not size:
                self._ends = []
                return self._ends
            last = int.from_bytes(self.source.read_at(self.end - width, width), "little")
            if last > size - width or (size - last) % width:
                raise FormatError("a GVariant array's offsets do not fit into it", self.start)
            count = (size - last) // width
            if count > _MOST_CHILDREN:
                raise LimitExceeded(f"a GVariant array of {count} elements", self.start)
            table = self.source.read_at(self.start + last, count * width)
            if len(table) < count * width:
                raise FormatError("the file is cut off inside a GVariant", self.start)
            self._ends = [
                int.from_bytes(table[place : place + width], "little") for place in range(0, len(table), width)
            ]
        return self._ends

    def _element(self, index: int) -> tuple[int, int, Type]:
        part = self.type.parts[0]
        if part.size is not None:
            start = self.start + index * part.size
            return start, start + part.size, part
        ends = self._array_ends()
        start = _aligned(ends[index - 1], part.alignment) if index else 0
        return self.start + start, self.start + ends[index], part

    def _member(self, index: int) -> tuple[int, int, Type]:
        """A child of a tuple: offsets lie at its end, the last first, for every child of varying size but the last (specification, 2.5.4)."""
        width = self._offset_size()
        parts = self.type.parts
        position = framed = 0
        for number, part in enumerate(parts):
            position = _aligned(position, part.alignment)
            if part.size is not None:
                end = position + part.size
            elif number == len(parts) - 1:
                frames = sum(other.size is None for other in parts[:-1])
                end = self.end - self.start - frames * width
            else:
                framed += 1
                place = self.end - framed * width
                if place < self.start:
                    raise FormatError("a GVariant tuple's offsets do not fit into it", self.start)
                end = int.from_bytes(self.source.read_at(place, width), "little")
            if number == index:
                return self.start + position, self.start + end, part
            position = end
        raise IndexError(index)
