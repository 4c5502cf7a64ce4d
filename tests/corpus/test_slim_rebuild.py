"""Rebuilt AppImages under their real runtimes, the digest of real files, and rebuilds that are killed at fifty points."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.artifact.appimage.runtime import DIGEST, SIGNATURE, SIGNATURE_KEY, section_bytes
from inspector.formats.appimage_digest import appimage_digest
from inspector.formats.elf import read_elf
from inspector.formats.zsync import read_zsync
from inspector.slim.undoing.undo import write_undo
from inspector.slim.undoing.unslim import unslim
from inspector.source import FileSource
from tests.rebuilt import rebuilt

CHECKOUT = Path(__file__).resolve().parents[2]
DIGESTED = (
    "libappimage/Echo-x86_64.AppImage",
    "libappimage/Echo-no-integrate-x86_64.AppImage",
    "libappimage/broken-desktop-file-x86_64.AppImage",
    "shared/Hello_World-x86_64.gzip.AppImage",
    "shared/Hello_World-x86_64.xz.AppImage",
)
STATIC = "shared/hello-static-runtime-x86_64.AppImage"
MATRIX = "appimage-matrix/zstd-128K.AppImage"
pytestmark = pytest.mark.corpus


def started(path: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run an AppImage, or skip where this machine cannot run it."""
    if os.uname().machine != "x86_64":
        pytest.skip("its runtime is one for x86_64")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("APPIMAGE", "APPDIR"))}
    try:
        return subprocess.run(
            [str(path), *arguments], capture_output=True, text=True, timeout=120, cwd=cwd, env=environment, check=False
        )
    except OSError as error:
        pytest.skip(f"{path.name} cannot be started here: {error}")


@pytest.mark.parametrize("name", DIGESTED)
def test_genuine_files_have_this_digest(corpus_artifact: Callable[[str], Path], name: str) -> None:
    with FileSource(corpus_artifact(name)) as source:
        elf = read_elf(source)
        places = [(found.offset, found.size) for found in map(elf.section, (DIGEST, SIGNATURE, SIGNATURE_KEY)) if found]
        stored = section_bytes(elf, source, DIGEST)
        assert any(stored)
        assert appimage_digest(source, places) == stored


@pytest.mark.parametrize("name", DIGESTED[:3])
def test_a_rebuilt_file_has_the_digest_that_tools_expect(
    corpus_artifact: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    output = tmp_path / "out.AppImage"
    rebuilt(corpus_artifact(name), output)
    with FileSource(output) as source:
        elf = read_elf(source)
        places = [(found.offset, found.size) for found in map(elf.section, (DIGEST, SIGNATURE, SIGNATURE_KEY)) if found]
        assert section_bytes(elf, source, DIGEST) == appimage_digest(source, places) != bytes(16)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "recompress"),
    [
        (STATIC, None),
        (STATIC, "gzip:9"),
        (STATIC, "zstd:22"),
        ("shared/Hello_World-x86_64.gzip.AppImage", "xz"),
        ("appimage-matrix/gzip-128K-libfuse2-runtime.AppImage", "xz:9"),
        (MATRIX, "zstd:22"),
        ("appimage-matrix/zstd-128K-no-padding.AppImage", None),
    ],
)
def test_the_real_runtime_extracts_what_was_planned(
    corpus_artifact: Callable[[str], Path], tmp_path: Path, name: str, recompress: str | None
) -> None:
    source, output = corpus_artifact(name), tmp_path / "out.AppImage"
    rebuilt(source, output, recompress=recompress)
    before = contents(source, tmp_path / "before")
    after = contents(output, tmp_path / "after")
    assert len(before) > 3
    assert before == after
    offsets = [started(path, "--appimage-offset").stdout.strip() for path in (source, output)]
    assert offsets[0] == offsets[1]
    assert offsets[0].isdecimal()


def contents(appimage: Path, directory: Path) -> dict[str, tuple[int, str]]:
    """Mode and sha256 or target of all that the runtime itself extracts."""
    directory.mkdir()
    done = started(appimage, "--appimage-extract", cwd=directory)
    assert done.returncode == 0, done.stderr
    found = {}
    for place in (directory / "squashfs-root").rglob("*"):
        status = place.lstat()
        if place.is_symlink():
            what = str(place.readlink())
        elif place.is_file():
            what = hashlib.sha256(place.read_bytes()).hexdigest()
        else:
            what = ""
        found[str(place.relative_to(directory))] = (0 if place.is_symlink() else status.st_mode, what)
    return found


@pytest.mark.peer
@pytest.mark.parametrize("name", [STATIC, MATRIX])
def test_a_rebuilt_file_runs(corpus_artifact: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    source, output = corpus_artifact(name), tmp_path / "out.AppImage"
    rebuilt(source, output)
    before, after = (started(path, "--appimage-extract-and-run") for path in (source, output))
    assert before.returncode == 0
    assert before.stdout.strip()
    assert (after.returncode, after.stdout) == (before.returncode, before.stdout)


@pytest.mark.peer
def test_update_information_and_signature_as_the_runtime_sees_them(
    corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    """The one that is signed by a key that it carries: after the rebuild it is not signed, and leads to the same update."""
    source = corpus_artifact("libappimage/appimagetool-x86_64.AppImage")
    output = tmp_path / source.name
    rebuilt(source, output)
    information = [started(path, "--appimage-updateinformation").stdout for path in (source, output)]
    assert information[0] == information[1]
    assert information[0].startswith("gh-releases-zsync|")
    assert "BEGIN PGP SIGNATURE" in started(source, "--appimage-signature").stdout
    assert not started(output, "--appimage-signature").stdout.strip("\0\n ")
    made = read_zsync((tmp_path / f"{output.name}.zsync").read_bytes())
    assert made.sha1 == hashlib.sha1(output.read_bytes()).hexdigest()


@pytest.mark.peer
def test_a_new_signature_is_what_the_runtime_prints_and_gpg_verifies(
    corpus_artifact: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    subprocess.run(
        ["gpg", "--batch", "--quick-generate-key", "--passphrase", "", "T <t@example.org>", "ed25519", "sign", "never"],
        check=True,
        capture_output=True,
    )
    source, output = corpus_artifact("libappimage/appimagetool-x86_64.AppImage"), tmp_path / "out.AppImage"
    try:
        rebuilt(source, output, sign="t@example.org")
        (tmp_path / "signature").write_text(started(output, "--appimage-signature").stdout.strip("\0\n ") + "\n")
        with FileSource(output) as made:
            elf = read_elf(made)
            content = bytearray(output.read_bytes())
            for name in (SIGNATURE, SIGNATURE_KEY):
                section = elf.section(name)
                assert section is not None
                content[section.offset : section.offset + section.size] = bytes(section.size)
        (tmp_path / "signed").write_text(hashlib.sha256(content).hexdigest())
        command = ["gpg", "--verify", str(tmp_path / "signature"), str(tmp_path / "signed")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Good signature" in done.stderr
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True)


@pytest.mark.peer
@pytest.mark.parametrize("runtime", [STATIC, "libappimage/appimagetool-x86_64.AppImage"])
def test_an_appdir_becomes_an_appimage_that_runs(
    corpus_artifact: Callable[[str], Path], tmp_path: Path, runtime: str
) -> None:
    source, output = corpus_artifact("appimage-matrix/tree.AppDir"), tmp_path / "out.AppImage"
    rebuilt(source, output, runtime=str(corpus_artifact(runtime)))
    (tmp_path / "after").mkdir()
    assert started(output, "--appimage-extract", cwd=tmp_path / "after").returncode == 0
    done = started(tmp_path / "after/squashfs-root/AppRun")
    assert (done.returncode, "Hello from the matrix" in done.stdout) == (0, True)
    assert started(output, "--appimage-updateinformation").stdout.strip("\0\n ") == ""


def test_a_real_appimage_comes_back_byte_for_byte(corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    source, output = corpus_artifact(MATRIX), tmp_path / "out.AppImage"

    def keep(artifact: object, planned: object, path: Path) -> None:
        write_undo(artifact, planned, path, tmp_path / "undo", final_name=output.name)  # type: ignore[arg-type]

    rebuilt(source, output, gone=["usr/share/names"], also=keep)
    unslim(str(output), str(tmp_path / "undo"), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert (tmp_path / "undo").stat().st_size < source.stat().st_size // 10


@pytest.mark.slow
def test_killed_at_fifty_points(corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    """The input stays as it is, and what has the output's name is whole; leftovers are hidden and have other names."""
    source = tmp_path / "input.AppImage"
    shutil.copyfile(corpus_artifact(MATRIX), source)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    directory = tmp_path / "out"
    directory.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.corpus.killed_rebuild", str(source), str(directory), "50"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, *killed = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["status"] == 0
    assert len(killed) == 50
    assert (
        sum(found["status"] == 9 for found in killed) >= 40
    )  # the others were done before their time was over, each time again
    assert (
        sum(any(name.endswith(".part") for name in found["names"]) for found in killed) >= 5
    )  # in the midst of writing
    for found in killed:
        assert all(name == "out.AppImage" or name.startswith(".") for name in found["names"]), found
    whole = (tmp_path / "whole.AppImage").read_bytes()
    for place in tmp_path.glob("killed*.AppImage"):
        assert place.read_bytes() == whole
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    with open_artifact(source) as artifact:
        assert not artifact.problems
