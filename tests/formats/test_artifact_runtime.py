"""Runtimes by their traces.  The kinds that occur in the corpus are proved on genuine files (test_artifact_genuine); here the logic and the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.artifact.appimage.type1 import update_information
from inspector.resources import load_table
from inspector.result import EnvelopeInfo
from tests.appimage_builder import SECTIONS, runtime
from tests.formats.test_artifact_bad_input import IMAGE


def envelope(path: Path, content: bytes) -> EnvelopeInfo:
    path.write_bytes(content)
    with open_artifact(path) as artifact:
        assert artifact.envelope is not None
        return artifact.envelope


@pytest.mark.parametrize(
    ("text", "more", "kind", "version", "compressors"),
    [
        (b"URUNTIME_MOUNT=3URUNTIME_CLEANUP=1URUNTIME_EXTRACT=3", {}, "uruntime", None, ("gzip", "lzo", "lz4", "xz", "zstd")),
        (b"AppImage runtime version: %s\n\0https://github.com/AppImage/type2-runtime/commit/caf24f9\0", {".static": b"static"},
         "type2-runtime", "caf24f9", ("gzip", "zstd")),
        (b"https://github.com/probonopd/static-tools/blob/master/LICENSE\0AppImage runtime version: %s\n\0appimage-offset\0", {".appimage": b"AI\2"},
         "static-tools", None, ("gzip", "zstd")),
        (b"dlopen(): error loading libfuse.so.2\0appimage-version\x00continuous\0Version: %s\n", {}, "appimagekit", "continuous", ("gzip", "xz")),
        (b"nothing that we know, inflate 1.3.1 Copyright\0ZSTD_decompress\0libfuse3.so.3\0", {}, "unknown", None, ("gzip", "zstd")),
        (b"", {}, "unknown", None, ()),
    ],
)  # fmt: skip
def test_kinds(
    text: bytes, more: dict[str, bytes], kind: str, version: str | None, compressors: tuple[str, ...], tmp_path: Path
) -> None:
    found = envelope(tmp_path / "App", runtime({**more, **SECTIONS}, text=text) + IMAGE).runtime
    assert found is not None
    assert (found.kind, found.version, found.compressors) == (kind, version, compressors)
    assert ("libfuse.so.2" in found.needs) == (kind == "appimagekit")
    assert ("fusermount" in found.needs) == (kind in ("uruntime", "type2-runtime", "static-tools"))
    assert ("libfuse3.so.3" in found.needs) == (b"libfuse3.so.3" in text)


def test_traces_in_the_payload_do_not_count(tmp_path: Path) -> None:
    found = envelope(tmp_path / "App", runtime() + IMAGE + b"dlopen(): error loading libfuse.so.2").runtime
    assert found is not None
    assert found.kind == "unknown"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b"zsync|https://example.org/a.zsync".ljust(1024, b"\0"), "zsync|https://example.org/a.zsync"),
        (b"  zsync|https://example.org/a.zsync \n\0left over from before", "zsync|https://example.org/a.zsync"),
        (b"anything at all", "anything at all"),
        (b"\xff|x", "\\xff|x"),
        (bytes(1024), None),
        (b" " * 1024, None),
    ],
)
def test_update_information_of_type_2(stored: bytes, shown: str | None, tmp_path: Path) -> None:
    content = runtime({**SECTIONS, ".upd_info": stored}) + IMAGE
    assert envelope(tmp_path / "App", content).update_information == shown


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (b"bintray-zsync|a|b|c|d".ljust(512), "bintray-zsync|a|b|c|d"),
        (b"zsync|u\0" + b"old text", "zsync|u"),
        (b"MKISOFS was here".ljust(512), None),
        (b" " * 512, None),
        (b"", None),
    ],
)
def test_update_information_of_type_1(field: bytes, shown: str | None) -> None:
    assert update_information(field) == shown


def test_digest(tmp_path: Path) -> None:
    for stored, shown in ((bytes(16), None), (bytes(range(16)), bytes(range(16)).hex()), (b"short", None)):
        assert envelope(tmp_path / "App", runtime({".digest_md5": stored, **SECTIONS}) + IMAGE).digest_md5 == shown


def test_sections_that_lie_about_their_place(tmp_path: Path) -> None:
    """A section header may point anywhere; what is outside the file reads as nothing."""
    content = bytearray(runtime({**SECTIONS, ".digest_md5": bytes(range(16))}) + IMAGE)
    table = int.from_bytes(content[0x28:0x30], "little")
    for index in range(1, 5):
        content[table + index * 64 + 24 : table + index * 64 + 32] = (1 << 62).to_bytes(8, "little")
    found = envelope(tmp_path / "App", bytes(content))
    assert (found.update_information, found.digest_md5, found.signature.status) == (None, None, "absent")


def test_the_data_is_complete() -> None:
    table = load_table("appimage/runtimes.toml")
    assert table["source"]
    assert table["as_of"]
    for entry in table["runtime"]:
        assert entry["kind"]
        assert entry["title"]
        assert entry["compressors"]
        assert entry.keys() & {"strings", "sections", "needed"}
        for pattern in entry.get("version", ()):
            assert re.compile(pattern.encode()).groups == 1
