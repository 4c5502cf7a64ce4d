"""slim/undoing/undo.py: what was slimmed comes back, an AppImage byte for byte; foreign, damaged and hostile undo files do nothing."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from inspector.artifact import open_artifact
from inspector.errors import UsageError
from inspector.formats.zstandard import zstandard
from inspector.slim.planning.target_digest import target_digest
from inspector.slim.undoing.undo import UndoOutcome, write_undo
from inspector.slim.undoing.unslim import unslim
from tests.rebuilt import rebuilt, write_appimage

RANDOM = os.urandom(700_000)
FILES = {
    "AppRun": b"#!/bin/sh\nexec true\n",
    "usr/bin/program": b"\x7fELF" + RANDOM[:300_000],
    "usr/share/gone": RANDOM[300_000:600_000],
    "usr/share/small": b"text\n" * 40,
    "usr/share/kept": b"text\n" * 50,
    "usr/share/changed": RANDOM[600_000:] + bytes(100_000),
}


def slimmed(source: Path, output: Path, undo: Path, **options: object) -> UndoOutcome:
    found: list[UndoOutcome] = []

    def also(artifact: Any, planned: Any, path: Path) -> None:
        found.append(write_undo(artifact, planned, path, undo, final_name=output.name))

    gone, changed = ("usr/share/gone", "usr/share/small", "usr/empty"), {"usr/share/changed": RANDOM[600_000:]}
    rebuilt(source, output, gone=gone, changed=changed, also=also, **options)
    return found[0]


def make_appdir(path: Path) -> Path:
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
        os.utime(path / name, (1_500_000_000, 1_500_000_000))
    (path / "AppRun").chmod(0o755)
    (path / "usr/share/kept").chmod(0o640)
    (path / "usr/empty").mkdir()
    (path / "usr/empty").chmod(0o1777)
    os.link(path / "usr/share/gone", path / "usr/share/gone too")
    os.link(path / "usr/share/kept", path / "usr/share/kept too")
    (path / "usr/link").symlink_to("share/gone")
    (path / "usr/away").symlink_to("/etc/passwd")
    os.mkfifo(path / "usr/pipe")
    (path / "usr/share" / os.fsdecode(b"gone-\xff")).write_bytes(b"odd")
    (path / "usr/odd link").symlink_to(os.fsdecode(b"target-\xfe"))
    os.utime(path / "usr", (1_400_000_000, 1_400_000_000))
    return path


def listing(path: Path) -> dict[str, tuple[object, ...]]:
    """Everything that lstat tells of every name, hard links by the name that comes first; contents too."""
    found: dict[str, tuple[object, ...]] = {}
    first: dict[int, str] = {}
    for place in sorted(path.rglob("*")):
        status = place.lstat()
        shown = str(place.relative_to(path))
        content: object = b""
        if place.is_symlink():
            content = place.readlink()
        elif place.is_file():
            content = place.read_bytes()
        linked = first.setdefault(status.st_ino, shown)
        found[shown] = (status.st_mode, status.st_nlink, linked, int(status.st_mtime), content)
    return found


def names(directory: Path) -> list[str]:
    return sorted(place.name for place in directory.iterdir())


@pytest.mark.parametrize("recompress", [None, "gzip:9"])
def test_an_appimage_comes_back_byte_for_byte(tmp_path: Path, recompress: str | None) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES, appended=b"a block map")
    source.chmod(0o750)
    os.utime(source, (1_555_555_555, 1_555_555_555))
    outcome = slimmed(source, tmp_path / "slim", tmp_path / "removed.tar.zst", recompress=recompress)
    assert outcome.is_exact
    restored = unslim(str(tmp_path / "slim"), str(tmp_path / "removed.tar.zst"), str(tmp_path / "back"))
    assert (restored.files, restored.is_exact) == (1, True)
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    before, after = source.stat(), (tmp_path / "back").stat()
    assert (before.st_mode, int(before.st_mtime)) == (after.st_mode, int(after.st_mtime))


def test_an_undo_file_holds_little_more_than_what_went(tmp_path: Path) -> None:
    """900 kB of noise, of which 400 kB go or change; what was copied is not in it."""
    source = write_appimage(tmp_path / "App.AppImage", FILES)
    outcome = slimmed(source, tmp_path / "slim", tmp_path / "removed.tar.zst")
    assert 400_000 < outcome.size < 420_000
    assert outcome.size == (tmp_path / "removed.tar.zst").stat().st_size


def test_a_directory_comes_back_with_everything(tmp_path: Path) -> None:
    source = make_appdir(tmp_path / "AppDir")
    outcome = slimmed(source, tmp_path / "AppDir-slim", tmp_path / "removed.tar.zst")
    assert not outcome.is_exact
    assert not (tmp_path / "AppDir-slim/usr/share/gone").exists()
    restored = unslim(str(tmp_path / "AppDir-slim"), str(tmp_path / "removed.tar.zst"), str(tmp_path / "back"))
    assert listing(tmp_path / "back") == listing(source)
    assert (restored.files, restored.is_exact) == (9, False)


def test_a_directory_that_became_an_appimage_comes_back(tmp_path: Path) -> None:
    source = make_appdir(tmp_path / "AppDir")
    runtime = write_appimage(tmp_path / "other.AppImage", {"AppRun": b"x"})
    slimmed(source, tmp_path / "App.AppImage", tmp_path / "removed.tar.zst", runtime=str(runtime))
    unslim(str(tmp_path / "App.AppImage"), str(tmp_path / "removed.tar.zst"), str(tmp_path / "back"))
    assert listing(tmp_path / "back") == listing(source)


def test_it_comes_back_under_its_old_name(tmp_path: Path) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES)
    content = source.read_bytes()
    slimmed(source, tmp_path / "App-slim.AppImage", tmp_path / "undo")
    with pytest.raises(UsageError, match="is there already"):
        unslim(str(tmp_path / "App-slim.AppImage"), str(tmp_path / "undo"))
    source.unlink()
    (tmp_path / "App-slim.AppImage").rename(tmp_path / "renamed")
    assert unslim(str(tmp_path / "renamed"), str(tmp_path / "undo")).path == source
    assert source.read_bytes() == content


def test_two_undo_files_are_equal(tmp_path: Path) -> None:
    source = make_appdir(tmp_path / "AppDir")
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        slimmed(source, tmp_path / number / "out", tmp_path / f"undo{number}")
    first, second = (zstandard().decompress((tmp_path / name).read_bytes()) for name in ("undo1", "undo2"))
    assert _without_times(first) == _without_times(second)


def _without_times(archive: bytes) -> dict[str, bytes]:
    """Members by name; the slimmed directory's own time is that of its making."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as found:
        members = {member.name: _read(found, member) for member in found}
    manifest = msgspec.json.decode(members["undo.json"])
    manifest["slimmed"].pop("mtime")
    members["undo.json"] = msgspec.json.encode(manifest)
    return members


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None
    return stream.read()


def test_tar_lists_what_went(tmp_path: Path) -> None:
    slimmed(make_appdir(tmp_path / "AppDir"), tmp_path / "slim", tmp_path / "undo")
    members = _without_times(zstandard().decompress((tmp_path / "undo").read_bytes()))
    assert set(members) == {
        "undo.json",
        "original/usr/share/gone",
        "original/usr/share/small",
        "original/usr/share/changed",
    }
    assert members["original/usr/share/gone"] == FILES["usr/share/gone"]


def test_a_foreign_undo_file_is_refused(tmp_path: Path) -> None:
    one = write_appimage(tmp_path / "one.AppImage", FILES)
    two = write_appimage(tmp_path / "two.AppImage", {**FILES, "usr/share/kept": b"other\n"})
    slimmed(one, tmp_path / "one-slim", tmp_path / "undo1")
    slimmed(two, tmp_path / "two-slim", tmp_path / "undo2")
    with pytest.raises(UsageError, match="does not belong to"):
        unslim(str(tmp_path / "one-slim"), str(tmp_path / "undo2"), str(tmp_path / "back"))
    with pytest.raises(UsageError, match="does not belong to"):
        unslim(str(one), str(tmp_path / "undo1"), str(tmp_path / "back"))
    with pytest.raises(UsageError, match="is no undo file"):
        unslim(str(tmp_path / "one-slim"), str(one), str(tmp_path / "back"))
    with pytest.raises(UsageError, match="cannot be read"):
        unslim(str(tmp_path / "one-slim"), str(tmp_path / "nothing"), str(tmp_path / "back"))
    assert not (tmp_path / "back").exists()


def test_a_damaged_undo_file_does_nothing(tmp_path: Path) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES)
    slimmed(source, tmp_path / "slim", tmp_path / "undo")
    whole = (tmp_path / "undo").read_bytes()
    before = names(tmp_path)
    for at in range(0, len(whole), len(whole) // 40):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
            (tmp_path / "undo").write_bytes(damaged)
            try:
                unslim(str(tmp_path / "slim"), str(tmp_path / "undo"), str(tmp_path / "back"))
            except UsageError:
                assert names(tmp_path) == before
            else:  # a byte that means nothing
                assert (tmp_path / "back").read_bytes() == source.read_bytes()
                (tmp_path / "back").unlink()


def test_a_full_disk_and_a_taken_name(tmp_path: Path) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES)
    (tmp_path / "taken").write_bytes(b"mine")
    with pytest.raises(UsageError, match="is there already"):
        slimmed(source, tmp_path / "slim", tmp_path / "taken")
    with pytest.raises(UsageError, match="is the input itself"):
        slimmed(source, tmp_path / "slim", source)
    assert names(tmp_path) == ["App.AppImage", "taken"]


# -- hostile manifests


def rewritten(undo: Path, change: Callable[[dict[str, Any]], None], members: Mapping[str, bytes] | None = None) -> None:
    with tarfile.open(fileobj=io.BytesIO(zstandard().decompress(undo.read_bytes()))) as archive:
        found = {member.name: _read(archive, member) for member in archive}
    manifest = msgspec.json.decode(found["undo.json"])
    change(manifest)
    found["undo.json"] = msgspec.json.encode(manifest)
    found.update(members or {})
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in found.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    undo.write_bytes(zstandard().compress(output.getvalue()))


@pytest.mark.parametrize(
    "path", ["../escaped", "/escaped", "a/../../escaped", "usr//x", ".", "..", "x\0y", "usr/../../escaped"]
)
def test_no_path_leaves_the_directory(tmp_path: Path, path: str) -> None:
    (tmp_path / "in").mkdir()
    slimmed(make_appdir(tmp_path / "in/AppDir"), tmp_path / "in/slim", tmp_path / "undo")
    plain = (tmp_path / "undo").read_bytes()

    def as_text(manifest: dict[str, Any]) -> None:
        manifest["members"].append({"path": path, "kind": "directory", "mode": 0o755})

    def as_bytes(manifest: dict[str, Any]) -> None:
        manifest["members"].append(
            {"path": "harmless", "raw_path": path.encode().hex(), "kind": "directory", "mode": 0o755}
        )

    for change in (as_text, as_bytes):
        (tmp_path / "undo").write_bytes(plain)
        rewritten(tmp_path / "undo", change)
        with pytest.raises(UsageError, match="is no path in a directory"):
            unslim(str(tmp_path / "in/slim"), str(tmp_path / "undo"), str(tmp_path / "in/back"))
    assert names(tmp_path) == ["in", "undo"]
    assert names(tmp_path / "in") == ["AppDir", "slim"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    slimmed(make_appdir(tmp_path / "AppDir"), tmp_path / "slim", tmp_path / "undo")
    (tmp_path / "outside").mkdir()

    def change(manifest: dict[str, Any]) -> None:
        manifest["members"] += [
            {"path": "zlink", "kind": "symlink", "mode": 0o777, "target": str(tmp_path / "outside")},
            {"path": "zlink/file", "kind": "directory", "mode": 0o755},
        ]

    rewritten(tmp_path / "undo", change)
    with pytest.raises(UsageError):
        unslim(str(tmp_path / "slim"), str(tmp_path / "undo"), str(tmp_path / "back"))
    assert names(tmp_path / "outside") == []
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["original"].update(digest="0" * 64),
        lambda manifest: manifest["original"].update(size=1),
        lambda manifest: manifest["original"].update(mtime=1 << 62),
        lambda manifest: manifest["pieces"].append([1 << 62, 5]),
        lambda manifest: manifest["pieces"].append([100, 1 << 62]),
        lambda manifest: manifest["pieces"].append([-100, 5]),
        lambda manifest: manifest["pieces"].append([100, -5]),
        lambda manifest: manifest.update(pieces=[[1, 0]] * 100_000),
        lambda manifest: manifest.update(schema="inspector/undo/2"),
        lambda manifest: manifest.pop("slimmed"),
    ],
)
def test_pieces_that_are_wrong(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES)
    slimmed(source, tmp_path / "slim", tmp_path / "undo")
    rewritten(tmp_path / "undo", change)
    with pytest.raises(UsageError):
        unslim(str(tmp_path / "slim"), str(tmp_path / "undo"), str(tmp_path / "back"))
    assert names(tmp_path) == ["App.AppImage", "slim", "undo"]


def test_the_name_of_the_original_leads_nowhere_else(tmp_path: Path) -> None:
    source = write_appimage(tmp_path / "App.AppImage", FILES)
    slimmed(source, tmp_path / "slim", tmp_path / "undo")
    rewritten(tmp_path / "undo", lambda manifest: manifest["original"].update(name="../../escaped"))
    with pytest.raises(UsageError, match="no name of a file"):
        unslim(str(tmp_path / "slim"), str(tmp_path / "undo"))


def test_a_changed_slimmed_artifact_is_refused(tmp_path: Path) -> None:
    slimmed(make_appdir(tmp_path / "AppDir"), tmp_path / "slim", tmp_path / "undo")
    with open_artifact(tmp_path / "slim") as artifact:
        digest = target_digest(artifact)
    (tmp_path / "slim/AppRun").write_bytes(b"#!/bin/sh\nexec false\n")
    with open_artifact(tmp_path / "slim") as artifact:
        assert target_digest(artifact) != digest
    with pytest.raises(UsageError, match="does not belong"):
        unslim(str(tmp_path / "slim"), str(tmp_path / "undo"), str(tmp_path / "back"))
