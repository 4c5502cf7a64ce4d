"""XAR files, snaps and squashfs images that slim wrote: smaller, whole by the format's own tools, and the program in them runs as before."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.cli import main
from tests.extracted import extracted

pytestmark = pytest.mark.corpus
PROGRAM = '#include <stdio.h>\nint main(void) { puts("started"); return 0; }\n'
START = '#!/bin/sh\nexec "$(dirname "$0")/bin/sample"\n'
SNAP = "name: sample\nversion: '1'\nbase: core22\nconfinement: strict\napps:\n  sample:\n    command: bin/sample\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program with much debug information, and what a snap and a XAR file start."""
    for program in ("cc", "mksquashfs", "unsquashfs"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    root = tmp_path_factory.mktemp("application") / "root"
    for name in ("bin", "meta"):
        (root / name).mkdir(parents=True)
    (root.parent / "sample.c").write_text(PROGRAM, encoding="utf-8")
    subprocess.run(["cc", "-g3", "-o", root / "bin/sample", root.parent / "sample.c"], check=True)
    (root / "start").write_text(START, encoding="utf-8")
    (root / "start").chmod(0o755)
    (root / "meta/snap.yaml").write_text(SNAP, encoding="utf-8")
    return root


def image_of(tree: Path, destination: Path, *options: str) -> None:
    command = [
        "mksquashfs",
        tree,
        destination,
        "-noappend",
        "-quiet",
        "-no-progress",
        "-no-xattrs",
        "-all-root",
        *options,
    ]
    subprocess.run(command, check=True, capture_output=True)


def slimmed(path: Path) -> Path:
    output = path.with_name(f"slim-{path.name}")
    assert main(["slim", str(path), "-o", str(output)]) == 0
    assert output.stat().st_size < path.stat().st_size
    return output


def unpacked(path: Path, offset: int, target: Path) -> Path:
    subprocess.run(
        ["unsquashfs", "-quiet", "-no-progress", "-offset", str(offset), "-dest", target, path],
        check=True,
        capture_output=True,
    )
    return target


def said_by(program: Path) -> str:
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("options", [("-comp", "xz", "-no-fragments"), ("-comp", "gzip")])
def test_a_snap_keeps_its_form_and_its_program(tree: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    image_of(tree, tmp_path / "sample.snap", *options)
    output = slimmed(tmp_path / "sample.snap")
    target = unpacked(output, 0, tmp_path / "unpacked")
    assert said_by(target / "bin/sample") == "started\n"
    before = extracted(tree)
    after = extracted(target)
    assert set(before) == set(after)
    assert {path for path in before if before[path] != after[path]} == {"bin/sample"}
    with open_artifact(tmp_path / "sample.snap") as old, open_artifact(output) as new:
        assert old.image is not None
        assert new.image is not None
        assert new.image.superblock.compressor == old.image.superblock.compressor
        assert new.image.superblock.block_size == old.image.superblock.block_size
        assert new.layout == old.layout
        assert len(new.image.fragments) <= len(old.image.fragments)


def test_a_xar_file_keeps_its_header_and_gets_a_new_identifier(tree: Path, tmp_path: Path) -> None:
    path = xar_of(tree, tmp_path)
    output = slimmed(path)
    before, after = path.read_bytes()[:4096], output.read_bytes()[:4096]
    pattern = rb'UUID="([0-9a-f]{8})"'
    old, new = re.search(pattern, before), re.search(pattern, after)
    assert old is not None
    assert new is not None
    assert old[1] != new[1]
    assert before.replace(old[1], new[1]) == after
    assert said_by(unpacked(output, 4096, tmp_path / "unpacked") / "start") == "started\n"
    again = slimmed(shutil.copy(path, tmp_path / "again.xar"))
    assert again.read_bytes() == output.read_bytes()


def test_a_xar_file_runs_under_its_runtime(tree: Path, tmp_path: Path) -> None:
    runtime = shutil.which("xarexec_fuse")
    if runtime is None:
        pytest.skip("xarexec_fuse, the runtime of XAR files, is not installed")
    path = xar_of(tree, tmp_path)
    for file in (path, slimmed(path)):
        finished = subprocess.run([runtime, file], capture_output=True, text=True, check=False, timeout=60)
        if "fuse" in finished.stderr:
            pytest.skip(f"the runtime cannot mount here: {finished.stderr.strip()[:200]}")
        assert (finished.returncode, finished.stdout) == (0, "started\n")


def xar_of(tree: Path, directory: Path) -> Path:
    """A XAR file with the header that make_xar writes (xar_util.py, XarFactory)."""
    image_of(tree, directory / "image", "-comp", "gzip", "-noI", "-noX")
    path = directory / "sample.xar"
    header = '#!/usr/bin/env xarexec_fuse\nOFFSET="4096"\nUUID="0123abcd"\nVERSION="1700000000"\nDEPENDENCIES=""\nXAREXEC_TARGET="start"\n'
    header += (
        "#xar_stop\necho This XAR file should not be executed by sh\nexit 1\n# Actual squashfs file begins at 4096\n"
    )
    path.write_bytes(header.encode().ljust(4096, b"\n") + (directory / "image").read_bytes())
    path.chmod(0o755)
    return path


def test_what_cannot_be_rewritten_says_what_to_do(
    corpus_artifact: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(corpus_artifact)
    for name, hint in {
        "libgdbm.deb": "a Debian package",
        "sample.flatpak": "the directory files of its build directory",
    }.items():
        assert main(["slim", str(corpus_artifact(f"packages/{name}")), "-o", str(tmp_path / name)]) == 2
        assert hint in " ".join(capsys.readouterr().err.split())
