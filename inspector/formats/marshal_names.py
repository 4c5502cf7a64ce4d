"""Names and numbers out of Python's marshal format, read by hand: tables of contents, never code.

CPython's interpreter may be made to crash by marshalled data ("not intended to be secure", library reference, marshal), so that nothing of an
artifact
is given to it.  Types by ``Python/marshal.c``: a letter, with bit 7 set where the object may be referred to later.
"""

from __future__ import annotations

import struct

from inspector.errors import FormatError, LimitExceeded

_DEEPEST = 12
_FLAG_REF = 0x80
_SHORT_TEXT, _TEXT = b"zZ", b"aAut"


def read_values(content: bytes, most_objects: int = 4_000_000) -> object:
    """The first object: None, int, str, bytes, tuple (of lists too), dict; anything else is refused.

    :raises FormatError: where the bytes hold something else, or end early.
    :raises LimitExceeded: where there are more than ``most_objects``, or they are nested more than 12 deep.
    """
    return _Reader(content, most_objects).value(0)


class _Reader:
    def __init__(self, content: bytes, most_objects: int) -> None:
        self._content = content
        self._at = 0
        self._left = most_objects
        self._known: list[object] = []

    def _take(self, length: int) -> bytes:
        part = self._content[self._at : self._at + length]
        if length < 0 or len(part) < length:
            raise FormatError("marshalled data end within an object", self._at)
        self._at += length
        return part

    def _number(self) -> int:
        return int(struct.unpack("<i", self._take(4))[0])

    def _count(self) -> int:
        count = self._number()
        if not 0 <= count <= len(self._content) - self._at:  # each object takes one byte at least
            raise FormatError(f"a marshalled object claims {count} parts", self._at)
        return count

    def value(self, depth: int) -> object:
        """The object at the current position."""
        if depth > _DEEPEST:
            raise LimitExceeded("marshalled objects are nested too deep", self._at)
        self._left -= 1
        if self._left < 0:
            raise LimitExceeded("there are too many marshalled objects", self._at)
        code = self._take(1)[0]
        letter = bytes((code & ~_FLAG_REF,))
        if letter == b"r":
            index = self._number()
            if not 0 <= index < len(self._known):
                raise FormatError("a marshalled reference leads nowhere", self._at)
            return self._known[index]
        slot = None
        if code & _FLAG_REF:
            slot = len(self._known)
            self._known.append(None)
        found = self._of(letter, depth)
        if slot is not None:
            self._known[slot] = found
        return found

    def _of(self, letter: bytes, depth: int) -> object:
        if letter == b"N":
            return None
        if letter in (b"T", b"F"):
            return int(letter == b"T")
        if letter == b"i":
            return self._number()
        if letter == b"l":
            count = self._number()
            digits = self._take(2 * abs(count)) if abs(count) < 64 else b""
            if not digits and count:
                raise FormatError("a marshalled number is too long", self._at)
            value = sum(digit << (15 * place) for place, digit in enumerate(struct.unpack(f"<{abs(count)}H", digits)))
            return -value if count < 0 else value
        if letter in _SHORT_TEXT:
            return _text(self._take(self._take(1)[0]))
        if letter in _TEXT:
            return _text(self._take(self._count()))
        if letter == b"s":
            return self._take(self._count())
        if letter == b")":
            return tuple(self.value(depth + 1) for _ in range(self._take(1)[0]))
        if letter in (b"(", b"["):
            return tuple([self.value(depth + 1) for _ in range(self._count())])
        if letter == b"{":
            return self._dictionary(depth)
        raise FormatError(f"a marshalled object of the type {letter!r} is no name and no number", self._at - 1)

    def _dictionary(self, depth: int) -> dict[object, object]:
        found: dict[object, object] = {}
        while self._content[self._at : self._at + 1] != b"0":
            key = self.value(depth + 1)
            if not isinstance(key, (str, bytes, int)):
                raise FormatError("a marshalled dictionary has a key that is no name", self._at)
            found[key] = self.value(depth + 1)
        self._at += 1
        return found


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
