"""slim/rebuilding/output.py: names, what is never replaced, nothing left of what failed, and signals; outputs on full disks."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.slim.rebuilding.output import PendingOutput, default_output, write_error
from tests.rebuilt import rebuilt, write_appimage

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "runtime", "expected"),
    [
        ("MyApp-x86_64.AppImage", None, "MyApp-x86_64-slim.AppImage"),
        ("dist/nvim.appimage", None, "dist/nvim-slim.appimage"),
        ("AppDir", None, "AppDir-slim"),
        ("build/AppDir/", None, "build/AppDir-slim"),
        ("MyApp.AppDir", None, "MyApp-slim.AppDir"),
        ("MyApp.AppDir", "runtime", "MyApp-slim.AppImage"),
        ("squashfs-root", "runtime", "squashfs-root-slim.AppImage"),
        ("MyApp-1.2.3", None, "MyApp-1.2.3-slim"),
        (".AppImage", None, ".AppImage-slim"),
    ],
)
def test_default_names(given: str, runtime: str | None, expected: str) -> None:
    assert str(default_output(given, runtime=runtime)) == expected


def test_the_default_name_of_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "AppDir").mkdir()
    monkeypatch.chdir(tmp_path / "AppDir")
    assert default_output(".") == tmp_path / "AppDir-slim"


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    pending = PendingOutput(tmp_path / "out", inputs=[], force=False)
    with pending as path:
        assert not path.exists()
        path.write_bytes(b"content")
        assert not (tmp_path / "out").exists()
        assert pending.commit() == tmp_path / "out"
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == b"content"


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_nothing_is_left_of_what_failed(tmp_path: Path, kind: str) -> None:
    with suppress(KeyError), PendingOutput(tmp_path / "out", inputs=[], force=False) as path:
        if kind == "file":
            path.write_bytes(b"half")
        else:
            (path / "a/b").mkdir(parents=True)
            (path / "a/b/file").write_bytes(b"x")
            (path / "a").chmod(0)
            path.chmod(0o500)
        raise KeyError
    assert names(tmp_path) == []


@pytest.mark.parametrize("there", ["file", "directory", "link"])
@pytest.mark.parametrize("made", ["file", "directory"])
def test_what_is_there_is_replaced_only_with_force(tmp_path: Path, there: str, made: str) -> None:
    out = tmp_path / "out"
    if there == "file":
        out.write_bytes(b"old")
    elif there == "directory":
        out.mkdir()
        (out / "old").write_bytes(b"old")
    else:
        (tmp_path / "elsewhere").write_bytes(b"old")
        out.symlink_to("elsewhere")
    with pytest.raises(UsageError, match="is there already"):
        PendingOutput(out, inputs=[], force=False)
    pending = PendingOutput(out, inputs=[], force=True)
    with pending as path:
        if made == "file":
            path.write_bytes(b"new")
        else:
            path.mkdir()
            (path / "new").write_bytes(b"new")
        assert (out / "old").exists() == (there == "directory")
        pending.commit()
    assert (out if made == "file" else out / "new").read_bytes() == b"new"
    assert names(tmp_path) == (["elsewhere", "out"] if there == "link" else ["out"])


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_came_to_be_there_meanwhile_stays(tmp_path: Path, kind: str) -> None:
    pending = PendingOutput(tmp_path / "out", inputs=[], force=False)
    with pending as path:
        path.mkdir() if kind == "directory" else path.write_bytes(b"new")
        (tmp_path / "out").write_bytes(b"somebody's")
        with pytest.raises(UsageError, match="is there already"):
            pending.commit()
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == b"somebody's"


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    source = tmp_path / "build" / "AppDir"
    source.mkdir(parents=True)
    (tmp_path / "link").symlink_to("build/AppDir")
    os.link(_file(tmp_path / "one"), tmp_path / "two")
    for target, given, says in (
        (source, source, "is the input itself"),
        (tmp_path / "build/../build/AppDir", source, "is the input itself"),
        (tmp_path / "link", source, "is the input itself"),
        (source / "inside", source, "lies in the input"),
        (tmp_path / "build", source, "holds the input"),
        (tmp_path / "two", tmp_path / "one", "is the input itself"),
    ):
        with pytest.raises(UsageError, match=says):
            PendingOutput(target, inputs=[tmp_path / "link", given], force=True)


def _file(path: Path) -> Path:
    path.write_bytes(b"x")
    return path


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the directory .* is not there"):
        PendingOutput(tmp_path / "no/out", inputs=[], force=False)
    with pytest.raises(UsageError, match="names no file"):
        PendingOutput("/", inputs=[], force=True)


def test_the_longest_names(tmp_path: Path) -> None:
    for name in ("x" * 255, "ü" * 127):
        pending = PendingOutput(tmp_path / name, inputs=[], force=False)
        with pending as path:
            path.write_bytes(b"x")
            pending.commit()
    with pytest.raises(UsageError, match="cannot be written"):
        PendingOutput(tmp_path / ("y" * 256), inputs=[], force=False)
    assert names(tmp_path) == ["x" * 255, "ü" * 127]


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the quota is used up"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not write there"),
        (errno.EFBIG, "larger than a file may be"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_say_what_to_do(tmp_path: Path, number: int, says: str) -> None:
    error = write_error(OSError(number, os.strerror(number)), tmp_path / "out")
    assert says in error.message
    assert error.hint is not None
    assert "-o" in error.hint


_WAITING = """
import signal, sys, time
# A job in the background is started with some of them ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from inspector.slim.rebuilding.output import PendingOutput
pending = PendingOutput(sys.argv[1], inputs=[], force=False)
with pending as path:
    (path / "directory").mkdir(parents=True)
    (path / "directory/file").write_bytes(b"half")
    print("ready", flush=True)
    for _ in range(600):
        time.sleep(0.1)  # a signal that comes just before Python begins to sleep is heeded when it has slept
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_nothing_behind(tmp_path: Path, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITING, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=CHECKOUT,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        assert names(tmp_path) != []
        process.send_signal(number)
        status = process.wait(timeout=30)
    assert status in (128 + number, -number)
    assert names(tmp_path) == []


# -- full disks


@contextmanager
def small_disk(directory: Path, size: int) -> Iterator[None]:
    directory.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@contextmanager
def small_files(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def appdir(path: Path) -> Path:
    path.mkdir()
    (path / "AppRun").write_bytes(b"#!/bin/sh\n")
    (path / "AppRun").chmod(0o755)
    for number in range(8):
        (path / f"data{number}").write_bytes(os.urandom(100_000))
    return path


def appimage(path: Path) -> Path:
    return write_appimage(path, {"AppRun": b"#!/bin/sh\n", "data": os.urandom(800_000)})


@pytest.mark.parametrize("make", [appdir, appimage])
def test_a_full_disk(tmp_path: Path, make: object) -> None:
    source = make(tmp_path / "input")  # type: ignore[operator]
    with small_disk(tmp_path / "disk", 400_000):
        with pytest.raises(UsageError, match="the disk is full") as raised:
            rebuilt(source, tmp_path / "disk/out")
        assert "make room" in (raised.value.hint or "")
        assert names(tmp_path / "disk") == []


def test_a_file_size_limit(tmp_path: Path) -> None:
    source = appimage(tmp_path / "input.AppImage")
    before = source.read_bytes()
    with small_files(300_000), pytest.raises(UsageError, match="larger than a file may be"):
        rebuilt(source, tmp_path / "out.AppImage")
    assert names(tmp_path) == ["input.AppImage"]
    assert source.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="may not write there"):
        PendingOutput(tmp_path / "out", inputs=[], force=False)


def test_a_read_only_file_system(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 400_000):
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        with pytest.raises(UsageError, match="read-only"):
            PendingOutput(tmp_path / "disk/out", inputs=[], force=False)
