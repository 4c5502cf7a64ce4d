"""Directories as artifacts: what is listed, what is never opened or followed, and what becomes of descriptors."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.artifact import Kind, open_artifact
from inspector.errors import FormatError, NothingInspected
from inspector.limits import Limits


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def appdir(tmp_path: Path) -> Path:
    root = tmp_path / "My App.AppDir"
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "AppRun").write_text('#!/bin/sh\nexec "$APPDIR/usr/bin/tool"\n')
    (root / "AppRun").chmod(0o755)
    (root / "usr" / "bin" / "tool").write_bytes(b"tool" * 1000)
    (root / "usr" / "bin" / "same").hardlink_to(root / "usr" / "bin" / "tool")
    (root / "usr" / "bin" / "link").symlink_to("tool")
    (root / "outside").symlink_to("../../..")
    (root / "absolute").symlink_to("/etc")
    (root / "tool.desktop").write_text("[Desktop Entry]\n")
    return root


def test_appdir(appdir: Path) -> None:
    with open_artifact(appdir) as artifact:
        assert (artifact.format, artifact.arch, artifact.source, artifact.envelope) == ("appdir", None, None, None)
        assert artifact.layout.launcher == "AppRun"
        assert {node.path: node.kind.value for node in artifact.tree} == {
            "": "directory", "AppRun": "file", "absolute": "symlink", "outside": "symlink", "tool.desktop": "file", "usr": "directory",
            "usr/bin": "directory", "usr/bin/link": "symlink", "usr/bin/same": "file", "usr/bin/tool": "file",
        }  # fmt: skip
        tool, same = artifact.tree.get("usr/bin/tool"), artifact.tree.get("usr/bin/same")
        assert tool is not None
        assert same is not None
        assert tool.inode == same.inode
        assert tool.content_key is None
        assert tool.read() == b"tool" * 1000
        assert tool.read_at(3998, 10) == b"ol"
        assert artifact.size == 4000 + (appdir / "AppRun").stat().st_size + (appdir / "tool.desktop").stat().st_size
        others = [node.inode for node in artifact.tree if node is not same]
        assert len(set(others)) == len(others)
        assert artifact.tree.resolve("usr/bin/link") is tool
        assert artifact.tree.resolve("outside/etc") is None
        assert artifact.tree.resolve("absolute/passwd") is None
        assert artifact.problems == []


def test_what_makes_an_appdir(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.desktop").touch()
    for name, expected in ((None, "directory"), ("app.desktop", "appdir"), ("AppRun", "appdir")):
        if name is not None:
            (tmp_path / name).touch()
        with open_artifact(tmp_path) as artifact:
            assert artifact.format == expected
            assert artifact.layout.launcher == ("AppRun" if name == "AppRun" else None)


def test_a_link_as_path_is_followed(appdir: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(appdir)
    with open_artifact(tmp_path / "link") as artifact:
        assert artifact.format == "appdir"
        assert artifact.path == str(tmp_path / "link")


def test_pipes_sockets_and_their_kind_are_listed_and_never_opened(
    appdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(appdir / "pipe")
    monkeypatch.chdir(appdir)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with open_artifact(".") as artifact:
            kinds = {path: artifact.tree.get(path) for path in ("pipe", "socket")}
            assert [node.kind for node in kinds.values() if node is not None] == [Kind.FIFO, Kind.SOCKET]
            assert all(node is not None and node.read_at(0, 10) == b"" for node in kinds.values())
            assert [node.path for node in artifact.tree.files()] == [
                "AppRun",
                "tool.desktop",
                "usr/bin/same",
                "usr/bin/tool",
            ]


@pytest.mark.slow
def test_ten_thousand_files_leak_no_descriptor(tmp_path: Path) -> None:
    root = tmp_path / "many"
    for directory in range(100):
        (root / f"d{directory}").mkdir(parents=True)
        for number in range(100):
            (root / f"d{directory}" / f"f{number}").write_bytes(b"%d %d" % (directory, number))
    before = descriptors()
    with open_artifact(root) as artifact:
        assert len(list(artifact.tree.files())) == 10_000
        assert descriptors() == before + 1  # the root
        for node in artifact.tree.files_in_read_order():
            directory, number = node.path[1:].split("/f")
            assert node.read() == f"{directory} {number}".encode()
        assert descriptors() < before + 50
    assert descriptors() == before
    with pytest.raises(FormatError, match="the artifact is closed"):
        next(artifact.tree.files()).read_at(0, 1)


def test_failures_leak_no_descriptor(tmp_path: Path) -> None:
    before = descriptors()
    (tmp_path / "text").write_text("x")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "text", tmp_path / "empty"):
        with pytest.raises(NothingInspected):
            open_artifact(path)
    with pytest.raises(NothingInspected, match="too large: more than 1 names"):
        open_artifact(tmp_path, Limits(inodes=1))
    assert descriptors() == before


def test_a_file_that_was_exchanged_is_not_read(appdir: Path, tmp_path: Path) -> None:
    """Between listing and reading somebody puts a link, a pipe or another file in its place, or moves a directory on the way."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path = appdir / "usr" / "bin" / "tool"
    for replace in (lambda: path.symlink_to(secret), lambda: os.mkfifo(path), lambda: path.hardlink_to(secret)):
        with open_artifact(appdir) as artifact:
            (appdir / "usr" / "bin" / "same").unlink(missing_ok=True)
            path.unlink()
            replace()
            node = artifact.tree.get("usr/bin/tool")
            assert node is not None
            with pytest.raises(FormatError, match=r"cannot be opened|is not the file that was listed"):
                node.read_at(0, 10)
        path.unlink()
        path.write_text("tool")
    with open_artifact(appdir) as artifact:
        shutil.move(appdir / "usr" / "bin", tmp_path / "elsewhere")
        (appdir / "usr" / "bin").symlink_to(tmp_path)
        (tmp_path / "tool").write_text("other")
        node = artifact.tree.get("usr/bin/tool")
        assert node is not None
        with pytest.raises(FormatError, match="is not the file that was listed"):
            node.read_at(0, 10)


def test_a_file_that_became_shorter_gives_what_is_there(appdir: Path) -> None:
    with open_artifact(appdir) as artifact:
        (appdir / "usr" / "bin" / "tool").write_bytes(b"short")
        node = artifact.tree.get("usr/bin/tool")
        assert node is not None
        assert node.read_at(0, 4000) == b"short"


def test_names_that_are_not_utf_8_and_names_that_look_like_them(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    Path(os.fsdecode(root + b"/\xffname")).write_text("bytes")
    with open_artifact(tmp_path) as artifact:
        node = artifact.tree.get("\\xffname")
        assert node is not None
        assert node.read() == b"bytes"
    (tmp_path / r"\xffname").write_text("text")
    with open_artifact(tmp_path) as artifact:
        assert len(list(artifact.tree.files())) == 1
        assert [(problem.kind, problem.subject) for problem in artifact.problems] == [("name-collision", "\\xffname")]


def test_depth(tmp_path: Path) -> None:
    deep = tmp_path / "/".join("d" * 40)
    deep.mkdir(parents=True)
    (deep / "file").touch()
    (tmp_path / "file").touch()
    with open_artifact(tmp_path, Limits(path_depth=10)) as artifact:
        assert max(node.path.count("/") for node in artifact.tree) == 9
        assert [problem.kind for problem in artifact.problems] == ["limit-exceeded"]
    before = descriptors()
    with open_artifact(tmp_path) as artifact:
        assert artifact.tree.get("/".join("d" * 40) + "/file") is not None
        assert descriptors() == before + 1


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A directory that everybody may read, seen by a user who is not root: root may read everything."""
    directory = Path(tempfile.mkdtemp(dir="/var/tmp"))
    directory.chmod(0o755)
    is_root = os.geteuid() == 0
    (directory / "bin").mkdir(mode=0o755)
    (directory / "open").write_text("open")
    (directory / "bin" / "secret").write_text("secret")
    (directory / "bin" / "secret").chmod(0)
    (directory / "closed").mkdir()
    (directory / "closed" / "file").touch()
    (directory / "closed").chmod(0)
    if is_root:
        os.seteuid(65534)
    try:
        yield directory
    finally:
        if is_root:
            os.seteuid(0)
        (directory / "closed").chmod(0o755)
        shutil.rmtree(directory)


def test_without_permission(as_nobody: Path) -> None:
    with open_artifact(as_nobody) as artifact:
        assert [(problem.kind, problem.subject, problem.message) for problem in artifact.problems] == [
            ("unreadable", "closed", "the directory cannot be listed: Permission denied")
        ]
        secret, open_file = artifact.tree.get("bin/secret"), artifact.tree.get("open")
        assert open_file is not None
        assert open_file.read() == b"open"
        assert secret is not None
        with pytest.raises(FormatError, match="cannot be opened: Permission denied"):
            secret.read_at(0, 1)
    with pytest.raises(NothingInspected, match="secret cannot be read: Permission denied"):
        open_artifact(as_nobody / "bin" / "secret")
    with pytest.raises(NothingInspected, match="closed cannot be listed: Permission denied"):
        open_artifact(as_nobody / "closed")
