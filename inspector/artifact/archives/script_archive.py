"""Shell scripts that carry archives behind their last line: makeself's, and any other installer that appends a compressed tar archive to a script.

Makeself writes what a reader needs into the script's first lines (megastep/makeself, makeself-header.sh): ``skip``, how many lines the script has,
``filesizes``, the archives' bytes, and their checksums.  Nothing of the script is executed.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence

from msgspec import Struct

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import zero_bytes
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.stored_archive import decoded_head, open_stored
from inspector.errors import FormatError, NothingInspected, UnsupportedFormat
from inspector.formats.compressed_stream import Spool, compression_of
from inspector.formats.tar import looks_like_tar, read_tar
from inspector.limits import Limits
from inspector.model import Problem
from inspector.patterns import lazy_pattern
from inspector.result import EnvelopeInfo
from inspector.source import SliceSource, Source

_LONGEST_SCRIPT = 16 << 20
_MOST_TRIES = 20
_STEP = 1 << 20
_ASSIGNMENT = lazy_pattern(rb'^(\w+)="?([^"\n]*)"?$', re.MULTILINE)
_LINES = lazy_pattern(rb"head -n (\d{1,7}) \"\$0\"")  # versions up to 2.4.3 wrote the number where it is used
_BEGINNINGS = lazy_pattern(rb"\n(?=\x1f\x8b\x08|BZh[1-9]1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd)")


class _Makeself(Struct, frozen=True):
    """What makeself's header says.

    :ivar offset: where the first archive begins.
    """

    values: dict[bytes, bytes]
    offset: int
    sizes: tuple[int, ...]


def is_makeself(candidate: Candidate) -> bool:
    """Whether it is a script of makeself's by its first lines."""
    return b"Makeself" in candidate.head and b"filesizes=" in candidate.head


def open_makeself(candidate: Candidate) -> Artifact:
    """Open a self-extracting script of makeself."""
    source, limits = candidate.source, candidate.limits
    header = _read_header(source)
    if header.values.get(b"encrypt", b"n") not in (b"n", b"") or header.values.get(b"decrypt_cmd", b"").strip(b'"'):
        raise NothingInspected(
            f"{candidate.path} is a makeself archive whose content is encrypted",
            "unpack it with --noexec --target and audit the directory",
        )
    problems: list[Problem] = []
    parts = []
    position = header.offset
    for size in header.sizes:
        parts.append(SliceSource(source, position, size))
        position += size
    if position > source.size:
        problems.append(
            Problem(kind="truncated", subject="", message=f"{position - source.size} bytes of its archives are missing")
        )
    for number, part in enumerate(parts):
        _check_sum(header.values, number, part, problems)
    script = shlex.split(
        header.values.get(b"script", b"").decode("utf-8", "backslashreplace").replace('"', ""), posix=False
    )
    return _open_parts(
        "makeself", candidate, header.offset, parts, min(position, source.size), problems, limits, script[:1]
    )


def is_script_archive(candidate: Candidate) -> bool:
    """Whether an archive lies behind the lines of a script."""
    return find_script_archive(candidate) is not None


def find_script_archive(candidate: Candidate) -> int | None:
    """Where behind the lines of a script a compressed tar archive begins; None where nowhere."""
    if not candidate.head.startswith(b"#!"):
        return None
    text = candidate.source.read_at(0, min(candidate.source.size, _LONGEST_SCRIPT))
    for tries, match in enumerate(_BEGINNINGS.finditer(text)):
        if tries >= _MOST_TRIES:
            break
        if looks_like_tar(decoded_head(SliceSource(candidate.source, match.end()), candidate.limits)):
            return match.end()
    return None


def open_script_archive(candidate: Candidate) -> Artifact:
    """Open a script that :func:`find_script_archive` found an archive in."""
    offset = find_script_archive(candidate)
    if offset is None:
        raise NothingInspected(f"{candidate.path} is a script without an archive")
    part = SliceSource(candidate.source, offset)
    return _open_parts("script-archive", candidate, offset, [part], None, [], candidate.limits, ())


def _read_header(source: Source) -> _Makeself:
    text = source.read_at(0, min(source.size, _LONGEST_SCRIPT))
    values: dict[bytes, bytes] = {}
    for match in _ASSIGNMENT.finditer(text[:65536]):
        values.setdefault(match[1], match[2])
    written = values.get(b"skip", b"")
    if not written.isdigit():
        found = _LINES.search(text)
        written = found[1] if found is not None else b""
    sizes = values.get(b"filesizes", b"").split()
    if (
        not written.isdigit()
        or len(written) > 7
        or not sizes
        or not all(size.isdigit() and len(size) < 19 for size in sizes)
    ):
        raise FormatError("makeself's header does not say where its archives lie")
    offset = 0
    for _ in range(int(written)):
        offset = text.find(b"\n", offset) + 1
        if not offset:
            raise FormatError(f"makeself's header should have {int(written)} lines and has fewer")
    return _Makeself(values, offset, tuple(int(size) for size in sizes))


def _check_sum(values: dict[bytes, bytes], number: int, part: Source, problems: list[Problem]) -> None:
    """Compare an archive with the checksums of the header, the stronger one that is stated."""
    for name, algorithm in ((b"SHA", "sha256"), (b"MD5", "md5")):
        stated = values.get(name, b"").split()
        if number >= len(stated) or not stated[number].strip(b"0"):
            continue
        digest = hashlib.new(algorithm, usedforsecurity=False)
        for offset in range(0, part.size, _STEP):
            digest.update(part.read_at(offset, _STEP))
        if digest.hexdigest().encode() != stated[number].lower():
            problems.append(
                Problem(
                    kind="corrupt-member",
                    subject="",
                    message=f"archive {number + 1} has another {algorithm} than the script states",
                )
            )
        return


def _open_parts(
    name: str,
    candidate: Candidate,
    offset: int,
    parts: Sequence[Source],
    end: int | None,
    problems: list[Problem],
    limits: Limits,
    started: Sequence[str],
) -> Artifact:
    """The artifact of the archives behind a script.

    :param end: where the archives end; None: where the compressed stream of the only one does.
    :param started: what the script starts in the directory of the members.
    """
    source = candidate.source
    builder = ArchiveTree(problems, limits)
    spool = Spool(limits.small_file)
    compression: str | None = None
    for part in parts:
        head = part.read_at(0, 8)
        if compression_of(head) is None and not looks_like_tar(part.read_at(0, 512)):
            raise UnsupportedFormat("its archive is compressed or encoded in a way that is not read", offset)
        try:
            stored = open_stored(part, limits, spool=spool)
            archive = read_tar(stored.content, limits)
        except FormatError as error:
            if part is parts[0]:
                raise
            problems.append(problem_of("", error))
            continue
        stored.note_damage(problems)
        note_damages(archive.damages, problems)
        compression = stored.compression
        builder.begin_archive()
        for entry in archive.entries:
            builder.add(entry, stored.stored_size(entry.data_start, entry.end))
        if end is None:
            end = offset + (stored.stream.stored_end if stored.stream is not None else archive.end)
    tree = builder.tree()
    if not any(True for _ in tree.files()):
        raise NothingInspected(
            f"{candidate.path} carries an archive that holds no file", "the archive may have been made of nothing"
        )
    end = source.size if end is None else end
    padding = zero_bytes(source, end, source.size)
    program = next((word.strip("'\"").removeprefix("./") for word in started), "")
    launcher = program if program and tree.resolve(program) is not None else None
    return Artifact(
        path=candidate.path,
        format=name,
        arch=None,
        size=source.size,
        tree=tree,
        layout=RuntimeLayout(
            launcher=launcher or ("AppRun" if "AppRun" in tree else None),
            roots=(launcher,) if launcher is not None else (),
            members_at="$TMPDIR/selfgz*" if name == "makeself" else None,
        ),
        envelope=EnvelopeInfo(
            offset=offset,
            payload_size=end - offset,
            compression=compression,
            trailing_bytes=source.size - end - padding,
        ),
        source=source,
        problems=problems,
        byte_map={
            "headers": offset,
            "entries": end - offset,
            "padding": padding,
            "appended": source.size - end - padding,
            "unexplained": 0,
        },
    )
