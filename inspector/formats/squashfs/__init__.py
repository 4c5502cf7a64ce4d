"""SquashFS 4.0 images, read without mounting or unpacking them.

A library of its own: give it any :class:`inspector.source.Source`.  An image inside another file is a ``SliceSource``; every position below is in
bytes from the start of the image.  Metadata is decoded once, file data block by block on demand.  gzip, xz, lzma and zstd need nothing else, lz4
needs the extra ``bundle-inspect[lz4]``, lzo is named and refused.  One thread at a time may use an image.  The format is described in
squashfs-tools-ng's ``doc/format.adoc`` and in Linux's ``fs/squashfs/squashfs_fs.h``; the checks are those of the kernel and of unsquashfs::

    image = SquashfsImage(SliceSource(file_source, payload_offset), limits)   # reads and checks the superblock, the tables for listing, the root

    image.superblock            Superblock: compressor "zstd", block_size, inode_count, fragment_count, mkfs_time, flags, bytes_used, …
    image.compressor_options    {"compression-level": 22}; {} where the image states none
    image.root                  Inode
    image.walk(on_error=None)   Iterator[(path: bytes, Inode)]: the root first as b"", then b"usr", b"usr/bin", …, bytewise ascending, each directory
                                before its content.  on_error(path, FormatError) is told of an unreadable member and the walk goes on; without it, it
                                raises.  A passed count (inodes, decoded_metadata) always raises LimitExceeded
    image.lookup(path)          Inode | None; links are not followed
    image.list_directory(inode) Iterator[(name: bytes, Inode)]
    image.xattrs(inode)         {b"user.name": b"value"}
    image.read_order(inodes)    Iterator[Inode]: the regular files in the order of the disk, those with a common fragment together; while it is
                                iterated, fragments are decoded once, and ahead of the reader.  read_order(nodes, inode_of) does it for any objects
    image.fragments             Sequence of Fragment(position, stored, raw)
    image.table_ranges()        (TableRange(name, start, end), …): where the metadata lies
    image.data_ranges(inodes)   [(start, end), …]: bytes of the data area that these files occupy, sorted and merged
    image.decoded_bytes         bytes of file data decoded so far

    inode.number  .kind (InodeKind; its values are "file", "directory", "symlink", "character-device", "block-device", "fifo", "socket")
    inode.mode (07777)  .uid  .gid  .mtime  .nlink  .size (bytes of a file or of a link's target, else 0)  .target (bytes; b"" unless a symlink)
    inode.device -> (major, minor)  .xattr_index (None where it has none)
    inode.stored_size           bytes on disk: its blocks, and its part of its fragment
    inode.content_key           hashable; equal keys prove equal content; None where the file is empty
    inode.fragment_index        int | None (usable as ``Node.read_group``)
    inode.blocks()              Iterator[DataBlock(position, stored, raw, size)]
    inode.read_at(offset, length) -> bytes      a regular file's Inode is a Source

The writer is in modules of its own, which nobody who only reads has to load::

    from inspector.formats.squashfs.entry import ImageEntry
    from inspector.formats.squashfs.writer import write_image

    write_image(entries, target, compressor="zstd", level=15)   # WrittenImage; what is an Inode's content is copied as it is stored
    write_image(entries, target, **asdict(settings_of(image)))  # like an old image: image_settings.py

Raises :class:`~inspector.errors.FormatError` and its kinds ``UnsupportedFormat`` (big-endian, versions 1 to 3, vendor magics, missing decoders) and
``LimitExceeded``; ``OSError`` where the source itself fails; nothing else.
"""

from __future__ import annotations

from inspector.formats.squashfs.content import Fragment
from inspector.formats.squashfs.data import DataBlock
from inspector.formats.squashfs.image import SquashfsImage
from inspector.formats.squashfs.inode import Inode, InodeKind
from inspector.formats.squashfs.layout import TableRange
from inspector.formats.squashfs.superblock import MAGIC, Superblock, read_superblock

__all__ = [
    "MAGIC",
    "DataBlock",
    "Fragment",
    "Inode",
    "InodeKind",
    "SquashfsImage",
    "Superblock",
    "TableRange",
    "read_superblock",
]
