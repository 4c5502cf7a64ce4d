"""The ZIP codec against zipfile and Info-ZIP: names, contents, byte ranges; and archives that lie."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.zip import ZipArchive, ZipWriter, find_end_record
from inspector.limits import Limits
from inspector.source import BytesSource

_MIXED = bytes(range(256)) * 9000 + b"text " * 100_000  # two megabytes: more than one seek point apart

Members = dict[str, bytes]
CONTENTS: Members = {"empty": b"", "a.txt": b"hello", "dir/b.bin": _MIXED, "dir/ä.txt": "ä".encode() * 999}


def packed(
    members: Members, *, method: int = zipfile.ZIP_DEFLATED, prefix: bytes = b"", streamed: bool = False
) -> bytes:
    """An archive as zipfile writes it; streamed: into something that cannot seek, so that sizes stand in data descriptors."""
    buffer = io.BytesIO()
    target = _Stream(buffer) if streamed else buffer
    with zipfile.ZipFile(target, "w", method) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            archive.writestr(name, content)
    return prefix + buffer.getvalue()


class _Stream(io.RawIOBase):
    def __init__(self, target: io.BytesIO) -> None:
        super().__init__()
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._target.write(data)


def contents(archive: ZipArchive) -> Members:
    return {
        entry.name.decode(): archive.open(entry).read_at(0, entry.size)
        for entry in archive.entries
        if not entry.is_directory
    }


def covered(archive: ZipArchive) -> int:
    return sum(end - start for start, end in (*archive.header_ranges(), *archive.data_ranges()))


@pytest.mark.parametrize("streamed", [False, True], ids=["seekable", "data descriptors"])
@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
    ids=["stored", "deflate", "bzip2", "lzma"],
)
def test_every_method_reads_as_zipfile_reads_it_and_every_byte_is_accounted_for(method: int, *, streamed: bool) -> None:
    source = BytesSource(packed(CONTENTS, method=method, streamed=streamed))
    archive = ZipArchive(source)
    assert archive.damage is None
    assert contents(archive) == CONTENTS
    assert covered(archive) == source.size


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2], ids=["deflate", "bzip2"])
def test_a_member_is_read_at_any_offset_forwards_and_backwards(method: int) -> None:
    archive = ZipArchive(BytesSource(packed({"b": _MIXED}, method=method)), Limits(block_cache=300_000))
    source = archive.open(archive.entries[0])
    for offset in (len(_MIXED) - 10, 5, 1_500_000, 140_000, 2_303_000, 0, 2_800_000):
        for length in (1, 300_000):
            assert source.read_at(offset, length) == _MIXED[offset : offset + length]
    assert source.read_at(len(_MIXED), 1) == source.read_at(-1, 5) == b""


def test_many_members_at_once_are_read_in_turns() -> None:
    members = {f"m{number}": bytes([number]) * 700_000 + _MIXED[:1000] for number in range(9)}
    archive = ZipArchive(BytesSource(packed(members)), Limits(block_cache=200_000))
    sources = [archive.open(entry) for entry in archive.entries]
    for offset in range(0, 700_000, 99_999):
        for number, source in enumerate(sources):
            assert source.read_at(offset, 3) == bytes([number]) * 3


@pytest.mark.parametrize("relative", [True, False], ids=["offsets without the prefix", "offsets with it"])
def test_an_archive_behind_a_prefix(*, relative: bool) -> None:
    prefix = b"#!/usr/bin/env python3\n" + b"# PK\5\6 is no end\n" * 3
    if relative:
        content = packed(CONTENTS, prefix=prefix)
    else:
        buffer = io.BytesIO()
        buffer.write(prefix)
        with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
            for name, data in CONTENTS.items():
                archive.writestr(name, data)
        content = buffer.getvalue()
    found = ZipArchive(BytesSource(content))
    assert found.start == len(prefix)
    assert contents(found) == CONTENTS
    assert covered(found) == len(content) - len(prefix)


def test_what_lies_behind_and_a_comment_with_a_signature() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"x")
        archive.comment = b"PK\5\6" + bytes(40)
    manifest = b'\n{"scie": {}}\n'
    found = ZipArchive(BytesSource(buffer.getvalue() + manifest))
    assert contents(found) == {"a": b"x"}
    assert found.end.end == len(buffer.getvalue())
    assert found.end.comment == b"PK\5\6" + bytes(40)


def test_zip64_records_are_followed() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
        archive.open("big", "w", force_zip64=True) as member,
    ):
        member.write(b"content")
    plain = BytesSource(buffer.getvalue())
    assert contents(ZipArchive(plain)) == {"big": b"content"}
    many = {f"{number}": b"" for number in range(65_540)}  # more than the plain end record can count
    source = BytesSource(packed(many))
    end = find_end_record(source)
    assert end is not None
    assert end.count == len(many)
    archive_of_many = ZipArchive(source)
    assert len(archive_of_many.entries) == len(many)
    assert covered(archive_of_many) == source.size


@pytest.mark.skipif(shutil.which("zip") is None, reason="zip is not installed")
def test_modes_links_and_times_of_info_zip(tmp_path: Path) -> None:
    directory = tmp_path / "tree"
    (directory / "bin").mkdir(parents=True)
    (directory / "bin/run").write_bytes(b"#!/bin/sh\n")
    (directory / "bin/run").chmod(0o755)
    (directory / "link").symlink_to("bin/run")
    subprocess.run(["zip", "-q", "-r", "-y", "../a.zip", "."], cwd=directory, check=True)
    archive = ZipArchive(BytesSource((tmp_path / "a.zip").read_bytes()))
    modes = {entry.name.decode(): entry.mode for entry in archive.entries}
    assert modes == {"bin/": 0o40755, "bin/run": 0o100755, "link": 0o120777}
    run = archive.get(b"bin/run")
    assert run is not None
    assert run.mtime == int((directory / "bin/run").stat().st_mtime)
    assert covered(archive) == (tmp_path / "a.zip").stat().st_size


# -- archives that lie


def patched(content: bytes, offset: int, replacement: bytes) -> bytes:
    return content[:offset] + replacement + content[offset + len(replacement) :]


def central(content: bytes) -> int:
    return content.index(b"PK\1\2")


def first_error(content: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(FormatError) as caught:
        contents(ZipArchive(BytesSource(content), limits))
    return str(caught.value)


ONE = packed({"a": b"hello hello hello hello"})


def test_a_wrong_sum_or_size_is_told() -> None:
    at = central(ONE)
    assert "CRC-32" in first_error(patched(ONE, at + 16, b"\1\2\3\4"))
    assert "end after 23 of 99 bytes" in first_error(patched(ONE, at + 24, struct.pack("<L", 99)))
    assert "more data than the 5 bytes" in first_error(
        patched(patched(ONE, at + 24, struct.pack("<L", 5)), at + 16, struct.pack("<L", zlib.crc32(b"hello")))
    )
    assert "damaged" in first_error(patched(ONE, 31, b"\xff\xff\xff\xff"))
    assert "central directory" in first_error(patched(ONE, at + 20, struct.pack("<L", 9999)))


def test_local_headers_must_be_there_and_agree() -> None:
    assert "no local header" in first_error(patched(ONE, 0, b"XX"))
    assert "another name" in first_error(patched(ONE, 30, b"b"))
    assert "no local header" in first_error(patched(ONE, central(ONE) + 42, struct.pack("<L", 5)))


def test_entries_that_lie_over_one_another_are_refused() -> None:
    """What a bomb of David Fifield's kind is made of: many entries, one kernel of data."""
    two = packed({"a": b"x" * 5000, "b": b"y" * 5000}, method=zipfile.ZIP_STORED)
    second = two.index(b"PK\1\2", central(two) + 4)
    overlapping = patched(patched(two, central(two) + 20, struct.pack("<LL", 5040, 5040)), 0, two[:30])
    assert "overlap those of a" in first_error(overlapping) or "CRC" in first_error(overlapping)
    same = patched(two, second + 42, struct.pack("<L", 0))
    archive = ZipArchive(BytesSource(same))
    refused = [entry for entry in archive.entries if entry.refusal is not None]
    assert [entry.name for entry in refused] == [b"b"]


def test_a_bomb_hits_the_limits() -> None:
    bomb = packed({"zeros": bytes(100 << 20)})
    assert "expansion_ratio limit" in first_error(bomb)
    assert "decoded_data limit" in first_error(packed({"zeros": bytes(1 << 20)}), Limits(decoded_data=100_000))
    with pytest.raises(LimitExceeded, match="inodes"):
        ZipArchive(BytesSource(packed({str(number): b"" for number in range(20)})), Limits(inodes=10))
    with pytest.raises(LimitExceeded, match="decoded_metadata"):
        ZipArchive(BytesSource(packed({str(number): b"" for number in range(20)})), Limits(decoded_metadata=100))


def test_unknown_methods_and_encryption_are_named() -> None:
    at = central(ONE)
    assert "deflate64" in first_error(patched(ONE, at + 10, b"\x09\0"))
    archive = ZipArchive(BytesSource(patched(ONE, at + 8, b"\1\0")))
    with pytest.raises(UnsupportedFormat, match="encrypted"):
        archive.open(archive.entries[0])


def test_a_file_without_an_archive() -> None:
    assert find_end_record(BytesSource(b"")) is None
    assert find_end_record(BytesSource(b"no archive" * 9999)) is None
    with pytest.raises(FormatError, match="no end record"):
        ZipArchive(BytesSource(ONE[:-30]))
    with pytest.raises(FormatError, match="does not fit"):
        ZipArchive(BytesSource(ONE[central(ONE) + 3 :]))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the interpreter's own wheels")
def test_the_wheels_of_ensurepip_read_as_zipfile_reads_them() -> None:
    ensurepip = pytest.importorskip("ensurepip")
    wheels = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("*.whl"))
    if not wheels:
        pytest.skip("this Python's ensurepip has no wheels")
    for wheel in wheels:
        archive = ZipArchive(BytesSource(wheel.read_bytes()))
        with zipfile.ZipFile(wheel) as oracle:
            assert contents(archive) == {
                name: oracle.read(name) for name in oracle.namelist() if not name.endswith("/")
            }
        assert covered(archive) == wheel.stat().st_size


# -- written


def rewritten(content: bytes, changed: Members, added: Members, *, gone: tuple[str, ...] = ()) -> bytes:
    """An archive with some members changed, added and left out, the others copied as they are stored."""
    archive = ZipArchive(BytesSource(content))
    target = io.BytesIO()
    target.write(content[: archive.start])
    writer = ZipWriter(target, offsets_from=archive.end.prefix)
    for entry in archive.entries:
        name = entry.name.decode()
        if name in changed:
            writer.replace(entry, BytesSource(changed[name]), mtime=1_700_000_001)
        elif name not in gone:
            writer.copy(archive, entry)
    for name, data in added.items():
        writer.add(name.encode(), BytesSource(data), mode=0o100755, mtime=1_700_000_001)
    writer.finish(archive.end.comment)
    return target.getvalue()


@pytest.mark.parametrize("streamed", [False, True], ids=["seekable", "data descriptors"])
@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA], ids=["stored", "deflate", "lzma"]
)
def test_what_is_written_reads_in_zipfile_and_changes_nothing_else(method: int, *, streamed: bool) -> None:
    content = packed(CONTENTS, method=method, streamed=streamed, prefix=b"#!/usr/bin/env python3\n")
    written = rewritten(content, {"a.txt": b"other" * 999}, {"ö/new": b"x" * 5000}, gone=("dir/ä.txt",))
    expected = {**CONTENTS, "a.txt": b"other" * 999, "ö/new": b"x" * 5000}
    del expected["dir/ä.txt"]
    with zipfile.ZipFile(io.BytesIO(written)) as oracle, zipfile.ZipFile(io.BytesIO(content)) as before:
        assert oracle.testzip() is None
        assert {name: oracle.read(name) for name in oracle.namelist()} == expected
        assert oracle.getinfo("ö/new").external_attr >> 16 == 0o100755
        for name in ("empty", "dir/b.bin"):
            old, new = before.getinfo(name), oracle.getinfo(name)
            assert (old.compress_size, old.compress_type, old.date_time, old.external_attr) == (
                new.compress_size, new.compress_type, new.date_time, new.external_attr,
            )  # fmt: skip
    again = ZipArchive(BytesSource(written))
    assert contents(again) == expected
    assert covered(again) == len(written) - again.start
    assert {entry.mtime for entry in again.entries if entry.name in (b"a.txt", "ö/new".encode())} == {1_700_000_001}


def test_nothing_changed_gives_the_same_members_and_writing_twice_the_same_bytes() -> None:
    content = packed(CONTENTS)
    once = rewritten(content, {}, {})
    assert rewritten(once, {}, {}) == once
    assert contents(ZipArchive(BytesSource(once))) == CONTENTS


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_info_zip_tests_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(rewritten(packed(CONTENTS, streamed=True), {"a.txt": b"other"}, {"new": b""}))
    subprocess.run(["unzip", "-tqq", tmp_path / "a.zip"], check=True)
