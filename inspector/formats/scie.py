"""Scies: a starter, the files that it unpacks, and a JSON manifest behind the last ZIP archive (a-scie/jump, jump/src/config.rs, lift.rs, zip.rs).

Files lie one behind the other from the end of the starter on, in the manifest's order.  Those without a size are members of the last file, a ZIP
archive; those with a ``source`` are fetched at run time and are not in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.zip import find_end_record
from inspector.source import SliceSource, Source

_LONGEST_MANIFEST = 0xFFFF  # jump/src/boot/pack.rs: the trailer is looked for in so many bytes
_MOST_FILES = 10_000
_LONGEST_NAME = 4096


class ScieFile(Struct, frozen=True):
    """One file of the manifest.

    :ivar type: "blob", "directory", "zip", "tar", "tar.gz" …
    :ivar start: where it begins; ``end`` behind it; both 0 for one that is not in the file as such.
    :ivar source: the binding that fetches it at run time, or None.
    :ivar is_member: whether it is a member of the last file.
    :ivar digest: its SHA-256 in hexadecimal digits, or "".
    """

    name: str
    key: str
    type: str
    start: int
    end: int
    source: str | None
    is_member: bool
    digest: str
    executable: bool


class Scie(Struct, frozen=True):
    """What the manifest says.

    :ivar commands: by name, "" for the one that is started without one: (program, environment).
    :ivar manifest: where it begins in the file.
    :ivar jump_size: bytes of the starter.
    """

    name: str
    base: str
    jump_size: int
    jump_version: str
    files: tuple[ScieFile, ...]
    commands: Mapping[str, tuple[str, Mapping[str, str]]]
    manifest: int


def find_manifest(source: Source) -> tuple[int, Mapping[str, Any]] | None:
    """Where the manifest of a scie begins, and its content; None where the file ends with none."""
    tail_start = max(source.size - _LONGEST_MANIFEST - 2, 0)
    tail = source.read_at(tail_start, source.size - tail_start)
    if b'"scie"' not in tail or not tail.rstrip().endswith(b"}"):
        return None
    end = find_end_record(source)
    starts = [] if end is None else [end.end]
    starts.append(tail_start + tail.rstrip().rfind(b"\n") + 1)  # written as one line by default
    for start in starts:
        try:
            found = json.loads(source.read_at(start, source.size - start)) if start >= tail_start else None
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("scie"), dict):
            return start, found["scie"]
    return None


def read_scie(source: Source) -> Scie:
    """The manifest of a scie, its files located.

    :raises FormatError: where there is none, or it does not fit the file.
    """
    found = find_manifest(source)
    if found is None:
        raise FormatError("no manifest of a scie")
    start, manifest = found
    lift, jump = manifest.get("lift"), manifest.get("jump")
    if not isinstance(lift, dict) or not isinstance(jump, dict) or not isinstance(lift.get("files"), list):
        raise FormatError("the manifest of the scie has no files, or says nothing of its starter", start)
    jump_size = jump.get("size")
    if not isinstance(jump_size, int) or not 0 < jump_size <= start:
        raise FormatError("the manifest of the scie states no size of its starter", start)
    return Scie(
        name=_text(lift.get("name")),
        base=_text(lift.get("base")) or "~/.nce",
        jump_size=jump_size,
        jump_version=_text(jump.get("version")),
        files=_files(lift["files"], jump_size, start),
        commands=_commands(lift.get("boot")),
        manifest=start,
    )


def file_content(source: Source, file: ScieFile) -> Source:
    """The bytes of a file that lies in the scie."""
    return SliceSource(source, file.start, file.end - file.start)


def _files(listed: list[Any], position: int, end: int) -> tuple[ScieFile, ...]:
    if len(listed) > _MOST_FILES:
        raise LimitExceeded(f"a scie of {len(listed)} files")
    files = []
    for found in listed:
        if not isinstance(found, dict) or not 0 < len(_text(found.get("name"))) <= _LONGEST_NAME:
            raise FormatError("a file of the scie has no name", end)
        size, fetched = found.get("size"), found.get("source")
        start = 0
        if isinstance(fetched, str):
            size = 0
        elif isinstance(size, int) and not isinstance(size, bool) and size > 0:
            start, position = position, position + size
            if position > end:
                raise FormatError(
                    f"the scie's file {found['name']!r} would end behind the last byte of the files", start
                )
        files.append(
            ScieFile(
                name=found["name"],
                key=_text(found.get("key")),
                type=_text(found.get("type")) or "blob",
                start=start,
                end=position if start else 0,
                source=fetched if isinstance(fetched, str) else None,
                is_member=not start and not isinstance(fetched, str),
                digest=_text(found.get("hash")),
                executable=found.get("executable") is True,
            )
        )
    return tuple(files)


def _commands(boot: object) -> dict[str, tuple[str, Mapping[str, str]]]:
    commands = boot.get("commands") if isinstance(boot, dict) else None
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for name, command in commands.items() if isinstance(commands, dict) else ():
        if isinstance(command, dict) and isinstance(command.get("exe"), str):
            environment = command.get("env")
            pairs = environment.items() if isinstance(environment, dict) else ()
            found[name] = (
                command["exe"],
                {
                    key.lstrip("="): value for key, value in pairs if isinstance(value, str)
                },  # "=NAME" replaces, "NAME" is a default
            )
    return found


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
