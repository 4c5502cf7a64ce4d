"""A squashfs image at some place of a file, and everything that an artifact made of one has in common."""

from __future__ import annotations

from inspector.artifact.artifact import Artifact
from inspector.artifact.gaps import byte_map, zero_bytes
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Tree
from inspector.artifact.tree_making.container_tree import squashfs_tree
from inspector.errors import FormatError, NothingInspected
from inspector.formats.squashfs import SquashfsImage
from inspector.model import Problem
from inspector.result import EnvelopeInfo
from inspector.source import SliceSource

_PADDING = 4096  # mksquashfs fills the image up to this


def open_payload(candidate: Candidate, offset: int, name: str, title: str) -> Artifact:
    """The artifact whose tree is that of the squashfs image at ``offset``; its layout is still the empty one.

    :param name: the format's name in the Result.
    :param title: its name in a sentence.
    :raises FormatError: where there is no readable image, or it is cut off.
    :raises NothingInspected: where the image holds no file.
    """
    source = candidate.source
    image = SquashfsImage(SliceSource(source, offset), candidate.limits)
    superblock = image.superblock
    end = offset + superblock.bytes_used
    problems: list[Problem] = []
    tree = squashfs_tree(image, problems)
    if not any(True for _ in tree.files()):
        cause = f": {problems[0].message}" if problems else ""
        raise NothingInspected(
            f"{candidate.path} is {title} that holds no readable file{cause}", "the image may be damaged"
        )
    padded = min(offset + -(-superblock.bytes_used // _PADDING) * _PADDING, source.size)
    padding_end = end + zero_bytes(source, end, padded)
    return Artifact(
        path=candidate.path,
        format=name,
        arch=None,
        size=source.size,
        tree=tree,
        envelope=EnvelopeInfo(
            offset=offset,
            payload_size=superblock.bytes_used,
            compression=superblock.compressor,
            block_size=superblock.block_size,
            created=superblock.mkfs_time,
            trailing_bytes=source.size - padding_end,
        ),
        source=source,
        problems=problems,
        byte_map=byte_map(
            source,
            headers=[(0, offset)],
            entries=image_ranges(image, offset, tree, problems),
            end=end,
            padding_end=padding_end,
        ),
        image=image,
    )


def image_ranges(image: SquashfsImage, offset: int, tree: Tree, problems: list[Problem]) -> list[tuple[int, int]]:
    """Bytes of the file that the image's tables and the files' data occupy."""
    inodes = [node.content for node in tree.files()]
    try:
        ranges = [(table.start, table.end) for table in image.table_ranges()] + image.data_ranges(inodes)  # type: ignore[arg-type]
    except FormatError as error:
        problems.append(Problem(kind="corrupt-table", subject="", message=str(error)))
        return []
    return [(start + offset, end + offset) for start, end in ranges]
