"""What ``open_artifact`` says of input that is not what it should be: one line, a hint, exit status 3."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
from pathlib import Path

import pytest

from inspector.artifact import READERS, limitations, open_artifact
from inspector.artifact.opening import DIRECTORY_READERS
from inspector.errors import ExitCode, FormatError, NothingInspected
from tests import squashfs_images
from tests.appimage_builder import SECTIONS, runtime
from tests.iso9660_volumes import directory, record, volume

RUNTIME = runtime()
IMAGE = squashfs_images.one_file(
    squashfs_images.file_inode(2, 5, (squashfs_images.RAW_BLOCK | 5,)), name=b"AppRun", data=b"hello"
)
VOLUME = volume(directory(record(b"APPRUN;1", 19, 5)), b"hello", system_area=runtime(magic=b"AI\1"))


def patched(content: bytes, offset: int, replacement: bytes) -> bytes:
    return content[:offset] + replacement + content[offset + len(replacement) :]


def without_sections(content: bytes) -> bytes:
    return patched(patched(content, 0x28, bytes(8)), 0x3A, bytes(6))


def test_the_sound_files_open(tmp_path: Path) -> None:
    """What the broken ones below are made from."""
    path = tmp_path / "App"
    path.write_bytes(RUNTIME + IMAGE)
    with open_artifact(path) as artifact:
        assert (artifact.format, artifact.arch, artifact.layout.launcher) == ("appimage-2", "x86_64", "AppRun")
        node = artifact.tree.get("AppRun")
        assert node is not None
        assert node.read() == b"hello"
        assert artifact.envelope is not None
        assert artifact.envelope.offset == len(RUNTIME)
        assert sum(artifact.byte_map.values()) == artifact.size
        assert not artifact.problems
    path.write_bytes(VOLUME)
    with open_artifact(path) as artifact:
        assert (artifact.format, artifact.arch, [node.path for node in artifact.tree]) == (
            "appimage-1",
            "x86_64",
            ["", "apprun"],
        )
        assert sum(artifact.byte_map.values()) == artifact.size


CASES = {
    "empty": (b"", "App is empty"),
    "text": (b"hello\n", "App is a text file, not an artifact that is opened"),
    "text in UTF-8, cut in a character": ("ä".encode() * 3000, "App is a text file, not"),
    "html": (b"<!DOCTYPE html>\n<html>404", "App is an HTML page, not"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "App is a Git LFS pointer, not"),
    "zip": (
        b"PK\3\4" + bytes(99),
        "App is a ZIP archive that cannot be read: it has no end record of a ZIP archive; it may be cut off",
    ),
    "zeros": (bytes(5000), "App is a file that begins with zeros only, not"),
    "random": (random.Random(3).randbytes(5000), "App is of an unknown kind, not"),
    "bare squashfs, cut": (IMAGE[:-10], "App is a squashfs image that cannot be read: the superblock says"),
    "iso": (b"\0" * 32768 + VOLUME[32768:], "App is an ISO 9660 image without an AppImage runtime, not"),
    "ELF magic only": (b"\x7fELF", "App begins like an ELF file but is none: shorter than an ELF identification"),
    "type 2 magic, 20 bytes": (
        RUNTIME[:20],
        "App has the magic bytes of a type 2 AppImage, but its runtime is no valid ELF file",
    ),
    "type 1 magic, 200 bytes": (
        VOLUME[:200],
        "App has the magic bytes of a type 1 AppImage, but no ISO 9660 volume at byte 32768: the file ends at byte 200",
    ),
    "type 1 magic, something else": (
        patched(VOLUME, 32769, b"WRONG"),
        "App has the magic bytes of a type 1 AppImage, but no ISO 9660 volume at byte 32768: something else is there",
    ),
    "runtime alone": (
        RUNTIME,
        f"App has the magic bytes of a type 2 AppImage, but has no payload: the file ends where its runtime ends, at byte {len(RUNTIME)}",
    ),
    "runtime alone, magic blanked as strip does": (
        runtime(magic=b""),
        "App is the runtime of a type 2 AppImage, but has no payload: the file ends where its runtime ends",
    ),
    "runtime cut": (
        RUNTIME[:5000],
        (
            f"App has the magic bytes of a type 2 AppImage, but has no payload: its runtime alone should have {len(RUNTIME)} bytes, "
            "and the file ends at byte 5000"
        ),
    ),
    "no sections": (
        without_sections(RUNTIME + IMAGE),
        (
            "App has the magic bytes of a type 2 AppImage, but has no payload: its runtime has no section headers, "
            "by which the payload is found; was sstrip, strip or a packer run on it?"
        ),
    ),
    "UPX": (
        patched(without_sections(RUNTIME + IMAGE), 0x100, b"UPX!"),
        "App has the magic bytes of a type 2 AppImage, but has no payload: it was packed with UPX",
    ),
    "unknown payload": (
        RUNTIME + b"ABCDEFGH" + bytes(99),
        (
            f"App has the magic bytes of a type 2 AppImage, but no squashfs or DwarFS image at byte {len(RUNTIME)}, where the payload belongs "
            "(the bytes there are 41 42 43 44 45 46 47 48)"
        ),
    ),
    "DwarFS": (
        RUNTIME + b"DWARFS\2\5" + bytes(99),
        f"App carries a DwarFS 2.5 file system at byte {len(RUNTIME)}; DwarFS is not readable yet",
    ),
    "DwarFS without magic": (
        runtime({}, magic=b"") + b"DWARFS\2\3" + bytes(99),
        "App carries a DwarFS 2.3 file system",
    ),
    "squashfs 3": (
        RUNTIME + patched(IMAGE, 28, struct.pack("<HH", 3, 1)),
        "App carries an image that cannot be read: SquashFS version 3.1; only 4.0 can be read",
    ),
    "squashfs, lzo": (
        RUNTIME + patched(IMAGE, 20, b"\3\0"),
        "App carries an image that cannot be read: the image is compressed with lzo",
    ),
    "squashfs, unknown compressor": (
        RUNTIME + patched(IMAGE, 20, b"\x63\0"),
        "App carries an image that cannot be read: compressor 99",
    ),
    "squashfs, big-endian": (
        RUNTIME + b"sqsh" + IMAGE[4:],
        "App carries an image that cannot be read: a big-endian SquashFS image",
    ),
    "squashfs, cut": (
        RUNTIME + IMAGE[:-10],
        f"App is cut off: its squashfs image should end at byte {len(RUNTIME + IMAGE)}, and 10 bytes of it are missing",
    ),
    "squashfs, cut in the superblock": (
        RUNTIME + IMAGE[:50],
        f"App is cut off: its squashfs image begins at byte {len(RUNTIME)}, and the file ends at byte {len(RUNTIME) + 50}",
    ),
    "squashfs, damaged": (
        RUNTIME + patched(IMAGE, 32, b"\xff\xff"),
        f"App carries a squashfs image at byte {len(RUNTIME)} that cannot be read",
    ),
    "RunImage": (runtime(magic=b"RI\2") + IMAGE, "App is a RunImage, which is not readable yet"),
    "FlatImage": (runtime(magic=b"FI\1") + IMAGE, "App is a FlatImage, which is not readable yet"),
    "wrappe": (
        runtime({}, magic=b"") + b"PE3DATA\0" + bytes(793),
        "App is a program packed by wrappe, which is not readable yet",
    ),
    "onelf": (
        runtime({}, magic=b"") + b"ONELF\0\1\0" + bytes(60) + b"FLENONE\0",
        "App is an onelf package, which is not readable yet",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, message = CASES[name]
    monkeypatch.chdir(tmp_path)
    Path("App").write_bytes(content)
    with pytest.raises(NothingInspected) as caught:
        open_artifact("App")
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.NOTHING_INSPECTED


def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dangling").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    Path("file").write_text("x")
    Path("empty").mkdir()
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for path, message in {
            "missing": "missing does not exist",
            "dangling": "dangling is a symbolic link to nowhere, which does not exist",
            "loop": "loop cannot be read: Too many levels of symbolic links",
            "file/below": "file/below cannot be read: Not a directory",
            "a\0b": "'a\\x00b' is no path: embedded null byte",
            "empty": "empty holds no file",
            "pipe": "pipe is neither a file nor a directory",  # and opening it would wait for ever
            "socket": "socket is neither a file nor a directory",
            "/dev/null": "/dev/null is neither a file nor a directory",
        }.items():
            with pytest.raises(NothingInspected) as caught:
                open_artifact(path)
            assert caught.value.message == message
            assert caught.value.hint


def test_a_path_that_is_not_utf_8_can_be_printed(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xffapp")
    with pytest.raises(NothingInspected, match=r"\\xffapp does not exist"):
        open_artifact(path)
    for content, expected in ((RUNTIME + IMAGE, "appimage-2"), (runtime({}, magic=b""), "elf")):
        path.write_bytes(content)
        with open_artifact(path) as artifact:
            assert artifact.format == expected
            assert artifact.path.encode().endswith(rb"/\xffapp")
    path.unlink()
    path.mkdir()
    (path / "AppRun").touch()
    with open_artifact(path) as artifact:
        assert artifact.path.encode().endswith(rb"/\xffapp")


def test_every_format_says_what_its_reader_cannot_do() -> None:
    said = limitations()
    assert len(said) == len(READERS) + len(DIRECTORY_READERS) + 1, "two readers have one title"
    assert all(sentences and all(sentence.endswith(".") for sentence in sentences) for sentences in said.values())


def test_payload_is_found_where_the_last_section_ends(tmp_path: Path) -> None:
    """The official rule counts the last section too; and the runtime's own text contains the image's magic first."""
    front = runtime(table_first=True, text=b"hsqs" + bytes(200) + b"AppImages require FUSE to run. hsqs")
    (tmp_path / "App").write_bytes(front + IMAGE)
    with open_artifact(tmp_path / "App") as artifact:
        assert artifact.envelope is not None
        assert artifact.envelope.offset == len(front)


@pytest.mark.parametrize(
    ("bits", "endian", "machine", "arch"), [(32, "little", 3, "i686"), (64, "big", 21, "ppc64"), (32, "big", 8, "mips")]
)
def test_foreign_architectures(bits: int, endian: str, machine: int, arch: str, tmp_path: Path) -> None:
    (tmp_path / "App").write_bytes(runtime(bits=bits, endian=endian, machine=machine) + IMAGE)
    with open_artifact(tmp_path / "App") as artifact:
        assert artifact.arch == arch
        assert len(list(artifact.tree.files())) == 1


def test_bytes_behind_the_image(tmp_path: Path) -> None:
    padding = -len(IMAGE) % 4096
    for extra, trailing, kind in (
        (bytes(padding), 0, "padding"),
        (bytes(padding) + b"blockmap", 8, "appended"),
        (b"x" * 9, 9, "appended"),
    ):
        (tmp_path / "App").write_bytes(RUNTIME + IMAGE + extra)
        with open_artifact(tmp_path / "App") as artifact:
            assert artifact.envelope is not None
            assert artifact.envelope.trailing_bytes == trailing
            assert artifact.byte_map[kind] == (trailing or padding)
            assert sum(artifact.byte_map.values()) == artifact.size


def test_without_magic_bytes(tmp_path: Path) -> None:
    for sections in (SECTIONS, {}):
        (tmp_path / "App").write_bytes(runtime(sections, magic=b"") + IMAGE)
        with open_artifact(tmp_path / "App") as artifact:
            assert artifact.format == "appimage-2"
            assert artifact.envelope is not None
            assert artifact.envelope.magic_bytes is False


def test_program_with_something_behind_it_stays_a_program(tmp_path: Path) -> None:
    content = runtime({}, magic=b"")
    (tmp_path / "tool").write_bytes(content + b"hsqs, by chance" + bytes(99))
    with open_artifact(tmp_path / "tool") as artifact:
        assert artifact.format == "elf"
        assert [node.path for node in artifact.tree] == ["tool"]
        assert artifact.byte_map["appended"] == 114
        assert sum(artifact.byte_map.values()) == artifact.size


def test_type_1_with_names_that_leave_the_tree(tmp_path: Path) -> None:
    from tests.iso9660_volumes import rr_mode, rr_name, rr_start

    names = (b"..", b"../../etc/passwd", b"", b"a\0b", b"fine")
    records = [record(b"F%d;1" % number, 19, 5, rr_mode(0o100644) + rr_name(name)) for number, name in enumerate(names)]
    (tmp_path / "App").write_bytes(
        volume(directory(*records, use=rr_start()), b"hello", system_area=runtime(magic=b"AI\1"))
    )
    with open_artifact(tmp_path / "App") as artifact:
        assert [node.path for node in artifact.tree] == [
            "",
            "\\x2e\\x2e",
            "..\\x2f..\\x2fetc\\x2fpasswd",
            "\\x",
            "a\\x00b",
            "fine",
        ]
        assert [problem.kind for problem in artifact.problems] == ["unsafe-name"] * 4
        assert all(node.read() == b"hello" for node in artifact.tree.files())


def test_type_1_names_that_collide(tmp_path: Path) -> None:
    from tests.iso9660_volumes import rr_mode, rr_name, rr_start

    records = [
        record(b"F%d;1" % number, 19, 5, rr_mode(0o100644) + rr_name(name))
        for number, name in enumerate((b"\xff", rb"\xff"))
    ]
    (tmp_path / "App").write_bytes(
        volume(directory(*records, use=rr_start()), b"hello", system_area=runtime(magic=b"AI\1"))
    )
    with open_artifact(tmp_path / "App") as artifact:
        assert [node.path for node in artifact.tree] == ["", "\\xff"]
        assert [(problem.kind, problem.subject) for problem in artifact.problems] == [("name-collision", "\\xff")]


@pytest.mark.parametrize("sound", [RUNTIME + IMAGE, VOLUME], ids=["type 2", "type 1"])
def test_seeded_mutations(sound: bytes, tmp_path: Path) -> None:
    """Whatever is changed: an artifact whose members can be read or say why not, or NothingInspected; no other exception."""
    generator = random.Random(2)
    used = [offset for offset, value in enumerate(sound) if value] + [*range(0x10, 0x40)]
    path = tmp_path / "App"
    outcomes = {"opened": 0, "refused": 0}
    messages: list[str] = []
    for _ in range(600):
        mutant = bytearray(sound)
        for _ in range(generator.choice((1, 1, 3, 10))):
            mutant[generator.choice(used)] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256)))
        if generator.random() < 0.2:
            del mutant[generator.randrange(len(mutant)) :]
        path.write_bytes(mutant)
        try:
            with open_artifact(path) as artifact:
                outcomes["opened"] += 1
                if artifact.byte_map:
                    assert sum(artifact.byte_map.values()) == artifact.size
                for node in artifact.tree.files_in_read_order():
                    with contextlib.suppress(FormatError):
                        node.read_at(0, 1 << 16)
        except NothingInspected as refusal:
            outcomes["refused"] += 1
            messages.append(refusal.message)
    assert all(count > 50 for count in outcomes.values()), outcomes
    assert not any("\n" in message for message in messages)
