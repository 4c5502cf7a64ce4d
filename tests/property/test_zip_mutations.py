"""Damaged ZIP archives: whatever the bytes are, only FormatError and its kinds leave the codec, and the readers say what is wrong."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.artifact import open_artifact
from inspector.errors import FormatError, NothingInspected
from inspector.formats.zip import ZipArchive
from inspector.limits import Limits
from inspector.pipeline import audit_opened
from inspector.source import BytesSource
from tests.bundles import appdir

LIMITS = Limits(decoded_data=8 << 20, decoded_metadata=1 << 20, inodes=1000, xz_memory=8 << 20)
MUTANTS = 300


def archive() -> bytes:
    """A wheel in small, with every method."""
    buffer = io.BytesIO(b"#!/usr/bin/env python3\n")
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "w") as target:
        for number, method in enumerate(
            (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        ):
            target.writestr(f"package/module{number}.py", b"import os\n" * (50 * number + 1), method)
        target.writestr("package-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\n")
        target.writestr("package-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: package\nVersion: 1.0\n")
        target.writestr("../outside", b"x")
        target.writestr("/absolute", b"x")
        target.comment = b"comment"
    return buffer.getvalue()


SOUND = archive()


def read_all(content: bytes) -> None:
    """Everything that an audit reads; an attacker's bytes may be refused, and nothing else may happen."""
    try:
        found = ZipArchive(BytesSource(content), LIMITS)
    except FormatError:
        return
    for entry in found.entries:
        try:
            source = found.open(entry)
            for offset in range(0, source.size, 1 << 16):
                source.read_at(offset, 1 << 16)
        except FormatError:
            pass
    ranges = sorted([*found.header_ranges(), *found.data_ranges()])
    assert all(0 <= start <= end <= len(content) for start, end in ranges)


def test_every_truncation() -> None:
    for length in range(len(SOUND)):
        read_all(SOUND[:length])


def test_flipped_bytes() -> None:
    chance = random.Random(11)
    for _ in range(MUTANTS):
        content = bytearray(SOUND)
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        read_all(bytes(content))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(SOUND) - 4),
    st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xfe\xff\xff\x7f", b"PK\5\6", b"PK\1\2"]),
)
def test_lengths_and_offsets_that_cannot_be(offset: int, replacement: bytes) -> None:
    read_all(SOUND[:offset] + replacement + SOUND[offset + 4 :])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_before_an_end_record(content: bytes) -> None:
    read_all(b"PK\3\4" + content + SOUND[SOUND.rindex(b"PK\5\6") :])


def test_a_damaged_file_opens_with_problems_or_is_refused_in_one_line(tmp_path: Path) -> None:
    chance = random.Random(12)
    path = tmp_path / "package-1.0-py3-none-any.whl"
    lines = []
    for _ in range(60):
        content = bytearray(SOUND)
        for _ in range(3):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(bytes(content))
        try:
            with open_artifact(path, LIMITS) as artifact:
                assert sum(artifact.byte_map.values()) == artifact.size
                assert all(
                    part not in ("..", ".", "") for node in artifact.tree if node.path for part in node.path.split("/")
                )
        except NothingInspected as refusal:
            lines.append(refusal.message)
    assert not any("\n" in line for line in lines)


def test_names_that_leave_the_archive_are_respelled_and_told(tmp_path: Path) -> None:
    path = tmp_path / "package-1.0-py3-none-any.whl"
    path.write_bytes(SOUND)
    with open_artifact(path) as artifact:
        assert {"\\x2e\\x2e/outside", "absolute"} <= {node.path for node in artifact.tree}
        assert [problem.kind for problem in artifact.problems] == ["unsafe-name", "unsafe-name"]


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_an_archive_that_is_cut_off_exits_with_three(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(SOUND.removeprefix(b"#!/usr/bin/env python3\n")[:-cut])
    with pytest.raises(NothingInspected) as caught:
        open_artifact(path)
    assert caught.value.exit_code == 3


def test_a_damaged_archive_inside_a_bundle_never_stops_the_audit() -> None:
    chance = random.Random(13)
    prefix = b"#!/usr/bin/env python3\n"
    for _ in range(40):
        content = bytearray(SOUND)
        for _ in range(chance.randrange(1, 8)):
            content[chance.randrange(len(prefix), len(content))] = chance.randrange(256)
        artifact = appdir(
            {"AppRun": "#!/bin/sh\n", "package-1.0-py3-none-any.whl": bytes(content), "cut.pyz": bytes(content[:-40])}
        )
        result = audit_opened(artifact, limits=LIMITS).result
        assert all(problem.subject.startswith(("package", "cut")) for problem in result.problems)
