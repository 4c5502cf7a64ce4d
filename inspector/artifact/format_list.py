"""Every format that Inspector has a word for: opened, recognised by name, or named only to say what it is."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.artifact.directory import LIMITATIONS
from inspector.artifact.opening import DIRECTORY_READERS, READERS
from inspector.artifact.unrecognised import named_kinds


class KnownFormat(Struct, frozen=True):
    """One format.

    :ivar format: its name in the Result; "" for one that is not opened.
    :ivar title: its name in a sentence, with an article.
    :ivar lies_as: a file, a directory, or either.
    :ivar nested: whether it is opened in place where it is a member of something else.
    :ivar limitations: what its reader cannot do, a sentence each.
    :ivar audited_as: of one that is not opened, the format as which its file is audited all the same, its payload unread; "" where it is refused.
    """

    format: str
    title: str
    lies_as: Literal["file", "directory"]
    nested: bool = False
    limitations: tuple[str, ...] = ()
    audited_as: str = ""


class FormatList(Struct, frozen=True):
    """All of them.

    :ivar opened: in the order in which their readers are asked.
    :ivar recognised: told apart from what they look like, and not read: refused with a piece of advice, or named and audited as something plainer.
    :ivar named: known by their first bytes alone, so that the refusal says what the file is.
    """

    opened: tuple[KnownFormat, ...]
    recognised: tuple[KnownFormat, ...]
    named: tuple[str, ...]


def known_formats() -> FormatList:
    """The list, made from the readers' own records."""
    files = [
        KnownFormat(
            reader.format,
            reader.title,
            "file",
            reader.nests and bool(reader.format),
            reader.limitations,
            reader.audited_as,
        )
        for reader in READERS
    ]
    directories = [
        KnownFormat(reader.format, reader.title, "directory", reader.member is not None, reader.limitations)
        for reader in DIRECTORY_READERS
    ]
    directories += [
        KnownFormat("appdir", "an AppDir", "directory", limitations=LIMITATIONS),
        KnownFormat("directory", "any other directory", "directory", limitations=LIMITATIONS),
    ]
    return FormatList(
        opened=tuple(one for one in (*files, *directories) if one.format),
        recognised=tuple(one for one in files if not one.format),
        named=named_kinds(),
    )
