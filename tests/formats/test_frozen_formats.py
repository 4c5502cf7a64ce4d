"""PyInstaller's and Nuitka's archives and packed resources, read from what writers of our own wrote: every variant, and what is damaged."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.frozen.packed_resources import Resource, write
from inspector.artifact import Artifact, open_artifact
from inspector.artifact.artifact import StartRefusal
from inspector.artifact.frozen.pyinstaller_takers import taken_members
from inspector.artifact.nesting import open_nested
from inspector.artifact.tree_making.frozen_tree import BlankedSource
from inspector.errors import FormatError, LimitExceeded, NothingInspected
from inspector.formats.marshal_names import read_values
from inspector.formats.nuitka import find_payload
from inspector.formats.pyinstaller import read_archive, read_module_archive
from inspector.formats.pyoxidizer import read_packed_resources
from inspector.limits import Limits
from inspector.pipeline import audit
from inspector.source import BytesSource
from tests.frozen_archives import (
    STARTER,
    Member,
    PackedFile,
    archive,
    module_archive,
    nuitka_payload,
    nuitka_program,
    one_file,
    starter,
)

MODULES = {"app": (1, b"\xe3 package"), "app.part": (0, b"\xe3 module" * 40), "space": (3, b"")}
MEMBERS = [
    Member(b"pyi-contents-directory _internal", b"", "o", compressed=False),
    Member(b"pyi-runtime-tmpdir /var/tmp", b"", "o", compressed=False),
    Member(b"struct", b"\xe3 struct", "m"),
    Member(b"hello", b"\xe3 hello", "s"),
    Member(b"libpython3.11.so.1.0", b"\x7fELF is not", "b"),
    Member(b"hello/data.txt", b"data of the application" * 100),
    Member(b"plain.txt", b"not compressed", compressed=False),
    Member(b"link.so", b"libpython3.11.so.1.0\0", "n"),
    Member(b"../other/app:libfoo.so", b"", "d", compressed=False),
    Member(b"PYZ.pyz", module_archive(MODULES), "z", compressed=False),
]
FILES = [
    PackedFile(b"hello.bin", b"\x7fELF program", executable=True),
    PackedFile(b"package/_ext.so", os.urandom(3000)),
    PackedFile(b"empty", b""),
    PackedFile(b"link", target=b"hello.bin"),
]


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Artifact]:
    def open_bytes(content: bytes, limits: Limits | None = None) -> Artifact:
        path = tmp_path / "hello"
        path.write_bytes(content)
        return open_artifact(path, limits)

    return open_bytes


class TestPyInstaller:
    def test_members(self, opened: Callable[..., Artifact]) -> None:
        with opened(one_file(MEMBERS)) as artifact:
            files = {node.path: node.read() for node in artifact.tree.files() if node.path != "bootloader"}
            assert files == {
                "struct.pyc": b"\xe3 struct",
                "hello.pyc": b"\xe3 hello",
                "libpython3.11.so.1.0": b"\x7fELF is not",
                "hello/data.txt": b"data of the application" * 100,
                "plain.txt": b"not compressed",
                "PYZ.pyz": module_archive(MODULES),
                "PYZ.pyz!/app/__init__.pyc": b"\xe3 package",
                "PYZ.pyz!/app/part.pyc": b"\xe3 module" * 40,
            }
            link = artifact.tree.get("link.so")
            assert link is not None
            assert link.target == "libpython3.11.so.1.0"
            assert artifact.tree.get("PYZ.pyz!/space") is not None
            assert artifact.layout.members_at == "/var/tmp/_MEIxxxxxx"
            assert [(problem.kind, problem.subject) for problem in artifact.problems] == [
                ("member-elsewhere", "libfoo.so")
            ]
            bootloader = artifact.tree.get("bootloader")
            assert bootloader is not None
            assert bootloader.read() == starter()
            assert sum(artifact.byte_map.values()) == artifact.size
            assert artifact.byte_map["unexplained"] == 0

    def test_members_of_another_program(self, opened: Callable[..., Artifact], tmp_path: Path) -> None:
        """From a file of the other's folder, from its .pkg, from itself, in this order; the other program's own dependencies are not followed."""
        shared = [Member(name, b"of the program") for name in (b"a.so", b"b.so", b"c.so")]
        (tmp_path / "other").write_bytes(one_file([*shared, Member(b"third:d.so", b"", "d", compressed=False)]))
        (tmp_path / "other.pkg").write_bytes(archive([Member(b"b.so", b"of the package"), *shared[2:]]))
        (tmp_path / "_internal").mkdir()
        (tmp_path / "_internal/a.so").write_bytes(b"of the folder")
        names = (b"other:a.so", b"other:b.so", b"other:d.so", b"missing:e.so", b"no separator")
        members = [Member(b"pyi-contents-directory _internal", b"", "o", compressed=False)]
        with opened(one_file([*members, *(Member(name, b"", "d", compressed=False) for name in names)])) as artifact:
            found = {node.path: (node.read(), node.stored_size) for node in artifact.tree.files()}
            assert found.pop("bootloader")
            assert found == {"a.so": (b"of the folder", 0), "b.so": (b"of the package", 0)}
            assert artifact.envelope is not None
            assert artifact.envelope.members_from == ("other",)
            assert [problem.subject for problem in artifact.problems] == ["d.so", "e.so", "no separator"]
            assert artifact.layout.refusal == StartRefusal("Failed to extract d.so", "other")
            assert sum(artifact.byte_map.values()) == artifact.size

    @pytest.mark.parametrize("newer", [False, True])
    @pytest.mark.parametrize(
        ("there", "older_words", "newer_words"),
        [
            ({}, "Archive not found: …/other", "Referenced dependency archive other not found."),
            (
                {"other": b"no archive"},
                "Failed to open archive …/other!",
                "Failed to open referenced dependency archive …/other.",
            ),
            (
                {"other": one_file([]), "other.pkg": b"no archive"},
                "Failed to open archive …/other.pkg!",
                "Failed to open referenced dependency archive …/other.pkg.",
            ),
            (
                {"other": one_file([Member(b"b.so", b"2")])},
                "Failed to extract a.so",
                "Dependency a.so not found in the referenced dependency archive.",
            ),
        ],
    )
    def test_what_the_bootloader_says_without_another_program(
        self, there: dict[str, bytes], older_words: str, newer_words: str, *, newer: bool, tmp_path: Path
    ) -> None:
        """Words of 5.13 and of 6.22; a program inside a directory refuses as it does alone."""
        program = one_file([Member(b"far/away:b.so", b"", "d"), Member(b"other:a.so", b"", "d")])
        words = b"Referenced dependency archive %s not found." if newer else b""
        (tmp_path / "bundle").mkdir()
        for name, content in {"hello": program + words, **there}.items():
            (tmp_path / "bundle" / name).write_bytes(content)
        refusal = StartRefusal(newer_words if newer else older_words, "other")
        with open_artifact(tmp_path / "bundle/hello") as artifact:
            first = "Referenced dependency archive far/away not found." if newer else "Archive not found: …/far/away"
            assert artifact.layout.refusal == StartRefusal(first, "far/away")
        (tmp_path / "bundle/hello").write_bytes(one_file([Member(b"other:a.so", b"", "d")]) + words)
        with open_artifact(tmp_path / "bundle/hello") as artifact:
            assert artifact.layout.refusal == refusal
        with open_artifact(tmp_path / "bundle") as directory:
            nested = open_nested(directory, "hello", Limits())
            assert nested is not None
            assert nested.artifact.layout.refusal == refusal

    @pytest.mark.parametrize(
        "name", ["{root}/far/secret", "../../far/secret", "link", "../../bundle/../far/secret", "loop", ".", "pipe"]
    )
    def test_other_programs_are_looked_for_nearby_only(self, name: str, tmp_path: Path) -> None:
        program = tmp_path / "bundle/app/hello"
        program.parent.mkdir(parents=True)
        dependency = name.format(root=tmp_path).encode() + b":a.so"
        program.write_bytes(one_file([Member(dependency, b"", "d", compressed=False)]))
        (tmp_path / "far").mkdir()
        (tmp_path / "far/secret").write_bytes(one_file([Member(b"a.so", b"secret")]))
        (program.parent / "link").symlink_to(tmp_path / "far/secret")
        (program.parent / "loop").symlink_to("loop")
        os.mkfifo(program.parent / "pipe")
        with open_artifact(program) as artifact:
            assert "a.so" not in artifact.tree
            assert [problem.kind for problem in artifact.problems] == ["member-elsewhere"]
            assert artifact.layout.refusal is not None
            assert artifact.layout.refusal.certain == (name in (".", "pipe"))

    @pytest.mark.parametrize(
        ("dependency", "verdict", "message"),
        [
            (b"first:a.so", "fails", "Archive not found: …/first"),
            (
                b"../../first:a.so",
                "unknown",
                "nobody knows whether ../../first, from which it takes members, lies there",
            ),
            (b"own:a.so", "starts", ""),
        ],
    )
    def test_verdict_without_another_program(
        self, dependency: bytes, verdict: str, message: str, tmp_path: Path
    ) -> None:
        """Where not even the bootloader starts, on systems of another C library, the loader's word stays; inside a directory it is the same."""
        (tmp_path / "own").write_bytes(one_file([Member(b"a.so", b"content")]))
        program = tmp_path / "second"
        program.write_bytes(one_file([Member(dependency, b"", "d")]))
        program.chmod(0o755)
        result = audit(program)
        glibc = {(host.verdict, host.message) for host in result.hosts if host.libc == "glibc"}
        assert glibc == {(verdict, message)}
        musl = {(host.verdict, host.message.partition(" (")[0]) for host in result.hosts if host.libc == "musl"}
        assert musl == {("fails", "bootloader: No such file or directory")}
        found = [finding.subject for finding in result.findings if finding.rule == "program-without-its-members"]
        assert found == (["first"] if verdict == "fails" else [])
        assert result.verdict.gate == ("failed" if verdict == "fails" else "passed")
        inside = {(host.verdict, host.message) for host in audit(tmp_path).hosts if host.libc == "glibc"}
        assert inside == {(verdict, f"second: {message}" if message else "")}

    @pytest.mark.parametrize(
        ("taker", "program", "taken"),
        [
            ("bundle/app/second", "first", True),
            ("bundle/second", "app/first", True),
            ("bundle/other/second", "../app/first", True),
            ("bundle/app/below/second", "../first", True),
            ("bundle/app/second", "third", False),
            ("second", "bundle/app/first", False),
        ],
    )
    def test_programs_that_take_members_are_found_nearby(
        self, taker: str, program: str, tmp_path: Path, *, taken: bool
    ) -> None:
        for path in (tmp_path / taker, tmp_path / "bundle/app/damaged", tmp_path / "bundle/app/first"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one_file([Member(b"lib/a.so", b"content"), Member(b"b.so", b"other")]))
        members = [Member(f"{program}:{name}".encode(), b"", "d") for name in ("lib/a.so", "c.so")]
        (tmp_path / taker).write_bytes(one_file([*members, Member(b"own", os.urandom(20_000))]))
        damaged = bytearray(one_file([Member(b"first:b.so", b"", "d"), Member(b"own", os.urandom(20_000))]))
        damaged[damaged.rfind(b"MEI\x0c") + 12] ^= 0x80
        (tmp_path / "bundle/app/damaged").write_bytes(damaged)
        for path in (taker, "bundle/app/damaged"):
            (tmp_path / path).chmod(0o755)
        with open_artifact(tmp_path / "bundle/app/first") as artifact:
            shown = os.path.relpath(tmp_path / taker, tmp_path / "bundle/app")
            assert taken_members(artifact, Limits()).members == ({"lib/a.so": shown} if taken else {})

    def test_another_program_that_is_damaged(self, opened: Callable[..., Artifact], tmp_path: Path) -> None:
        """The first member that is asked of it says what is wrong, the others that they were not found; the program itself is read."""
        other = bytearray(one_file([Member(b"a.so", b"1"), Member(b"b.so", b"2")]))
        other[other.rfind(b"MEI\x0c") + 12] ^= 0x80  # where its table of contents lies
        (tmp_path / "other").write_bytes(other)
        members = [Member(name, b"", "d", compressed=False) for name in (b"other:a.so", b"other:b.so")]
        with opened(one_file([*members, Member(b"own.so", b"3")])) as artifact:
            assert {node.path for node in artifact.tree.files()} == {"own.so", "bootloader"}
            assert [problem.subject for problem in artifact.problems] == ["a.so", "b.so"]
            assert artifact.problems[1].kind == "member-elsewhere"

    def test_a_program_beside_the_directory_is_near_enough(self, tmp_path: Path) -> None:
        (tmp_path / "app").mkdir()
        (tmp_path / "app/hello").write_bytes(one_file([Member(b"../other/it:a.so", b"", "d", compressed=False)]))
        (tmp_path / "other").mkdir()
        (tmp_path / "other/it").write_bytes(one_file([Member(b"a.so", b"shared")]))
        with open_artifact(tmp_path / "app/hello") as artifact:
            node = artifact.tree.get("a.so")
            assert node is not None
            assert node.read() == b"shared"

    def test_bootloader_gives_way_to_a_member_of_its_name(self, opened: Callable[..., Artifact]) -> None:
        with opened(one_file([Member(b"bootloader", b"mine")])) as artifact:
            member = artifact.tree.get("bootloader")
            assert member is not None
            assert member.read() == b"mine"
            assert artifact.layout.launcher == "bootloader~"

    def test_bootloader_has_the_mode_of_the_file(self, opened: Callable[..., Artifact], tmp_path: Path) -> None:
        for mode in (0o644, 0o755):
            with opened(one_file(MEMBERS)):
                (tmp_path / "hello").chmod(mode)
            with open_artifact(tmp_path / "hello") as artifact:
                bootloader = artifact.tree.get("bootloader")
                assert bootloader is not None
                assert bootloader.mode == mode

    def test_last_cookie_that_fits_counts(self) -> None:
        inner = archive([Member(b"inner", b"1")])
        whole = one_file([Member(b"outer.bin", inner, compressed=False)]) + b"MEI\x0c\x0b\x0a\x0b\x0e" + b"\xff" * 90
        found = read_archive(BytesSource(whole), Limits())
        assert found is not None
        assert [entry.name for entry in found.entries] == [b"outer.bin"]

    def test_cookie_of_an_old_release(self) -> None:
        found = read_archive(BytesSource(starter() + archive(MEMBERS, library=None, version=27)), Limits())
        assert found is not None
        assert (found.cookie.python_version, found.cookie.python_library) == ((2, 7), "")

    @pytest.mark.parametrize("distance", [0, 1, 7, 100, (1 << 20) - 90, (1 << 20) - 44, 1 << 20, (1 << 20) + 1])
    def test_cookie_is_found_whatever_lies_behind(self, distance: int) -> None:
        found = read_archive(BytesSource(one_file(MEMBERS) + b"x" * distance), Limits())
        assert found is not None
        assert found.options[0] == "pyi-contents-directory _internal"

    def test_table_of_an_old_release(self) -> None:
        content = module_archive(MODULES, old_table=True)
        found = read_module_archive(BytesSource(content), Limits())
        assert {module.path: module.kind for module in found.modules} == {
            "app/__init__.pyc": "package", "app/part.pyc": "module", "space": "namespace",
        }  # fmt: skip

    def test_names_cannot_leave_the_tree(self, opened: Callable[..., Artifact]) -> None:
        members = [
            Member(b"../../etc/passwd", b"1"),
            Member(b"/etc/shadow", b"2"),
            Member(b"a/../../b", b"3"),
            Member(b"", b"4"),
        ]
        with opened(one_file(members)) as artifact:
            paths = [node.path for node in artifact.tree.files()]
            assert not [path for path in paths if path.startswith("/") or ".." in path.split("/")]
            assert len([problem for problem in artifact.problems if problem.kind == "unsafe-name"]) == 3

    def test_two_members_of_one_name(self, opened: Callable[..., Artifact]) -> None:
        with opened(one_file([Member(b"a", b"first"), Member(b"a", b"second")])) as artifact:
            node = artifact.tree.get("a")
            assert node is not None
            assert node.read() == b"first"
            assert [problem.kind for problem in artifact.problems] == ["name-collision"]

    def test_encrypted_modules_are_named(self, opened: Callable[..., Artifact]) -> None:
        members = [
            Member(b"pyimod00_crypto_key", b"\xe3", "m"),
            Member(b"PYZ-00.pyz", module_archive(MODULES), "z", compressed=False),
        ]
        with opened(one_file(members)) as artifact:
            assert artifact.tree.get("PYZ-00.pyz!/app/part.pyc") is not None
            assert [problem.kind for problem in artifact.problems] == ["encrypted-members", "members-elsewhere"]

    @pytest.mark.parametrize(
        ("member", "said"),
        [
            (Member(b"short", b"abc", size=2000), "fewer"),
            (Member(b"long", b"abc" * 4000, size=100), "behind its"),
            (Member(b"much too long", b"abc" * 40_000, size=10_000), "behind its"),
            (Member(b"garbage", b"", stored=b"garbage!" * 10, size=50), "zlib"),
        ],
    )
    def test_broken_member_is_told_when_it_is_read(self, member: Member, said: str) -> None:
        found = read_archive(BytesSource(one_file([member, Member(b"fine", b"y" * 10_000)])), Limits())
        assert found is not None
        content = found.open(found.entries[0])
        with pytest.raises(FormatError, match=said):
            content.read_at(0, content.size)

    def test_bomb(self, opened: Callable[..., Artifact]) -> None:
        with pytest.raises(NothingInspected, match="expansion_ratio"):
            opened(one_file([Member(b"bomb", b"", stored=b"x", size=(1 << 32) - 1)]))

    def test_archive_cut_off(self, opened: Callable[..., Artifact]) -> None:
        """A program without its end: its ELF headers point behind it, as those of a program with the archive in a section do."""
        whole = bytearray(one_file(MEMBERS))
        struct.pack_into("<Q", whole, 40, len(whole) + 1000)  # e_shoff
        struct.pack_into("<HH", whole, 58, 64, 3)  # e_shentsize, e_shnum
        with pytest.raises(NothingInspected, match=r"archive|ELF"):
            opened(bytes(whole[:-400]))

    @pytest.mark.parametrize("field", [8, 12, 16])
    def test_cookie_with_a_flipped_length(self, field: int, opened: Callable[..., Artifact]) -> None:
        whole = bytearray(one_file(MEMBERS))
        place = whole.rfind(b"MEI\x0c")
        whole[place + field] ^= 0x80
        with pytest.raises(NothingInspected, match="cannot be read"):
            opened(bytes(whole))


class TestMarshal:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            0,
            -5,
            1 << 40,
            -(1 << 70),
            "",
            "ascii",
            "über",
            b"raw",
            (),
            (1, ("a", b"b")),
            ["x", "x"],
            {"a": 1, "b": (2, 3)},
        ],
    )
    @pytest.mark.parametrize("version", [0, 2, 4])
    def test_what_the_interpreter_writes(self, value: Any, version: int) -> None:
        import marshal

        def plain(found: object) -> object:
            if isinstance(found, list):
                return tuple(plain(one) for one in found)
            return {key: plain(one) for key, one in found.items()} if isinstance(found, dict) else found

        assert read_values(marshal.dumps(value, version)) == plain(value)

    def test_code_is_refused(self) -> None:
        import marshal

        with pytest.raises(FormatError, match="no name and no number"):
            read_values(marshal.dumps(compile("1", "x", "eval")))

    def test_deep_nesting(self) -> None:
        with pytest.raises(LimitExceeded, match="deep"):
            read_values(b")\1" * 100_000)


class TestNuitka:
    @pytest.mark.parametrize("layout", ["stored", "stream", "archive"])
    @pytest.mark.parametrize("checksums", [False, True])
    @pytest.mark.parametrize("appended", [False, True])
    def test_layouts(self, layout: str, checksums: bool, appended: bool, opened: Callable[..., Artifact]) -> None:
        payload = nuitka_payload(FILES, layout, checksums=checksums)
        with opened(nuitka_program(payload, appended=appended)) as artifact:
            assert artifact.format == "nuitka"
            assert not artifact.problems
            files = {node.path: node.read() for node in artifact.tree.files() if node.path != "bootstrap"}
            assert files == {file.name.decode(): file.content for file in FILES if file.target is None}
            link = artifact.tree.get("link")
            assert link is not None
            assert link.target == "hello.bin"
            assert artifact.layout.roots == ("bootstrap", "hello.bin")
            assert artifact.layout.members_at == "{TEMP}/onefile_{PID}_{TIME}"
            assert sum(artifact.byte_map.values()) == artifact.size

    def test_content_that_could_be_names(self, opened: Callable[..., Artifact]) -> None:
        """Read without its checksums this one comes out even too, with zeros behind it."""
        files = [PackedFile(b"a.bin", b"\x7fELF program"), PackedFile(b"b.txt", b"text that ends")]
        payload = nuitka_payload(files, "stored", checksums=True) + bytes(64)
        with opened(nuitka_program(payload, appended=False)) as artifact:
            found = {node.path: node.read() for node in artifact.tree.files() if node.path != "bootstrap"}
            assert found == {file.name.decode(): file.content for file in files}

    def test_payload_cut_off(self, opened: Callable[..., Artifact]) -> None:
        payload = nuitka_payload(FILES, "stream", checksums=False)
        with pytest.raises(NothingInspected, match="without its payload"):
            opened(nuitka_program(payload[: len(payload) // 2], appended=True)[:-8])

    def test_program_of_a_folder_is_no_starter(self, opened: Callable[..., Artifact]) -> None:
        """It reads the starter's variable too, and has names that only compiled programs have; near the ends of a small file both are seen."""
        with opened(STARTER + b"\0NUITKA_ONEFILE_PARENT\0__nuitka_binary_dir\0") as artifact:
            assert artifact.format == "elf"
        payload = nuitka_payload([*FILES, PackedFile(b"inner", b"\0__nuitka_binary_dir\0")], "stored", checksums=False)
        with opened(nuitka_program(payload, appended=True)) as artifact:
            assert artifact.format == "nuitka"

    def test_bomb(self, opened: Callable[..., Artifact]) -> None:
        payload = nuitka_payload([PackedFile(b"zeros", bytes(80 << 20))], "stream", checksums=False)
        with pytest.raises(NothingInspected, match="limit"):
            opened(nuitka_program(payload, appended=True))

    def test_archive_entry_that_lies_about_its_size(self) -> None:
        payload = bytearray(nuitka_payload([PackedFile(b"one", b"1" * 5000)], "archive", checksums=False))
        struct.pack_into("<Q", payload, 3 + 4 + 1, 4999)
        found = find_payload(BytesSource(nuitka_program(bytes(payload), appended=True)), Limits())
        assert found is not None
        with pytest.raises(FormatError, match="decodes to 5000"):
            found.open(found.entries[0])

    def test_blanked_program(self) -> None:
        source = BlankedSource(BytesSource(bytes(range(1, 101))), 40, 60)
        whole = bytes(range(1, 41)) + bytes(20) + bytes(range(61, 101))
        for start in range(0, 100, 7):
            for length in (1, 5, 30, 200):
                assert source.read_at(start, length) == whole[start : start + length]


RESOURCES = [
    Resource("app", "module", package=True, contents={"source": b"import x\n", "bytecode": b"\xe3"},
             files={"package-resource": {"a.txt": b"A", "b.bin": b""}, "distribution-file": {"METADATA": b"Name: app\n"}}),
    Resource("app.ext", "extension", contents={"extension": b"\x7fELF ext"}, dependencies=("libssl.so.3", "libz.so.1")),
    Resource("libfoo.so", "shared-library", contents={"shared-library": b"\x7fELF foo"}),
    Resource("readline", "built-in"),
    Resource("zipimport", "frozen"),
]  # fmt: skip


WRITTEN_BY_PYOXIDIZER = base64.b64decode(
    "cHllbWJlZAMKgwAAAAUAAAB2AAAAAQIDAyIAAAAAAAAA/wECBgMJAAAAAAAAAP8BAgcDEQAAAAAAAAD/AQIIAwUAAAAAAAAA/wECCgMIAAAAAAAAAP8BAgsD"
    "GgAAAAAAAAD/AQIMAx0AAAAAAAAA/wECDQMHAAAAAAAAAP8BAg4DFAAAAAAAAAD/AQIPAw4AAAAAAAAA/wABAwMABAYJAAAABw0AAAALAgAAAAUAAwAAAAAA"
    "AAAIAAoAAAAAAAAADAEAAAAIABUAAAAAAAAAFv8BAwgACggAAAAOAgALAAkAGf8BAwcABwQAAAAIBQAAABb/AQMJAA0HAAAAAAAAABr/AQMHAA8OAAAAFv8A"
    "YXBwYXBwLl9leHRhcHAuc3VibGliZm9vLnNvcmVsLm1vZGltcG9ydCB4CuNieXRlY29kZS1hcHDjc3Vi429wdDF/RUxGeHh4eGIuYmluAAECZGF0YS50eHRo"
    "ZWxsbyBkYXRhTUVUQURBVEFOYW1lOiBhcHAKVmVyc2lvbjogMQp/RUxGZm9vbGlic3NsLnNvLjNsaWJ6LnNvLjFsaWIvcmVsL21vZC5weQ=="
)
"""What oxidized_importer 0.6.0 wrote (OxidizedFinder.serialize_indexed_resources, under Python 3.10, the last that it has wheels for)."""


class TestPackedResources:
    def test_what_the_own_writer_wrote(self) -> None:
        found = read_packed_resources(BytesSource(WRITTEN_BY_PYOXIDIZER), 0, Limits())
        assert (found.version, found.end) == (3, len(WRITTEN_BY_PYOXIDIZER))
        read = {
            (resource.name, blob.kind, blob.name): WRITTEN_BY_PYOXIDIZER[blob.offset : blob.offset + blob.size]
            for resource in found.resources
            for blob in resource.blobs
            if blob.path is None
        }
        assert read == {
            ("app", "source", ""): b"import x\n",
            ("app", "bytecode", ""): b"\xe3bytecode-app",
            ("app", "package-resource", "data.txt"): b"hello data",
            ("app", "package-resource", "b.bin"): b"\0\1\2",
            ("app", "distribution-file", "METADATA"): b"Name: app\nVersion: 1\n",
            ("app.sub", "bytecode", ""): b"\xe3sub",
            ("app.sub", "bytecode-1", ""): b"\xe3opt1",
            ("app._ext", "extension", ""): b"\x7fELFxxxx",
            ("libfoo.so", "shared-library", ""): b"\x7fELFfoo",
        }
        by_name = {resource.name: resource for resource in found.resources}
        assert by_name["app._ext"].dependencies == ["libssl.so.3", "libz.so.1"]
        assert by_name["rel.mod"].blobs[0].path == "lib/rel/mod.py"
        assert by_name["app"].flags == {"module", "package"}

    @pytest.mark.parametrize("version", [1, 2, 3])
    @pytest.mark.parametrize("padding", [False, True])
    def test_versions(self, version: int, padding: bool) -> None:
        content = b"front" + write(RESOURCES, version, padding=padding)
        found = read_packed_resources(BytesSource(content + b"behind"), 5, Limits())
        assert (found.version, found.end) == (version, len(content))
        assert [resource.name for resource in found.resources] == [resource.name for resource in RESOURCES]
        for wanted, resource in zip(RESOURCES, found.resources, strict=True):
            assert wanted.flavor in resource.flags
            assert ("package" in resource.flags) == wanted.package
            assert resource.dependencies == list(wanted.dependencies)
            read = {(blob.kind, blob.name): content[blob.offset : blob.offset + blob.size] for blob in resource.blobs}
            expected = {(kind, ""): raw for kind, raw in wanted.contents.items()}
            expected |= {(kind, name): raw for kind, files in wanted.files.items() for name, raw in files.items()}
            assert read == expected

    def test_file_beside_a_program(self, tmp_path: Path) -> None:
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib/packed-resources").write_bytes(write(RESOURCES))
        (tmp_path / "app").write_bytes(STARTER)
        with open_artifact(tmp_path) as artifact:
            assert artifact.format == "pyoxidizer-folder"
            node = artifact.tree.get("lib/packed-resources!/app/ext.so")
            assert node is not None
            assert node.read() == b"\x7fELF ext"

    def test_in_a_program(self, opened: Callable[..., Artifact]) -> None:
        with opened(STARTER + b"pyembed\x03 is the magic" + write(RESOURCES)) as artifact:
            assert artifact.format == "pyoxidizer"
            assert "hello!/built-in modules/readline" in artifact.tree

    @pytest.mark.parametrize("version", [1, 2])
    def test_fields_of_later_versions_are_refused(self, version: int) -> None:
        content = bytearray(write([Resource("tool", "file", contents={"file": b"x"})], 3))
        content[7] = version
        with pytest.raises(FormatError, match="not one of version"):
            read_packed_resources(BytesSource(bytes(content)), 0, Limits())


DOTNET_MARK = hashlib.sha256(b".net core bundle\n").digest()


class TestProgramsWithAPayloadThatIsNotRead:
    """Each opens as the ELF file that it is, and says what else is in it."""

    def check(self, artifact: Artifact, *words: str) -> None:
        assert artifact.format == "elf"
        (problem,) = artifact.problems
        assert problem.kind == "payload-not-read"
        for word in words:
            assert word in problem.message

    def test_bun(self, opened: Callable[..., Artifact]) -> None:
        tail = b"console.log(1)" + bytes(32) + b"\n---- Bun! ----\n"
        with opened(STARTER + tail) as artifact:
            self.check(artifact, "Bun", "JavaScript")
        with opened(STARTER + tail + struct.pack("<Q", len(tail))) as artifact:
            self.check(artifact, "Bun")

    def test_dotnet(self, opened: Callable[..., Artifact]) -> None:
        front = STARTER + b"\0" * 16
        header = len(front) + 8 + 32
        bundle = struct.pack("<IIi", 6, 0, 170) + b"\x0bbundle-id.."
        with opened(front + struct.pack("<q", header) + DOTNET_MARK + bundle) as artifact:
            self.check(artifact, ".NET", "170 files")
        with opened(front + struct.pack("<q", 0) + DOTNET_MARK) as artifact:  # the host of an application in a folder
            assert not artifact.problems

    def test_pyapp(self, opened: Callable[..., Artifact]) -> None:
        names = b"PYAPP_PROJECT_NAME\0PYAPP_INSTALL_DIR_X\0PYAPP_SKIP_INSTALL\0"
        with opened(STARTER + names) as artifact:
            self.check(artifact, "PyApp", "first start")
        with opened(STARTER + b"PYAPP_PROJECT_NAME\0" * 5) as artifact:
            assert not artifact.problems


class TestDamagedNuitkaContent:
    @pytest.mark.parametrize("layout", ["stored", "archive"])
    def test_another_content_than_the_checksum_says(self, layout: str) -> None:
        content = os.urandom(5000)
        files = [PackedFile(b"first", b"1"), PackedFile(b"second", content)]
        program = bytearray(nuitka_program(nuitka_payload(files, layout, checksums=True), appended=True))
        place = program.rfind(content[2000:2100])
        program[place] ^= 1
        found = find_payload(BytesSource(bytes(program)), Limits())
        assert found is not None
        with pytest.raises(FormatError, match="CRC-32"):
            found.open(found.entries[1])

    def test_linked_program_cut_within_its_payload(self, opened: Callable[..., Artifact]) -> None:
        program = bytearray(
            nuitka_program(
                nuitka_payload([PackedFile(b"one", os.urandom(9000))], "stream", checksums=False), appended=False
            )
        )
        struct.pack_into("<Q", program, 40, len(program))  # e_shoff
        struct.pack_into("<HH", program, 58, 64, 3)  # e_shentsize, e_shnum
        cut = program.replace(b"NUITKA_ONEFILE_PARENT", b"nothing to know it by")[:6000]
        with pytest.raises(NothingInspected, match=r"payload|ELF"):
            opened(bytes(cut))
