"""slim/rebuilding/rebuild.py and what it calls: which formats, which compressors, sections, signatures, names, and what the user is told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.errors import UsageError
from inspector.formats.zsync import read_zsync
from inspector.slim.rebuilding.rebuild import UnsupportedRebuild, check_rebuildable
from inspector.slim.rebuilding.rebuild_options import RebuildOptions
from tests.appimage_builder import runtime
from tests.elf_builder import TinyElf
from tests.rebuilt import TIME, rebuilt, sections, write_appimage

FILES = {"AppRun": b"#!/bin/sh\n", "usr/data": b"data" * 9000, "usr/gone": b"gone" * 9000}
ZSYNC = "gh-releases-zsync|owner|app|latest|App-*x86_64.AppImage.zsync"
STATIC = b"AppImage runtime version: https://github.com/AppImage/type2-runtime/commit/caf24f9 "
KIT = b"dlopen(): error loading libfuse.so.2"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_appimage(tmp_path / "App-x86_64.AppImage", FILES)


@pytest.fixture
def appdir(tmp_path: Path) -> Path:
    path = tmp_path / "AppDir"
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def envelope(path: Path) -> object:
    with open_artifact(path) as artifact:
        return artifact.envelope


def test_two_builds_are_byte_identical(tmp_path: Path, source: Path) -> None:
    rebuilt(source, tmp_path / "one", gone=["usr/gone"])
    rebuilt(source, tmp_path / "two", gone=["usr/gone"])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with open_artifact(tmp_path / "one") as artifact:
        assert artifact.envelope is not None
        assert artifact.envelope.created == TIME


def test_the_time_of_the_image(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for given, expected in (("1234567890", 1_234_567_890), ("nonsense", TIME), ("-1", TIME), (str(1 << 32), TIME)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
        rebuilt(source, tmp_path / "out", force=True)
        with open_artifact(tmp_path / "out") as artifact:
            assert artifact.envelope is not None
            assert artifact.envelope.created == expected


def test_the_mode_of_the_output(tmp_path: Path, source: Path) -> None:
    for given, expected in ((0o755, 0o755), (0o700, 0o700), (0o644, 0o755), (0o4755, 0o755)):
        source.chmod(given)
        rebuilt(source, tmp_path / "out", force=True)
        assert (tmp_path / "out").stat().st_mode & 0o7777 == expected


def test_blocks_are_copied_unless_all_is_compressed_anew(tmp_path: Path, source: Path) -> None:
    copied = rebuilt(source, tmp_path / "copied")
    assert copied.bytes_copied > 0
    assert copied.bytes_compressed == 0
    anew = rebuilt(source, tmp_path / "anew", recompress="zstd:22")
    assert anew.bytes_copied == 0
    with open_artifact(tmp_path / "anew") as artifact:
        assert artifact.image is not None
        assert artifact.image.compressor_options["compression-level"] == 22


@pytest.mark.parametrize(("text", "readable"), [(STATIC, ("zstd", "gzip")), (KIT, ("gzip", "xz"))])
def test_only_what_the_runtime_reads(tmp_path: Path, text: bytes, readable: tuple[str, ...]) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES, text=text, compressor=readable[0])
    for name in ("zstd", "gzip", "xz", "lz4"):
        if name in readable:
            rebuilt(source, tmp_path / name, recompress=name)
            with open_artifact(tmp_path / name) as artifact:
                assert artifact.envelope is not None
                assert artifact.envelope.compression == name
        else:
            with pytest.raises(UsageError, match="cannot read it") as raised:
                rebuilt(source, tmp_path / name, recompress=name)
            assert raised.value.hint == f"choose another compressor: --recompress {readable[0]}"


def test_an_image_that_its_own_runtime_cannot_read_is_not_written_again(tmp_path: Path) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES, text=KIT, compressor="zstd")
    with pytest.raises(UsageError, match="cannot read it"):
        rebuilt(source, tmp_path / "out")
    rebuilt(source, tmp_path / "out", recompress="gzip")


@pytest.mark.parametrize(
    ("recompress", "says"),
    [
        *[(name, "no compressor") for name in ("zip", "lzo", ":5", "", "zstd ")],
        *[(name, "no level") for name in ("zstd:23", "zstd:", "gzip:x", "gzip:0", "xz:-1", "zstd:" + "9" * 5000)],
    ],
)
def test_recompress_that_means_nothing(source: Path, recompress: str, says: str) -> None:
    with open_artifact(source) as artifact, pytest.raises(UsageError, match=says):
        check_rebuildable(artifact, RebuildOptions(recompress=recompress))


def test_formats_that_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(TinyElf(needed=("libc.so.6",)).build())
    with open_artifact(tmp_path / "program") as artifact, pytest.raises(UnsupportedRebuild) as raised:
        check_rebuildable(artifact, RebuildOptions())
    assert raised.value.message.startswith("inspect can plan this format but not rewrite it: ")


def test_options_that_do_not_fit(source: Path, appdir: Path, tmp_path: Path) -> None:
    for path, options, says in (
        (appdir, RebuildOptions(sign="key"), "--sign is for AppImages"),
        (appdir, RebuildOptions(recompress="zstd"), "--recompress is for AppImages"),
        (source, RebuildOptions(runtime=str(source)), "keeps its own"),
        (appdir, RebuildOptions(runtime=str(tmp_path / "none")), "cannot be read"),
        (appdir, RebuildOptions(runtime=str(appdir / "usr/data")), "is no ELF file"),
    ):
        with open_artifact(path) as artifact, pytest.raises(UsageError, match=says):
            check_rebuildable(artifact, options)


def test_runtimes_that_are_none(tmp_path: Path, appdir: Path) -> None:
    (tmp_path / "library").write_bytes(TinyElf(soname="libx.so", needed=("libc.so.6",)).build())
    (tmp_path / "cut").write_bytes(runtime(sections())[:-500])
    for name, says in (("library", "is no runtime"), ("cut", "is cut off|is no ELF|no runtime")):
        with open_artifact(appdir) as artifact, pytest.raises(UsageError, match=says):
            check_rebuildable(artifact, RebuildOptions(runtime=str(tmp_path / name)))


def test_a_directory_becomes_an_appimage(tmp_path: Path, appdir: Path, source: Path) -> None:
    """With a bare runtime, with bytes behind a runtime that are none of it, and with the runtime of another AppImage."""
    (tmp_path / "runtime").write_bytes(runtime(sections(), text=STATIC))
    (tmp_path / "runtime-with-more").write_bytes(runtime(sections(), text=STATIC) + b"more")
    other = write_appimage(
        tmp_path / "other.AppImage", FILES, filled=sections(update=ZSYNC, signature=b"signed", digest=b"d" * 16), text=STATIC
    )  # fmt: skip
    outcomes = [
        rebuilt(appdir, tmp_path / f"out{number}", runtime=str(path))
        for number, path in enumerate((tmp_path / "runtime", tmp_path / "runtime-with-more", other))
    ]
    contents = [(tmp_path / f"out{number}").read_bytes() for number in range(3)]
    assert contents[0] == contents[1] == contents[2]
    assert outcomes[0].notices == ()
    assert "is that of another application" in outcomes[2].notices[0]
    with open_artifact(tmp_path / "out0") as artifact:
        assert artifact.envelope is not None
        assert (artifact.envelope.compression, artifact.envelope.update_information) == ("zstd", None)
        assert {(node.uid, node.gid) for node in artifact.tree} == {(0, 0)}
    assert (tmp_path / "out0").stat().st_mode & 0o777 == 0o755
    (appdir / "AppRun").unlink()
    (appdir / "x.desktop").touch()
    with open_artifact(appdir) as artifact, pytest.raises(UsageError, match="has no AppRun"):
        check_rebuildable(artifact, RebuildOptions(runtime=str(tmp_path / "runtime")))


def test_what_is_bound_to_the_old_bytes(tmp_path: Path) -> None:
    filled = sections(update=ZSYNC, signature=b"signed", digest=b"d" * 16)
    source = write_appimage(tmp_path / "App-x86_64.AppImage", FILES, filled=filled, appended=b"a block map")
    outcome = rebuilt(source, tmp_path / "App-slim-x86_64.AppImage", gone=["usr/gone"])
    said = " | ".join(outcome.notices)
    assert "the signature does not hold for the new bytes and is removed" in said
    assert "11 bytes behind the image are left out" in said
    assert "App-slim-x86_64.AppImage.zsync is made for the new bytes" in said
    assert "the update information leads to" not in said
    with open_artifact(tmp_path / "App-slim-x86_64.AppImage") as artifact:
        found = artifact.envelope
        assert found is not None
        assert (found.update_information, found.signature.status, found.trailing_bytes) == (ZSYNC, "absent", 0)
        assert found.digest_md5 not in (None, (b"d" * 16).hex())


def test_a_name_that_the_update_information_does_not_lead_to(tmp_path: Path) -> None:
    source = write_appimage(tmp_path / "App-x86_64.AppImage", FILES, filled=sections(update=ZSYNC))
    outcome = rebuilt(source, tmp_path / "other.AppImage")
    assert any("leads to App-*x86_64.AppImage.zsync" in notice for notice in outcome.notices)


def test_the_zsync_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    source = write_appimage(
        tmp_path / "App.AppImage", FILES, filled=sections(update="zsync|https://x.org/My%20App.AppImage.zsync")
    )
    rebuilt(source, tmp_path / "My App.AppImage")
    made = read_zsync((tmp_path / "My App.AppImage.zsync").read_bytes())
    assert (made.filename, made.urls) == ("My App.AppImage", ("My%20App.AppImage",))
    assert made.length == (tmp_path / "My App.AppImage").stat().st_size
    assert made.fields["MTime"] == "Sun, 09 Sep 2001 01:46:40 +0000"


def test_a_zsync_file_beside_the_input(tmp_path: Path, source: Path) -> None:
    (tmp_path / f"{source.name}.zsync").write_bytes(
        b"zsync: 0.6.2\nFilename: x\nBlocksize: 4096\nLength: 0\nURL: https://example.org/dl/x\n\n"
    )
    rebuilt(source, tmp_path / "out.AppImage")
    made = read_zsync((tmp_path / "out.AppImage.zsync").read_bytes())
    assert (made.urls, made.block_size) == (("https://example.org/dl/out.AppImage",), 4096)
    (tmp_path / "out.AppImage").unlink()
    before = (tmp_path / "out.AppImage.zsync").read_bytes()
    with pytest.raises(UsageError, match=r"zsync is there already"):
        rebuilt(source, tmp_path / "out.AppImage", gone=["usr/gone"])
    assert (tmp_path / "out.AppImage.zsync").read_bytes() == before
    rebuilt(source, tmp_path / "out.AppImage", gone=["usr/gone"], force=True)
    assert (tmp_path / "out.AppImage.zsync").read_bytes() != before


def test_no_zsync_file_where_nobody_asks(tmp_path: Path, source: Path) -> None:
    rebuilt(source, tmp_path / "out.AppImage")
    assert not (tmp_path / "out.AppImage.zsync").exists()


# -- signatures


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(home))

        def made(kind: str) -> str:
            user = f"{kind} <{kind}@example.org>"
            subprocess.run(
                ["gpg", "--batch", "--quick-generate-key", "--passphrase", "", user, kind, "sign", "never"],
                check=True,
                capture_output=True,
            )
            return f"{kind}@example.org"

        yield made
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True)


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "rsa4096"])
def test_a_new_signature_holds(tmp_path: Path, key: Callable[[str], str], kind: str) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES, filled=sections(signature=b"old"))
    outcome = rebuilt(source, tmp_path / "out", sign=key(kind))
    assert not any("is removed" in notice for notice in outcome.notices)
    assert any("the output is signed by" in notice for notice in outcome.notices)
    with open_artifact(tmp_path / "out") as artifact:
        assert artifact.envelope is not None
        assert artifact.envelope.signature.status == "good"
    content = bytearray((tmp_path / "out").read_bytes())
    content[-1] ^= 1
    (tmp_path / "out").write_bytes(content)
    with open_artifact(tmp_path / "out") as artifact:
        assert artifact.envelope is not None
        assert artifact.envelope.signature.status == "bad"


@pytest.mark.peer
def test_keys_that_cannot_sign(tmp_path: Path, key: Callable[[str], str], source: Path) -> None:
    del key
    with open_artifact(source) as artifact, pytest.raises(UsageError, match="gpg gives up"):
        check_rebuildable(artifact, RebuildOptions(sign="nobody@example.org"))
    with open_artifact(source) as artifact, pytest.raises(UsageError, match="gpg gives up"):
        check_rebuildable(artifact, RebuildOptions(sign="--version"))
    bare = write_appimage(tmp_path / "bare.AppImage", FILES, filled={".upd_info": bytes(1024)})
    with open_artifact(bare) as artifact, pytest.raises(UsageError, match="no place for a signature"):
        check_rebuildable(artifact, RebuildOptions(sign="x"))
