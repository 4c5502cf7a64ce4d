"""The cookie at the end of a PyInstaller archive, and where the archive begins.

Observed in files that PyInstaller 4 to 6 wrote; numbers are big-endian.  The archive is a section ``pydata`` of the program (4.8 and newer,
Linux), or
lies behind it, so that the cookie is looked for from the end of the file backwards, as the program itself does.
"""

from __future__ import annotations

import struct

from msgspec import Struct

from inspector.errors import FormatError
from inspector.limits import MIB
from inspector.source import Source

MAGIC = b"MEI\x0c\x0b\x0a\x0b\x0e"
_COOKIE = struct.Struct("!8sIIII64s")
_OLD_COOKIE = struct.Struct("!8sIIII")
_CHUNK = MIB


class Cookie(Struct, frozen=True):
    """What the cookie says.

    :ivar position: of its first byte in the file.
    :ivar size: 88 bytes, or 24 before PyInstaller 2.1, which named no library.
    :ivar start: where the archive begins in the file.
    :ivar table: (offset from the archive's start, bytes) of the table of contents.
    :ivar version: of Python, as written.
    :ivar python_library: name of the member that is libpython; "" where it is not said.
    """

    position: int
    size: int
    start: int
    table: tuple[int, int]
    version: int
    python_library: str

    @property
    def python_version(self) -> tuple[int, int]:
        """(3, 11), from 311 or, of releases that had one digit for the second number, from 39."""
        major, minor = divmod(self.version, 100 if self.version >= 100 else 10)
        return major, minor

    @property
    def end(self) -> int:
        """Where the archive ends in the file."""
        return self.position + self.size

    def encode(self, archive_size: int, table: tuple[int, int]) -> bytes:
        """The cookie of an archive of other sizes, for the same Python.

        :param archive_size: bytes of the archive, the cookie included.
        """
        if self.size == _OLD_COOKIE.size:
            return _OLD_COOKIE.pack(MAGIC, archive_size, *table, self.version)
        return _COOKIE.pack(
            MAGIC, archive_size, *table, self.version, self.python_library.encode("utf-8", "surrogateescape")
        )


def find_cookie(source: Source) -> Cookie | None:
    """The last cookie of a file that fits the bytes in front of it; None where there is none.

    :raises FormatError: where the only ones that there are fit nothing: the archive is damaged.
    """
    wrong: FormatError | None = None
    end = source.size
    while end > 0:
        start = max(end - _CHUNK, 0)
        chunk = source.read_at(start, min(end - start + len(MAGIC) - 1, source.size - start))
        found = chunk.rfind(MAGIC)
        while found >= 0:
            try:
                return read_cookie(source, start + found)
            except FormatError as error:
                wrong = wrong or error
            found = chunk.rfind(MAGIC, 0, found + len(MAGIC) - 1)
        end = start
    if wrong is not None:
        raise wrong
    return None


def read_cookie(source: Source, position: int) -> Cookie:
    """The cookie at a position.

    :raises FormatError: where its lengths do not fit the file.
    """
    raw = source.read_at(position, _COOKIE.size)
    if len(raw) < _OLD_COOKIE.size:
        raise FormatError("the archive's cookie is cut off", position)
    _, length, table_offset, table_length, version = _OLD_COOKIE.unpack_from(raw)
    library = ""
    size = _OLD_COOKIE.size
    if len(raw) == _COOKIE.size and b"python" in raw[_OLD_COOKIE.size :].lower():
        size = _COOKIE.size
        name = raw[_OLD_COOKIE.size :].split(b"\0", 1)[0]
        library = name.decode("utf-8", "surrogateescape")
    start = position + size - length
    if length < size or start < 0:
        raise FormatError(f"the cookie says that the archive has {length} bytes, which do not fit before it", position)
    if table_offset + table_length > length - size:
        raise FormatError("the cookie says that the table of contents lies outside the archive", position)
    return Cookie(position, size, start, (table_offset, table_length), version, library)
