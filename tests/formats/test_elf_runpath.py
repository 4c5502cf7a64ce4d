"""Search paths are edited: readelf reads the new one, the loader finds libraries by it, and nothing else changes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats.elf import read_elf
from inspector.formats.elf.runpath import SearchPathKind, remove_search_path, set_search_path
from inspector.slim.making.lief_adapter import write_search_path
from inspector.source import BytesSource, FileSource, Source
from tests.elf_builder import TinyElf
from tests.formats.test_elf_strip import compiled, needs
from tests.sectioned_elf import SectionedElf


def search_paths(source: Source) -> tuple[str | None, str | None]:
    """RPATH and RUNPATH."""
    elf = read_elf(source)
    return elf.rpath, elf.runpath


def edit(content: bytes, kind: SearchPathKind, new: str) -> bytes | None:
    edited = set_search_path(content, read_elf(BytesSource(content)), kind, new)
    return None if edited is None else edited.read_at(0, edited.size)


def remove(content: bytes, kind: SearchPathKind) -> bytes | None:
    edited = remove_search_path(content, read_elf(BytesSource(content)), kind)
    return None if edited is None else edited.read_at(0, edited.size)


# -- files made by hand


def test_a_shorter_path_takes_the_place_of_the_old_one_and_nothing_of_that_is_left() -> None:
    content = TinyElf(soname="libx.so", needed=("libc.so.6",), runpath="/home/somebody/secret/lib").build()
    new = edit(content, "runpath", "$ORIGIN/../lib")
    assert new is not None
    assert search_paths(BytesSource(new)) == (None, "$ORIGIN/../lib")
    assert len(new) == len(content)
    assert b"secret" not in new
    assert sum(a != b for a, b in zip(content, new, strict=True)) <= len("/home/somebody/secret/lib")


def test_a_longer_path_does_not_fit() -> None:
    content = TinyElf(runpath="/a").build()
    assert edit(content, "runpath", "/ab") is None
    assert edit(content, "runpath", "/b") is not None


def test_one_kind_becomes_the_other() -> None:
    content = TinyElf(rpath="/opt/build").build()
    new = edit(content, "runpath", "$ORIGIN")
    assert new is not None
    assert search_paths(BytesSource(new)) == (None, "$ORIGIN")
    back = edit(new, "rpath", "$ORIGIN")
    assert back is not None
    assert search_paths(BytesSource(back)) == ("$ORIGIN", None)


def test_of_two_kinds_the_one_that_is_asked_for_changes() -> None:
    content = TinyElf(rpath="/opt/build", runpath="/opt/other").build()
    new = edit(content, "rpath", "/opt/x")
    assert new is not None
    assert search_paths(BytesSource(new)) == ("/opt/x", "/opt/other")


def test_a_file_without_a_search_path_is_not_edited_in_place() -> None:
    content = TinyElf(soname="libx.so").build()
    assert edit(content, "runpath", "$ORIGIN") is None
    assert remove(content, "runpath") is None


def shared(runpath: str, **names: object) -> bytes:
    """A file whose string table lets other names point into the search path, as linkers do that merge tails."""
    file = TinyElf(runpath=runpath, **names)  # type: ignore[arg-type]
    inside = file.string

    def merged(text: str) -> int:
        at = file.strings.find(text.encode() + b"\0")
        return at if at >= 0 else inside(text)

    file.string = merged  # type: ignore[method-assign]
    merged(runpath)
    return file.build()


@pytest.mark.parametrize(
    "names",
    [{"soname": "lib.so"}, {"needed": ("lib.so",)}, {"exports": (("lib.so", None),)}, {"exports": (("f", "lib.so"),)},
     {"needed": ("libc.so",), "imports": (("puts", "libc.so", "lib.so"),)}],
)  # fmt: skip
def test_a_name_that_shares_the_tail_keeps_it(names: dict[str, object]) -> None:
    content = shared("/opt/build/lib.so", **names)
    assert content.count(b"lib.so\0") == 1, "the name is shared, or this shows nothing"
    elf = read_elf(BytesSource(content))
    assert edit(content, "runpath", "/opt/longer") is None, "that would overwrite the shared tail"
    new = edit(content, "runpath", "$ORIGIN")
    assert new is not None
    afresh = read_elf(BytesSource(new))
    assert afresh.runpath == "$ORIGIN"
    assert (afresh.soname, afresh.needed, afresh.verneed, afresh.verdef) == (
        elf.soname,
        elf.needed,
        elf.verneed,
        elf.verdef,
    )
    assert afresh.symbols.exported_names() == elf.symbols.exported_names()


def test_a_path_that_lies_in_another_name_is_left_or_found_elsewhere() -> None:
    content = shared("/lib", soname="x/lib", needed=("$ORIGIN",))
    # "/lib" is written before "x/lib" here; turn it round: the path points into the soname
    file = TinyElf(soname="x/lib", needed=("$ORIGIN",), runpath="@")
    built = bytearray(file.build())
    elf = read_elf(BytesSource(bytes(built)))
    strings = elf.dynamic.get(5)
    assert strings is not None
    at = bytes(built).index((0x1D).to_bytes(8, "little") + (file.strings.index(b"@\0")).to_bytes(8, "little"))
    built[at + 8 : at + 16] = (file.strings.index(b"x/lib\0") + 1).to_bytes(8, "little")
    assert read_elf(BytesSource(bytes(built))).runpath == "/lib"
    assert edit(bytes(built), "runpath", "/x") is None
    new = edit(bytes(built), "runpath", "$ORIGIN")  # which the table has already, as the name of a library
    assert new is not None
    afresh = read_elf(BytesSource(new))
    assert (afresh.runpath, afresh.soname, afresh.needed) == ("$ORIGIN", "x/lib", ("$ORIGIN",))
    assert edit(content, "runpath", "/l") is not None


def test_removal_blots_the_text_out() -> None:
    content = TinyElf(
        soname="libx.so", needed=("liba.so", "libb.so"), rpath="/home/me/rp", runpath="/home/me/run"
    ).build()
    new = remove(content, "runpath")
    assert new is not None
    elf = read_elf(BytesSource(new))
    assert (elf.rpath, elf.runpath, elf.soname, elf.needed) == ("/home/me/rp", None, "libx.so", ("liba.so", "libb.so"))
    assert b"/home/me/run" not in new
    again = remove(new, "rpath")
    assert again is not None
    assert b"/home/me" not in again
    assert len(again) == len(content)


@pytest.mark.parametrize(("bits", "endian"), [(64, "little"), (64, "big"), (32, "little"), (32, "big")])
def test_both_classes_and_byte_orders(bits: int, endian: str) -> None:
    content = SectionedElf(bits=bits, endian=endian, machine=8).build()  # type: ignore[arg-type]
    new = edit(content, "runpath", "$ORIGIN")
    assert new is not None
    assert search_paths(BytesSource(new)) == (None, "$ORIGIN")
    gone = remove(content, "runpath")
    assert gone is not None
    assert search_paths(BytesSource(gone)) == (None, None)


def test_bytes_that_are_not_utf_8_stay_what_they_were() -> None:
    content = TinyElf(runpath="/opt/build:/opt/ABC:$ORIGIN").build().replace(b"ABC", b"\xff\xfeC")
    runpath = read_elf(BytesSource(content)).runpath
    assert runpath is not None
    new = edit(content, "runpath", runpath.partition(":")[2])
    assert new is not None
    assert b"\0/opt/\xff\xfeC:$ORIGIN\0" in new


@pytest.mark.parametrize("text", ["", "a\0b", "\udcff"])
def test_what_is_no_path(text: str) -> None:
    content = TinyElf(runpath="/opt").build()
    with pytest.raises(ValueError, match=r"search path|surrogates"):
        edit(content, "runpath", text)


@settings(max_examples=150)
@given(
    st.text(st.sampled_from("ab/$"), min_size=1, max_size=12), st.text(st.sampled_from("ab/$"), min_size=1, max_size=12),
    st.lists(st.text(st.sampled_from("ab/$"), min_size=1, max_size=6), max_size=4, unique=True),
    st.sampled_from(("rpath", "runpath")),
)  # fmt: skip
def test_whatever_shares_its_bytes_is_as_it_was(old: str, new: str, needed: list[str], kind: SearchPathKind) -> None:
    content = shared(old, needed=tuple(needed), soname="b/a", exports=(("a", None), ("/a", "b")))
    elf = read_elf(BytesSource(content))
    edited = edit(content, kind, new)
    if edited is None:
        return
    afresh = read_elf(BytesSource(edited))
    assert (afresh.rpath, afresh.runpath) == ((new, None) if kind == "rpath" else (None, new))
    assert (afresh.needed, afresh.soname, afresh.verdef) == (elf.needed, elf.soname, elf.verdef)
    assert list(afresh.symbols.exported()) == list(elf.symbols.exported())


# -- the real loader


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """``bin/program`` needs ``libgreeting.so``, which lies in ``lib`` and which the path of a build machine does not find."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "bin").mkdir()
    compiled(
        tmp_path / "lib/libgreeting.so", '#include <stdio.h>\nvoid greet(void) { puts("hello"); }', "-shared", "-fPIC"
    )
    compiled(
        tmp_path / "bin/program", "void greet(void); int main(void) { greet(); return 0; }", f"-L{tmp_path / 'lib'}", "-lgreeting",
        "-Wl,-rpath,/home/builder/of/the/project/lib",
    )  # fmt: skip
    return tmp_path


def said_by_readelf(path: Path) -> list[tuple[str, str]]:
    needs("readelf")
    text = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\((RPATH|RUNPATH)\).*\[(.*)\]", text)


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["runpath", "rpath"])
def test_the_loader_finds_by_the_new_path(kind: SearchPathKind, bundle: Path) -> None:
    program = bundle / "bin/program"
    assert subprocess.run([program], capture_output=True, check=False).returncode == 127
    with FileSource(program) as source:
        edited = set_search_path(source, read_elf(source), kind, "$ORIGIN/../lib")
        assert edited is not None
        content = edited.read_at(0, edited.size)
    program.write_bytes(content)
    assert said_by_readelf(program) == [(kind.upper(), "$ORIGIN/../lib")]
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "hello\n"


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["runpath", "rpath"])
def test_where_it_does_not_fit_the_file_grows(kind: SearchPathKind, bundle: Path) -> None:
    pytest.importorskip("lief")
    program = bundle / "bin/program"
    long = "$ORIGIN/" + "nowhere/" * 60 + ":$ORIGIN/../lib"
    with FileSource(program) as source:
        elf = read_elf(source)
        assert set_search_path(source, elf, kind, long) is None
        grown = write_search_path(source, elf, kind, long)
        assert grown is not None
        content = grown.read_at(0, grown.size)
    program.write_bytes(content)
    assert said_by_readelf(program) == [(kind.upper(), long)]
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "hello\n"


@pytest.mark.peer
def test_a_library_without_a_path_is_given_one(bundle: Path) -> None:
    pytest.importorskip("lief")
    outer = compiled(
        bundle / "libouter.so", "void greet(void); int outer(void) { greet(); return 7; }", "-shared", "-fPIC", f"-L{bundle / 'lib'}",
        "-lgreeting",
    )  # fmt: skip
    with FileSource(outer) as source:
        grown = write_search_path(source, read_elf(source), "runpath", "$ORIGIN/lib")
        assert grown is not None
        content = grown.read_at(0, grown.size)
    outer.write_bytes(content)
    call = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).outer())"
    done = subprocess.run([sys.executable, "-c", call, outer], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["7", "hello"] or done.stdout.split() == ["hello", "7"]


def test_what_has_a_payload_does_not_grow() -> None:
    content = SectionedElf(payload=b"something that is found by its place").build()
    assert write_search_path(content, read_elf(BytesSource(content)), "runpath", "/" + "x" * 500) is None
