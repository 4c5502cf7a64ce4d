"""Tar archives and what is made of them: names, links and orders as extraction follows them; hostile ones bounded."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import Artifact, open_artifact
from inspector.errors import FormatError, LimitExceeded, NothingInspected
from inspector.formats.compressed_stream import decode_stream
from inspector.formats.tar import read_tar
from inspector.limits import MIB, Limits
from inspector.source import BytesSource
from tests.extracted import assert_whole
from tests.package_builder import ar, conda_archive, cpio, deb, directory, link, rpm, tar


def opened(content: bytes, tmp_path: Path, limits: Limits | None = None) -> Artifact:
    path = tmp_path / "App"
    path.write_bytes(content)
    return open_artifact(path, limits)


def shown(artifact: Artifact) -> dict[str, object]:
    """Content of files, targets of links and None for directories, by path."""
    return {node.path: node.read() if node.is_file else node.target for node in artifact.tree if node.path}


def test_later_members_take_the_place_of_earlier_ones(tmp_path: Path) -> None:
    content = tar([
        ("a", b"old"), ("a", b"new"),
        directory("d"), ("d/in", b"1"), ("d", b"file now"),
        ("e", b"file"), ("e/f", b"below a file"),
        link("l", "d2"), directory("d2"), ("l/through", b"2"), directory("l"),
    ])  # fmt: skip
    with opened(content, tmp_path) as artifact:
        found = shown(artifact)
        assert found == {"a": b"new", "d": b"file now", "e": b"file", "d2": None, "d2/through": b"2", "l": None}
        assert [problem.subject for problem in artifact.problems] == ["e/f"]


def test_hard_links_share_content_and_inode(tmp_path: Path) -> None:
    content = tar(
        [("a", b"x" * 100), link("b", "./a", hard=True), link("c", "b", hard=True), link("gone", "nowhere", hard=True)]
    )
    with opened(content, tmp_path) as artifact:
        assert shown(artifact) == {"a": b"x" * 100, "b": b"x" * 100, "c": b"x" * 100}
        assert len({node.inode for node in artifact.tree.files()}) == 1
        assert [(problem.kind, problem.subject) for problem in artifact.problems] == [("broken-link", "gone")]


@pytest.mark.parametrize(
    "members",
    [
        [("../outside", b"x")],
        [("a/../../outside", b"x")],
        [link("out", "/etc"), ("out/passwd", b"x")],
        [link("out", "../.."), ("out/passwd", b"x")],
        [link("x", "y"), link("y", "x"), ("x/z", b"x")],
        [link("x", "../../etc/passwd", hard=True)],
    ],
)
def test_what_would_leave_the_tree_is_named(members: list[tarfile.TarInfo | tuple[str, bytes]], tmp_path: Path) -> None:
    with opened(tar([*members, ("good", b"good")]), tmp_path) as artifact:
        assert artifact.problems
        assert artifact.tree.get("good") is not None
        assert not any(part in ("", ".", "..") for node in artifact.tree if node.path for part in node.path.split("/"))


def test_absolute_names_and_links_of_a_root_file_system_stay_inside(tmp_path: Path) -> None:
    content = tar([directory("/usr"), directory("/usr/lib"), directory("/etc"), link("/lib", "/usr/lib"), ("/lib/libx.so", b"x"),
                   link("/top", "../../usr"), ("/top/y", b"y")])  # fmt: skip
    with opened(content, tmp_path) as artifact:
        assert artifact.layout.file_system_root
        assert artifact.problems == []
        assert {"usr/lib/libx.so", "usr/y"} <= set(shown(artifact))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_streams_behind_one_another_are_one(pack: object, tmp_path: Path) -> None:
    whole = tar([("a", b"a" * 3000), ("b", random.Random(1).randbytes(5000))])
    assert callable(pack)
    with opened(pack(whole[:1000]) + pack(whole[1000:]), tmp_path) as artifact:
        assert shown(artifact) == {"a": b"a" * 3000, "b": random.Random(1).randbytes(5000)}
        assert_whole(artifact)


def test_bytes_behind_the_stream_are_appended(tmp_path: Path) -> None:
    packed = gzip.compress(tar([("a", b"a")]))
    with opened(packed + bytes(100) + b"hidden", tmp_path) as artifact:
        assert artifact.byte_map["padding"] == 100
        assert artifact.byte_map["appended"] == 6
        assert sum(artifact.byte_map.values()) == artifact.size


def test_a_cut_archive_shows_what_is_there(tmp_path: Path) -> None:
    whole = tar([("first", b"1" * 2000), ("second", random.Random(2).randbytes(9000))])
    for content in (whole[:8000], gzip.compress(whole)[:-4000]):
        with opened(content, tmp_path) as artifact:
            assert artifact.tree.get("first") is not None
            assert artifact.problems
            assert sum(artifact.byte_map.values()) == artifact.size
            second = artifact.tree.get("second")
            assert second is None or len(second.read()) == second.size < 9000


def test_a_wrong_checksum_ends_the_reading(tmp_path: Path) -> None:
    whole = bytearray(tar([("first", b"1"), ("second", b"2")], tarfile.USTAR_FORMAT))
    whole[1024] ^= 1
    with opened(bytes(whole), tmp_path) as artifact:
        assert shown(artifact) == {"first": b"1"}
        assert "checksum" in artifact.problems[0].message
    whole[0] ^= 1
    with pytest.raises(NothingInspected):
        opened(bytes(whole), tmp_path)


def test_bombs_meet_a_limit(tmp_path: Path) -> None:
    zeros = gzip.compress(tar([("a", b"a")]) + bytes(200 * MIB))
    with pytest.raises(LimitExceeded, match="expansion_ratio"):
        decode_stream(BytesSource(zeros), Limits())
    with pytest.raises(NothingInspected, match="expansion_ratio"):
        opened(zeros, tmp_path)
    with pytest.raises(LimitExceeded, match="decoded_data"):
        decode_stream(BytesSource(zeros), Limits(decoded_data=MIB))
    many = tar([(str(number), b"") for number in range(50)])
    with pytest.raises(LimitExceeded, match="inodes"):
        read_tar(BytesSource(many), Limits(inodes=20))
    with pytest.raises(LimitExceeded, match="decoded_data"):
        read_tar(BytesSource(_sparse_bomb()), Limits())
    dictionary = lzma.compress(bytes(100), filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}])
    with pytest.raises(LimitExceeded, match="xz_memory"):
        decode_stream(BytesSource(dictionary), Limits())


def _sparse_bomb() -> bytes:
    """A sparse file of 2**60 bytes, by pax records."""
    info = tarfile.TarInfo("hole")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 60)}
    content = b"0\n".ljust(512, b"\0")
    info.size = len(content)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ({"GNU.sparse.size": "100", "GNU.sparse.map": "50,10,0,10"}, "out of order"),
        ({"GNU.sparse.size": "100", "GNU.sparse.map": "0,99"}, "more bytes than are stored"),
        ({"GNU.sparse.size": "x", "GNU.sparse.map": "0,1"}, "no number"),
        ({"size": "-5"}, "negative"),
        ({"mtime": "today"}, "no number"),
    ],
)
def test_records_that_make_no_sense(records: dict[str, str], said: str) -> None:
    info = tarfile.TarInfo("odd")
    info.pax_headers = records
    found = tar([("before", b""), info, ("behind", b"")])
    archive = read_tar(BytesSource(found), Limits())
    assert said in str(archive.damages[0][1])
    assert archive.entries[0].path == b"before"


def test_an_extension_that_claims_gigabytes() -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
    content = header.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(FormatError):
        read_tar(BytesSource(content + bytes(1024)), Limits())


def test_appdirs_in_archives_have_their_launcher(tmp_path: Path) -> None:
    with opened(tar([directory("App.AppDir"), ("App.AppDir/AppRun", b"#!/bin/sh\n")]), tmp_path) as artifact:
        assert (artifact.layout.launcher, artifact.layout.bundle_root) == ("App.AppDir/AppRun", "App.AppDir")


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (["sample-1.2/PKG-INFO", "sample-1.2/setup.py"], "sdist"),
        (["python/PYTHON.json", "python/install/bin/python3.12"], "python-build-standalone"),
        (["python/bin/python3", "python/lib/python3.12/os.py"], "python-build-standalone"),
        (["bin/conda-unpack", "conda-meta/history", "bin/python3.12"], "conda-pack"),
        (["info/index.json", "info/paths.json", "lib/x"], "conda-package"),
        (["a", "b"], "tar"),
    ],
)
def test_flavours_are_told_by_their_files(names: list[str], form: str, tmp_path: Path) -> None:
    with opened(gzip.compress(tar([(name, b"{}") for name in names])), tmp_path) as artifact:
        assert artifact.format == form
        assert_whole(artifact)


def test_a_debian_package_whose_control_is_broken_is_read_all_the_same(tmp_path: Path) -> None:
    data = tar([("./usr/bin/x", b"x")])
    with opened(deb(data), tmp_path) as artifact:
        assert artifact.arch == "x86_64"
        assert_whole(artifact)
    broken = ar([(b"debian-binary", b"2.0\n"), (b"control.tar.gz", b"\x1f\x8b\x08broken"), (b"data.tar", data)])
    with opened(broken, tmp_path) as artifact:
        assert shown(artifact) == {"usr": None, "usr/bin": None, "usr/bin/x": b"x"}
        assert artifact.problems
    with pytest.raises(NothingInspected, match="without a data archive"):
        opened(ar([(b"debian-binary", b"2.0\n")]), tmp_path)


_TAGS = {
    1000: b"sample",
    1001: b"1.2",
    1002: b"3",
    1014: b"MIT",
    1022: b"x86_64",
    1044: b"sample.src.rpm",
    1049: [b"bash", b"rpmlib(X)"],
}


def test_rpm_packages_with_named_and_with_numbered_members(tmp_path: Path) -> None:
    members = [(b"./opt/b", 0o100644, b"second"), (b"./opt/a", 0o100755, b"first!!"), (b"./opt/l", 0o120777, b"a")]
    expected = {"opt": None, "opt/a": b"first!!", "opt/b": b"second", "opt/l": "a"}
    with opened(rpm(cpio(members), _TAGS), tmp_path) as artifact:
        assert shown(artifact) == expected
        assert_whole(artifact)
        assert artifact.envelope is not None
        assert artifact.envelope.package is not None
        assert artifact.envelope.package.depends == ("bash",)
    files = {
        1116: [0, 0, 0], 1117: [b"b", b"a", b"l"], 1118: [b"/opt/"], 1028: [6, 7, 1], 1030: [0o100644, 0o100755, 0o120777], 1036: [b"", b"", b"a"],
    }  # fmt: skip
    with opened(rpm(cpio(members, numbered=True), _TAGS | files), tmp_path) as artifact:
        assert shown(artifact) == expected
        assert_whole(artifact)


def test_an_rpm_header_that_points_behind_itself(tmp_path: Path) -> None:
    good = rpm(cpio([(b"./a", 0o100644, b"a")]), _TAGS)
    place = good.index(struct.pack(">II", 1000, 6), 112) + 8
    broken = good[:place] + b"\x7f\xff\xff\xff" + good[place + 4 :]
    with pytest.raises(NothingInspected, match="lies behind its end"):
        opened(broken, tmp_path)


def test_a_large_stream_lies_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    content = random.Random(3).randbytes(300_000)
    stream = decode_stream(BytesSource(gzip.compress(content)), Limits(small_file=1000))
    assert stream.read_at(0, len(content)) == content
    assert stream.read_at(299_990, 100) == content[299_990:]
    assert list(tmp_path.iterdir()) == []
    assert stream.stored_between(0, 100_000) + stream.stored_between(100_000, 300_000) == stream.stored_end


def test_source_distributions_and_conda_packages_state_what_they_are(tmp_path: Path) -> None:
    metadata = (
        b"Metadata-Version: 2.4\nName: sample\nVersion: 1.2\nLicense-Expression: MIT\nRequires-Dist: six>=1\n ,<2\n"
    )
    metadata += b"Requires-Dist: attrs\n\nName: no\n"
    with opened(gzip.compress(tar([("sample-1.2/PKG-INFO", metadata)])), tmp_path) as artifact:
        assert artifact.envelope is not None
        package = artifact.envelope.package
        assert package is not None
        assert (package.name, package.version, package.license) == ("sample", "1.2", "MIT")
        assert package.depends == ("six>=1 ,<2", "attrs")
    index = json.dumps(
        {"name": "zlib", "version": "1.3", "license": "Zlib", "depends": ["libgcc", 5], "subdir": "linux-64"}
    ).encode()
    info, content = (
        tar([("info/index.json", index), ("info/files", b"lib/libz.so\n")]),
        tar([("lib/libz.so", b"x" * 50)]),
    )
    for packed in (
        conda_archive(content, info),
        bz2.compress(tar([("info/index.json", index), ("info/files", b""), ("lib/libz.so", b"x" * 50)])),
    ):
        with opened(packed, tmp_path) as artifact:
            assert artifact.format == "conda-package"
            assert_whole(artifact)
            assert shown(artifact)["lib/libz.so"] == b"x" * 50
            assert artifact.envelope is not None
            assert artifact.envelope.package is not None
            assert (artifact.envelope.package.name, artifact.envelope.package.depends) == ("zlib", ("libgcc",))


def test_lz4_frames(tmp_path: Path) -> None:
    frame = pytest.importorskip("lz4.frame", reason="the package lz4 is not installed")
    content = random.Random(4).randbytes(3_000_000)
    whole = tar([("a", content), ("b", b"b")])
    with opened(frame.compress(whole[:2_000_000]) + frame.compress(whole[2_000_000:]), tmp_path) as artifact:
        assert shown(artifact) == {"a": content, "b": b"b"}
        assert_whole(artifact)
    with opened(frame.compress(whole)[:-1_000_000], tmp_path) as artifact:
        assert artifact.problems
    with pytest.raises(LimitExceeded, match="expansion_ratio"):
        decode_stream(BytesSource(frame.compress(bytes(100 * MIB))), Limits(expansion_ratio=10))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_lies_before_the_damage_is_shown(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    noise = random.Random(5)
    packed = bytearray(pack(tar([(f"file-{number}", noise.randbytes(100_000)) for number in range(30)])))
    packed[len(packed) * 3 // 4] ^= 0xFF
    with opened(bytes(packed), tmp_path) as artifact:
        assert len(list(artifact.tree.files())) > 10
        assert any("damaged" in problem.message for problem in artifact.problems)
        assert sum(artifact.byte_map.values()) == artifact.size
