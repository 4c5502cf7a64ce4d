"""Writes SquashFS 4.0 images."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.forked_work import processors
from inspector.formats.squashfs.block_reuse import ImageReuse, plan_reuse
from inspector.formats.squashfs.compressor import Compressor
from inspector.formats.squashfs.compressor import compressor as find_compressor
from inspector.formats.squashfs.data_writer import DataWriter
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.equal_content import share_equal_contents
from inspector.formats.squashfs.image_output import ImageOutput
from inspector.formats.squashfs.inode import Inode
from inspector.formats.squashfs.inode_writer import InodeWriter
from inspector.formats.squashfs.metadata_writer import lookup_table, metadata_block
from inspector.formats.squashfs.ordered_compression import OrderedCompression
from inspector.formats.squashfs.superblock import (
    ABSENT,
    BLOCK_LOGS,
    FLAG_ALWAYS_FRAGMENTS,
    FLAG_COMPRESSOR_OPTIONS,
    FLAG_DEDUPLICATED,
    FLAG_EXPORTABLE,
    FLAG_NO_FRAGMENTS,
    FLAG_NO_XATTRS,
    MAGIC,
    SUPERBLOCK_LAYOUT,
    SUPERBLOCK_SIZE,
)
from inspector.formats.squashfs.write_plan import StoredContent, WritePlan
from inspector.formats.squashfs.xattr_writer import XattrWriter
from inspector.limits import MIB, Limits
from inspector.progress import SILENT, Progress

DEFAULT_BLOCK_SIZE = 128 * 1024
"""What mksquashfs and appimagetool take; larger blocks compress better and make applications start later."""


class WrittenImage(Struct, frozen=True):
    """What was written.  Sizes in bytes; blocks are files' own blocks, fragments not among them.

    :ivar bytes_used: length of the image without its padding.
    :ivar size: length with the padding to 4 KiB.
    :ivar duplicates: contents that were stored once with an equal one.
    :ivar bytes_copied: stored bytes that were taken over from other images as they were.
    :ivar bytes_compressed: stored bytes of file data that were made anew.
    """

    bytes_used: int
    size: int
    inode_count: int
    duplicates: int
    blocks_copied: int
    blocks_compressed: int
    fragments_copied: int
    fragments_compressed: int
    bytes_copied: int
    bytes_compressed: int


def write_image(
    entries: Iterable[ImageEntry],
    target: BinaryIO,
    *,
    compressor: str = "zstd",
    level: int | None = None,
    dictionary_size: int | None = None,
    block_size: int = DEFAULT_BLOCK_SIZE,
    start: int | None = None,
    threads: int | None = None,
    mkfs_time: int = 0,
    mtime: int | None = None,
    owner: tuple[int, int] | None = None,
    reuse: bool = True,
    fragments: bool = True,
    tail_ends: bool = False,
    deduplicate: bool = True,
    exportable: bool = False,
    progress: Progress = SILENT,
    limits: Limits | None = None,
) -> WrittenImage:
    """Write a SquashFS 4.0 image.

    The same entries, contents and options give the same bytes, whatever the order of the entries and the number of threads, as long as the
    compression libraries are the same.  Whoever replaces a file with the image writes it beside that file, reads it again and renames it.

    :param target: a seekable binary file; it is left behind the image's padding, and not truncated.
    :param compressor: "gzip", "xz", "zstd" or "lz4".
    :param level: see :func:`inspector.formats.squashfs.compressor.compressor`; None: what mksquashfs takes.
    :param dictionary_size: of xz, in bytes; None: the block size.
    :param block_size: a power of two from 4 KiB to 1 MiB.
    :param start: where in ``target`` the image begins; None: where it stands.
    :param threads: that compress; None: as many as there are processors for this process.  All reading is done by the caller's thread.
    :param mkfs_time: the image's own time, in seconds since 1970.
    :param mtime: the time of every entry instead of their own; ``owner``: user and group id of every entry.
    :param reuse: copy the stored blocks of contents that are Inodes of an image with this compressor and block size; their level stays what it was.
    :param fragments: pack files that are smaller than a block together.
    :param tail_ends: pack the short last blocks of larger files too: smaller, and one more block to read for each.
    :param deduplicate: store equal contents once.
    :param exportable: with a table of inodes by number, which NFS servers need.
    :param progress: is told of MiB of content.
    :raises UnsupportedFormat: for a compressor, level or block size that cannot be written; the text is for people.
    :raises FormatError: for entries that cannot be in an image, and where a content cannot be read; with the path.
    :raises LimitExceeded: where the tree is larger than the limits allow.
    :raises OSError: as the target does.
    """
    limits = limits or Limits()
    if block_size not in (1 << log for log in BLOCK_LOGS):
        raise UnsupportedFormat(
            f"a block size of {block_size} bytes; possible are the powers of two from 4096 to 1048576"
        )
    codec = find_compressor(compressor, level, block_size, dictionary_size)
    plan = WritePlan(entries, limits)
    _check_block_count(plan.contents, block_size, limits)
    xattrs = _collect_xattrs(plan, codec, limits)
    if deduplicate:
        share_equal_contents(plan.contents)
    output = ImageOutput(target, target.tell() if start is None else start)
    output.write(bytes(SUPERBLOCK_SIZE))
    if codec.options:
        output.write(metadata_block(codec.options, None))
    contents = [content for content in plan.contents if content.same_as is None]
    reused = plan_reuse(contents, codec, block_size, whole_fragments=fragments) if reuse else []
    steps = _Steps(progress, contents)
    with OrderedCompression(codec.compress, threads or processors()) as queue:
        data = DataWriter(output, queue, block_size, fragments=fragments, tail_ends=tail_ends, advance=steps.advance)
        _write_data(data, contents, reused)
        queue.finish()
    flags = (
        (0 if fragments else FLAG_NO_FRAGMENTS)
        | (FLAG_ALWAYS_FRAGMENTS if fragments and tail_ends else 0)
        | (FLAG_DEDUPLICATED if deduplicate else 0)
    )
    superblock = _write_tables(
        plan, data, xattrs, output, codec, limits, flags, exportable=exportable, owner=owner, mtime=mtime
    )
    counts = data.counts
    bytes_used = output.position
    size = output.finish(_superblock(superblock, codec, block_size, mkfs_time, bytes_used))
    return WrittenImage(
        bytes_used,
        size,
        len(plan.inodes),
        len(plan.contents) - len(contents),
        counts.blocks_copied,
        counts.blocks_compressed,
        counts.fragments_copied,
        counts.fragments_compressed,
        counts.bytes_copied,
        counts.bytes_compressed,
    )


class _Steps:
    """Bytes of content as steps of one MiB."""

    def __init__(self, progress: Progress, contents: list[StoredContent]) -> None:
        self._progress = progress
        self._rest = 0
        progress.stage("Writing the image", sum(content.size for content in contents) // MIB)

    def advance(self, length: int) -> None:
        steps, self._rest = divmod(self._rest + length, MIB)
        if steps:
            self._progress.advance(steps)


def _check_block_count(contents: list[StoredContent], block_size: int, limits: Limits) -> None:
    """Whether the blocks of all files can be listed: a file of zeros may have any number of them."""
    words = sum(-(-content.size // block_size) for content in contents)
    if 4 * words > limits.decoded_metadata:
        raise LimitExceeded(f"{words} blocks; their sizes pass the decoded_metadata limit")


def _write_data(data: DataWriter, contents: list[StoredContent], reused: list[ImageReuse]) -> None:
    """The data area: what is copied, then the rest of fragments that were taken apart, then what is compressed."""
    copied: set[int] = set()
    for image in reused:
        data.copy(image)
        copied.update(id(content) for content, _ in image.contents)
    for image in reused:
        for content, inode in image.loose_tails:
            data.pack_tail(content, inode.tail_size)
    for content in _in_read_order(content for content in contents if id(content) not in copied):
        data.store(content)
    data.close_fragment()


def _in_read_order(contents: Iterable[StoredContent]) -> list[StoredContent]:
    """Files of images in the order in which they lie there, so that each fragment is decoded once; then the others, in the order of their paths."""
    images: dict[int, int] = {}
    places: list[tuple[int, tuple[int, ...], int, StoredContent]] = []
    others: list[StoredContent] = []
    for number, content in enumerate(contents):
        inode = content.source
        if isinstance(inode, Inode):
            image = images.setdefault(id(inode.container), len(images))
            places.append((image, inode.container.position_key(inode), number, content))
        else:
            others.append(content)
    return [content for *_, content in sorted(places, key=lambda place: place[:3])] + others


def _collect_xattrs(plan: WritePlan, codec: Compressor, limits: Limits) -> XattrWriter:
    """The extended attributes of all inodes; each inode then has their index."""
    xattrs = XattrWriter(codec.compress, limits.decoded_metadata)
    for inode in plan.inodes:
        try:
            inode.xattr_index = xattrs.index(inode.entry.xattrs)
        except FormatError as error:
            raise type(error)(f"{inode.entry.path[:200]!r}: {error.what}") from None
    return xattrs


def _write_tables(
    plan: WritePlan,
    data: DataWriter,
    xattrs: XattrWriter,
    output: ImageOutput,
    codec: Compressor,
    limits: Limits,
    flags: int,
    *,
    exportable: bool,
    owner: tuple[int, int] | None,
    mtime: int | None,
) -> dict[str, int]:
    """All tables, in the order that the kernel insists on (fs/squashfs/super.c); fields of the superblock."""
    tables = InodeWriter(codec.compress, limits.decoded_metadata, owner=owner, mtime=mtime)
    tables.write(plan)
    fields = {
        "inode_count": len(plan.inodes),
        "fragment_count": len(data.fragment_table),
        "id_count": len(tables.ids),
        "root": plan.root.reference or 0,
        "export_table": ABSENT,
        "xattr_table": ABSENT,
    }
    fields["inode_table"] = output.write(tables.inodes.finish())
    fields["directory_table"] = output.write(tables.directories.finish())

    def write_lookup(records: bytes) -> int:
        blocks, positions = lookup_table(records, output.position, codec.compress)
        output.write(blocks)
        return output.write(struct.pack(f"<{len(positions)}Q", *positions))

    fragment_records = [struct.pack("<QII", position, word, 0) for position, word in data.fragment_table]
    fields["fragment_table"] = write_lookup(b"".join(fragment_records))
    if exportable:
        flags |= FLAG_EXPORTABLE
        references = [inode.reference or 0 for inode in plan.inodes]
        fields["export_table"] = write_lookup(struct.pack(f"<{len(references)}Q", *references))
    fields["id_table"] = write_lookup(tables.ids.records())
    if len(xattrs):
        table, fields["xattr_table"] = xattrs.table(output.position)
        output.write(table)
    else:
        flags |= FLAG_NO_XATTRS
    fields["flags"] = flags | (FLAG_COMPRESSOR_OPTIONS if codec.options else 0)
    return fields


def _superblock(fields: dict[str, int], codec: Compressor, block_size: int, mkfs_time: int, bytes_used: int) -> bytes:
    return SUPERBLOCK_LAYOUT.pack(
        int.from_bytes(MAGIC, "little"),
        fields["inode_count"],
        min(max(mkfs_time, 0), 0xFFFF_FFFF),
        block_size,
        fields["fragment_count"],
        codec.number,
        block_size.bit_length() - 1,
        fields["flags"],
        fields["id_count"],
        4,
        0,
        fields["root"],
        bytes_used,
        fields["id_table"],
        fields["xattr_table"],
        fields["inode_table"],
        fields["directory_table"],
        fields["fragment_table"],
        fields["export_table"],
    )
