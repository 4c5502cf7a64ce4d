"""What strip takes away is found again: by gdb and elfutils, by build ID and by debug link."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from inspector.formats.elf import read_elf
from inspector.formats.elf.debug_split import SplitOutcome, debug_file, debug_file_path, split_debug
from inspector.source import BytesSource, FileSource
from tests.formats.test_elf_strip import compiled, needs
from tests.sectioned_elf import SHF_INFO_LINK, SectionedElf

PROGRAM = """
#include <stdio.h>
struct Point { int x, y; };
static int deep(struct Point *point) { return point->x * 10 + point->y; }
int main(void) {
  struct Point point = {4, 2};
  printf("%d\\n", deep(&point));
  return 0;
}
"""


def split(path: Path, tree_path: str = "usr/bin/program") -> SplitOutcome:
    """Split a file on disk: the program is stripped in place, the debug file lies below ``debug``."""
    with FileSource(path) as source:
        outcome = split_debug(source, read_elf(source), tree_path)
        assert outcome.stripped.content is not None, outcome.stripped.reason
        assert outcome.debug is not None
        assert outcome.path is not None
        stripped, debug = outcome.stripped.content.content(), outcome.debug.content()
    place = path.parent / "debug" / outcome.path
    place.parent.mkdir(parents=True)
    place.write_bytes(debug)
    path.with_suffix(".unstripped").write_bytes(path.read_bytes())
    path.write_bytes(stripped)
    return outcome


def gdb(program: Path, *commands: str, debug: str = "debug") -> str:
    needs("gdb")
    line = ["gdb", "-nx", "-batch", "-iex", f"set debug-file-directory {program.parent / debug}"]
    line += [part for command in commands for part in ("-ex", command)]
    return subprocess.run([*line, program], capture_output=True, text=True, check=False, timeout=120).stdout


@pytest.mark.peer
@pytest.mark.parametrize(
    "options", [("-pie",), ("-no-pie",), ("-static",), ("-gz",), ("-fuse-ld=lld",), ("-fuse-ld=mold",)], ids="".join
)
def test_gdb_finds_lines_types_and_symbols_by_build_id(options: tuple[str, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path / "program", PROGRAM, "-O0", "-Wl,--build-id=sha1", *options)
    outcome = split(program)
    assert outcome.path is not None
    assert outcome.path.startswith(".build-id/")
    assert 'Line 4 of "<stdin>"' not in gdb(program, "info line deep", debug="elsewhere")
    said = gdb(program, "info line deep", "ptype struct Point")
    assert 'Line 4 of "<stdin>"' in said
    assert "int x;" in said
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "42\n"


@pytest.mark.peer
def test_gdb_stops_in_a_stripped_program(tmp_path: Path) -> None:
    """Addresses, frames and variables fit the running program."""
    program = compiled(tmp_path / "program", PROGRAM, "-O0", "-Wl,--build-id=sha1")
    split(program)
    said = gdb(program, "set disable-randomization off", "break deep", "run", "print *point", "backtrace")
    if "Couldn't get registers" in said or "ptrace" in said:
        pytest.skip("this machine does not let gdb trace")
    assert "{x = 4, y = 2}" in said
    assert "main () at <stdin>:7" in said


@pytest.mark.peer
def test_elfutils_put_the_two_together_again(tmp_path: Path) -> None:
    needs("eu-unstrip", "readelf")
    program = compiled(tmp_path / "program", PROGRAM, "-O0", "-Wl,--build-id=sha1")
    outcome = split(program)
    whole = tmp_path / "whole"
    subprocess.run(["eu-unstrip", "-o", whole, program, tmp_path / "debug" / str(outcome.path)], check=True)
    before, after = (
        subprocess.run(["readelf", "-sW", path], capture_output=True, text=True, check=True).stdout
        for path in (program.with_suffix(".unstripped"), whole)
    )
    functions = [sorted(line.split()[1:] for line in text.splitlines() if " FUNC " in line) for text in (before, after)]
    assert functions[0] == functions[1]
    assert any("deep" in row for row in functions[0])
    assert subprocess.run([whole], capture_output=True, text=True, check=True).stdout == "42\n"


@pytest.mark.peer
def test_without_a_build_id_the_debug_link_is_that_of_objcopy(tmp_path: Path) -> None:
    needs("objcopy", "readelf")
    program = compiled(tmp_path / "program", PROGRAM, "-O0", "-Wl,--build-id=none")
    outcome = split(program, "usr/bin/program")
    assert outcome.path == "usr/bin/program.debug"
    debug = tmp_path / "debug/usr/bin/program.debug"
    ours = section_content(program, ".gnu_debuglink")
    theirs = tmp_path / "theirs"
    subprocess.run(
        ["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", program.with_suffix(".unstripped"), theirs],
        check=True,
    )
    assert ours == section_content(theirs, ".gnu_debuglink")
    shutil.copy(debug, tmp_path / "program.debug")  # gdb looks beside the program first
    assert 'Line 4 of "<stdin>"' in gdb(program, "info line deep")


@pytest.mark.peer
def test_the_debug_file_is_like_objcopy_s(tmp_path: Path) -> None:
    """The same sections, types apart from those that lose their bytes, addresses and sizes."""
    needs("objcopy")
    program = compiled(tmp_path / "program", PROGRAM, "-O0", "-Wl,--build-id=sha1")
    theirs = tmp_path / "theirs"
    subprocess.run(["objcopy", "--only-keep-debug", program, theirs], check=True)
    with FileSource(program) as source, FileSource(theirs) as other:
        ours, objcopy = read_elf(debug_file(source, read_elf(source))), read_elf(other)
        rows = [
            {
                (s.name, s.type, s.flags & ~SHF_INFO_LINK, s.address, s.size)
                for s in elf.sections
                if s.name != ".shstrtab"
            }
            for elf in (ours, objcopy)
        ]
    assert rows[0] == rows[1]
    assert ours.is_separate_debug
    assert objcopy.is_separate_debug
    assert [s._replace(offset=0, filesz=0) for s in ours.segments] == [
        s._replace(offset=0, filesz=0) for s in objcopy.segments
    ]


def section_content(path: Path, name: str) -> bytes:
    with FileSource(path) as source:
        section = read_elf(source).section(name)
        assert section is not None
        return source.read_at(section.offset, section.size)


def test_path_by_build_id() -> None:
    assert debug_file_path("abcdef0123") == ".build-id/ab/cdef0123.debug"
    assert debug_file_path("abc") is None
    assert debug_file_path("") is None


def test_a_file_with_nothing_to_take_away_gives_no_debug_file() -> None:
    for file in (SectionedElf(symbols=None, debug=0), SectionedElf(ident=b"AI\2")):
        content = file.build()
        outcome = split_debug(content, read_elf(BytesSource(content)), "x")
        assert (outcome.debug, outcome.path, outcome.stripped.content) == (None, None, None)


def test_an_old_debug_link_gives_way_to_the_new_one() -> None:
    content = SectionedElf(build_id=b"", kept={".gnu_debuglink": b"old.debug\0\0\0abcd"}).build()
    outcome = split_debug(content, read_elf(BytesSource(content)), "opt/x.so")
    assert outcome.stripped.content is not None
    sections = [s for s in read_elf(outcome.stripped.content).sections if s.name == ".gnu_debuglink"]
    assert len(sections) == 1
    assert outcome.stripped.content.read_at(sections[0].offset, sections[0].size).startswith(b"x.so.debug\0\0")
