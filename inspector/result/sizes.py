"""Where the bytes are."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.model import ByteCount


class SizeRow(Struct, frozen=True, kw_only=True):
    """Bytes of a component, a directory, a type or a file."""

    name: str
    raw: int
    stored: int
    files: int = 1


class TreeRow(SizeRow, frozen=True, kw_only=True):
    """A directory, or a file with what :class:`FileEntry` says of it."""

    component: str = ""
    removable: str = ""


class DuplicateGroup(Struct, frozen=True, kw_only=True):
    """Files with the same content.  ``wasted`` counts raw bytes of all copies but one; ``wasted_stored`` is 0 where the image shares them."""

    paths: tuple[str, ...]
    count: int
    size: int
    wasted: int
    wasted_stored: int
    proof: Literal["same blocks", "same content"]


class SizesInfo(Struct, frozen=True, kw_only=True):
    """Where the bytes are."""

    total: ByteCount = ByteCount()
    by_component: tuple[SizeRow, ...] = ()
    by_directory: tuple[SizeRow, ...] = ()
    by_type: tuple[SizeRow, ...] = ()
    largest: tuple[SizeRow, ...] = ()
    duplicates: tuple[DuplicateGroup, ...] = ()
    duplicate_bytes: ByteCount = ByteCount()
    debug_bytes: ByteCount = ByteCount()
    test_bytes: ByteCount = ByteCount()
    bytecode_bytes: ByteCount = ByteCount()
    static_library_bytes: ByteCount = ByteCount()
    elf_sections: dict[str, int] = {}
    tree: tuple[TreeRow, ...] = ()
