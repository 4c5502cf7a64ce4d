"""XAR, the executable archive of Meta's ``xar`` project: a text header and, at the offset that it names, a squashfs image that is started.

The header is lines of ``NAME="value"`` up to ``#xar_stop`` (facebookincubator/xar, xar/xar_util.py and XarParser.cpp).  Not Apple's archive format of
the same name, which begins with ``xar!``.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.squashfs_payload import open_payload
from inspector.errors import FormatError
from inspector.model import Problem
from inspector.patterns import lazy_pattern
from inspector.source import Source

_LONGEST_HEADER = 1 << 20
_STOP = b"#xar_stop"
_VALUE = lazy_pattern(rb'([A-Z_]+)="([^"\n]*)"$')
_ONLY_OFFSET = 4096  # XarExecFuse refuses every other one (XarHelpers.cpp, read_xar_header)


class XarHeader(Struct, frozen=True):
    """The text in front of the image.

    :ivar values: by name, as written.
    :ivar offset: where the image begins, in bytes.
    """

    values: dict[str, str]
    offset: int


def read_xar_header(source: Source) -> XarHeader:
    """The header of a XAR file.

    :raises FormatError: where it does not end, or names no offset in the file.
    """
    text = source.read_at(0, _LONGEST_HEADER)
    values: dict[str, str] = {}
    for line in text.split(b"\n"):
        if line.startswith(_STOP):
            break
        match = _VALUE.match(line)
        if match is not None:
            values[match[1].decode("ascii")] = match[2].decode("utf-8", "backslashreplace")
    else:
        raise FormatError("the header of a XAR file does not end")
    written = values.get("OFFSET", "")
    if not written.isascii() or not written.isdigit() or len(written) > 18 or not 0 < int(written) < source.size:
        raise FormatError(f"the header of a XAR file names no offset in the file: {written[:40]!r}")
    return XarHeader(values, int(written))


def open_xar(candidate: Candidate) -> Artifact:
    """Open a XAR file; see ``archive_readers``."""
    header = read_xar_header(candidate.source)
    artifact = open_payload(candidate, header.offset, "xar", "a XAR file")
    if header.offset != _ONLY_OFFSET:
        message = f"its image begins at byte {header.offset}; the runtime takes {_ONLY_OFFSET} only"
        artifact.problems.append(Problem(kind="corrupt-header", subject="", message=message))
    target = header.values.get("XAREXEC_TARGET", "").removeprefix("./")
    if target and artifact.tree.resolve(target) is None:
        message = "the header names it as what is started, and it is not there"
        artifact.problems.append(Problem(kind="missing-member", subject=target, message=message))
        target = ""
    mount_root = header.values.get(
        "MOUNT_ROOT", "/mnt/xarfuse"
    )  # XarExecFuse.cpp: the first of its default mount roots
    layout = RuntimeLayout(
        launcher=target or None,
        roots=(target,) if target else (),
        members_at=f"{mount_root}/uid-*/{header.values.get('UUID', '*')}-seed-*",
    )
    return replace(artifact, layout=layout)
