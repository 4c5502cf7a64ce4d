"""Scies, put together here as scie-jump's packer does it; the starter is some ELF file."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from inspector.artifact import Artifact, open_artifact
from inspector.errors import NothingInspected
from tests.elf_builder import TinyElf
from tests.extracted import assert_whole
from tests.package_builder import link, scie, scie_file, tar

PYTHON = TinyElf().build()
DISTRIBUTION = gzip.compress(
    tar([("python/bin/python3.12", PYTHON), ("python/lib/os.py", b"pass\n"), link("python/bin/python3", "python3.12")]),
    mtime=0,
)


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


PEX = b"#!/usr/bin/env python3\n" + zipped({"__main__.py": b"print(1)\n", "PEX-INFO": b"{}"})
COMMANDS = {
    "": {"exe": "{python}/python/bin/python3", "args": ["{app.pex}"], "env": {"=PEX": "{app.pex}", "FROM": "{scie.env.X}", "HOME": None}},
    "other": {"exe": "{scie.bindings.x}/bin/y"},
}  # fmt: skip


def whole(**options: Any) -> bytes:
    return scie(
        PYTHON,
        [
            (scie_file("cpython.tar.gz", DISTRIBUTION, "tar.gz", key="python"), DISTRIBUTION),
            (scie_file("app.pex", PEX, "blob"), PEX),
        ],
        COMMANDS,
        **options,
    )


def opened(content: bytes, tmp_path: Path) -> Artifact:
    path = tmp_path / "app"
    path.write_bytes(content)
    return open_artifact(path)


@pytest.mark.parametrize("pretty", [False, True])
def test_the_files_lie_as_the_starter_unpacks_them(pretty: bool, tmp_path: Path) -> None:
    with opened(whole(pretty=pretty), tmp_path) as artifact:
        assert artifact.format == "scie"
        assert_whole(artifact)
        files = {node.path: node.read() for node in artifact.tree.files()}
        assert files == {
            "cpython.tar.gz/python/bin/python3.12": PYTHON,
            "cpython.tar.gz/python/lib/os.py": b"pass\n",
            "app.pex": PEX,
        }
        assert artifact.layout.launcher == "cpython.tar.gz/python/bin/python3.12"
        assert artifact.layout.environment == {"PEX": "{root}/app.pex"}
        assert artifact.byte_map["entries"] == len(DISTRIBUTION) + len(PEX)


def test_files_in_the_last_archive(tmp_path: Path) -> None:
    tote = zipped({"cpython.tar.gz": DISTRIBUTION, "note.txt": b"a note"})
    member = scie_file("cpython.tar.gz", DISTRIBUTION, "tar.gz", key="python")
    note = scie_file("note.txt", b"a note", "blob")
    for file in (member, note):
        del file["size"]
    with opened(
        scie(PYTHON, [(member, b""), (note, b""), (scie_file("scie-tote", tote, "zip"), tote)], COMMANDS), tmp_path
    ) as artifact:
        assert_whole(artifact)
        assert {node.path for node in artifact.tree.files()} == {
            "cpython.tar.gz/python/bin/python3.12", "cpython.tar.gz/python/lib/os.py", "note.txt",
        }  # fmt: skip


def test_directories_become_directories_and_fetched_files_are_named(tmp_path: Path) -> None:
    directory = zipped({"a": b"1", "b/c": b"2"})
    fetched = scie_file("cpython.tar.gz", b"12345", "tar.gz", source="fetch")
    with opened(
        scie(PYTHON, [(fetched, b""), (scie_file("data", directory, "directory"), directory)], COMMANDS), tmp_path
    ) as artifact:
        assert {node.path: node.read() for node in artifact.tree.files()} == {"data/a": b"1", "data/b/c": b"2"}
        assert [(problem.kind, problem.subject) for problem in artifact.problems] == [
            ("not-analysed", "cpython.tar.gz")
        ]


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    changed = bytearray(whole())
    place = changed.index(DISTRIBUTION) + len(DISTRIBUTION) - 20
    changed[place] ^= 1
    with opened(bytes(changed), tmp_path) as artifact:
        assert "SHA-256" in artifact.problems[0].message
    for broken in (whole(jump_size=1 << 20), whole(jump_size=0)):
        with pytest.raises(NothingInspected, match="a scie"):
            opened(broken, tmp_path)


def test_damage_never_becomes_a_traceback(tmp_path: Path) -> None:
    source = random.Random(7)
    good = whole()
    for number in range(150):
        content = bytearray(good)
        for _ in range(3):
            place = source.randrange(len(content) - 600 if number % 2 else 0, len(content))
            content[place] = source.randrange(256)
        try:
            with opened(
                bytes(content[: source.randrange(len(content)) if number % 10 == 0 else None]), tmp_path
            ) as artifact:
                assert sum(artifact.byte_map.values()) == artifact.size
                for node in artifact.tree.files():
                    node.read()
        except NothingInspected:
            pass
