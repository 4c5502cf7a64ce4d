"""The strip benchmark's own eyes: what GNU strip is said to break it really broke, and bars can be broken."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("elftools", reason="pyelftools is not installed")
pytest.importorskip("lief", reason="LIEF is not installed")

from corpus.strip.contenders import Measured
from corpus.strip.independent import damage
from corpus.strip.loading import answers, fill_answers
from corpus.strip.population import ElfMember
from corpus.strip.report import bars_broken, share_of_gnu
from inspector.formats.elf import read_elf
from inspector.formats.elf.strip import strip_elf
from inspector.source import BytesSource, FileSource
from tests.sectioned_elf import SectionedElf


def two_files(tmp_path: Path, old: bytes, new: bytes) -> tuple[str | None, str | None]:
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    return damage(tmp_path / "old", tmp_path / "new")


def stripped(content: bytes) -> bytes:
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.content is not None
    return outcome.content.content()


def test_what_ours_makes_is_the_same_to_two_readers_of_others(tmp_path: Path) -> None:
    content = SectionedElf(payload=b"x" * 99).build()
    assert two_files(tmp_path, content, stripped(content)) == (None, None)


@pytest.mark.parametrize(
    ("harm", "at", "new"),
    [("are gone", -1, b""), ("no longer where it was", 620, b"\xff"), ("no longer congruent", 64 + 4 * 56 + 8, struct.pack("<Q", 77)),
     ("number of segments", 64 + 4 * 56, struct.pack("<I", 0)), ("unreadable", 0, b"MZ")],
)  # fmt: skip
def test_harm_is_seen(harm: str, at: int, new: bytes, tmp_path: Path) -> None:
    content = SectionedElf(payload=b"payload").build()
    broken = bytearray(content)
    broken[at : at + len(new) if new else None] = new
    said, difference = two_files(tmp_path, content, bytes(broken))
    assert said is not None
    assert harm in said
    assert difference is None


@pytest.mark.parametrize(("at", "size"), [(64 + 4 * 56 + 4, "I"), (64 + 6 * 56 + 4, "I"), (64 + 5 * 56 + 40, "Q")])
def test_differences_without_harm_are_seen(at: int, size: str, tmp_path: Path) -> None:
    content = bytearray(SectionedElf().build())
    (before,) = struct.unpack_from(f"<{size}", content, at)
    broken = bytearray(content)
    struct.pack_into(f"<{size}", broken, at, before + 1)
    harm, difference = two_files(tmp_path, bytes(content), bytes(broken))
    assert harm is None
    assert difference is not None


def row(**fields: object) -> Measured:
    made = Measured([ElfMember("tree", Path("tree/libx.so"))], "x86_64", "DYN", 1000, 600, 600)
    return replace(made, **fields)  # type: ignore[arg-type]


def test_the_bars() -> None:
    results = [[("numpy", True, "1")], [("numpy", True, "1")], [("numpy", False, "no")]]
    good = [row()] * 1000
    assert bars_broken(good, results) == []
    assert bars_broken(good[1:], results) == ["999 files, fewer than 1000"]
    assert bars_broken([row(ours=640)] * 1000, results) == ["ours saves 90.0% of what GNU strip saves"]
    assert bars_broken([*good, row(ours_broken="x")], results) == ["our strip broke 1 files"]
    assert bars_broken([*good, row(answers=("ok", "signal 7", "ok"))], results) == ["our strip broke 1 files"]
    assert bars_broken(good, [results[0], results[2], results[2]]) == ["numpy says something else after our strip"]
    assert bars_broken(good, [results[0]] * 3) == ["the control shows no failure: the computations do not bite"]


def test_what_gnu_strip_breaks_or_makes_larger_is_no_saving_of_its_own() -> None:
    rows = [
        row(),
        row(gnu=1200),
        row(gnu=100, gnu_broken="x"),
        row(gnu=100, answers=("ok", "ok", "no"), gnu_alone="no"),
        row(gnu_refused="no"),
    ]
    assert share_of_gnu(rows) == (2, 800, 400)
    assert share_of_gnu([row(answers=("ok", "ok", "libother.so: no"), gnu_alone="ok")]) == (1, 400, 400), (
        "another library's fault"
    )


@pytest.mark.corpus
def test_a_program_that_upx_packed_is_left(corpus_artifact: Callable[[str], Path]) -> None:
    with FileSource(corpus_artifact("bad-input/upx-packed.AppDir") / "AppRun") as source:
        outcome = strip_elf(source, read_elf(source))
    assert (outcome.content, outcome.reason) == (None, "it is packed (UPX)")


@pytest.mark.peer
def test_dlopen_is_asked_of_the_real_loader(tmp_path: Path) -> None:
    from tests.formats.test_elf_strip import compiled

    names = ("original", "ours", "gnu")
    for name in names:
        (tmp_path / name).mkdir()
        compiled(tmp_path / name / "good.so", "int f(void) { return 1; }", "-shared", "-fPIC")
        compiled(
            tmp_path / name / "dying.so",
            "__attribute__((constructor)) void f(void) { __builtin_trap(); }",
            "-shared",
            "-fPIC",
        )
    (tmp_path / "gnu/good.so").write_bytes((tmp_path / "original/good.so").read_bytes()[:9000])
    rows = [row(members=[ElfMember(".", Path(name))]) for name in ("good.so", "dying.so", "missing.so")]
    fill_answers(rows[:2], [tmp_path / name for name in names], answers)
    assert rows[0].answers[:2] == ("ok", "ok")
    assert rows[0].gnu_alone not in (None, "ok")
    assert rows[0].gnu_breaks
    assert not rows[0].ours_breaks
    assert rows[1].answers == ("signal 4",) * 3
    assert "cannot open" in answers([tmp_path / "missing.so"], tmp_path)[0]
    assert sorted(path.name for path in (tmp_path / "original").iterdir()) == ["dying.so", "good.so"]
