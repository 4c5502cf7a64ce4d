"""Each invariant of strip is broken on purpose, and the verifier names it."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from inspector.formats.elf import read_elf, strip
from inspector.formats.elf.sections import Section
from inspector.formats.elf.strip import strip_elf
from inspector.formats.elf.strip_invariants import broken_invariant
from inspector.source import BytesSource
from tests.sectioned_elf import EM_AARCH64, Load, SectionedElf

_HEADERS_AT, _HEADER = 64, 56
_NOTE, _DYNAMIC, _FIRST_LOAD, _SECOND_LOAD, _STACK = 1, 2, 3, 4, 6


def pair(file: SectionedElf | None = None, **options: int) -> tuple[bytes, bytearray]:
    """A file, and what strip makes of it."""
    content = (file or SectionedElf(payload=b"the payload " * 50)).build()
    outcome = strip_elf(content, read_elf(BytesSource(content)), **options)  # type: ignore[arg-type]
    assert outcome.content is not None
    return content, bytearray(outcome.content.content())


def broken(old: bytes, new: bytes, *, page: int = 4096, keep_symtab: bool = False) -> str | None:
    return broken_invariant(BytesSource(bytes(old)), BytesSource(bytes(new)), page=page, keep_symtab=keep_symtab)


def section(content: bytes, name: str) -> Section:
    found = read_elf(BytesSource(bytes(content))).section(name)
    assert found is not None
    return found


def section_header_at(content: bytes, name: str) -> int:
    elf = read_elf(BytesSource(bytes(content)))
    return elf.header.shoff + 64 * [row.name for row in elf.sections].index(name)


def write(content: bytearray, offset: int, layout: str, value: int) -> None:
    struct.pack_into("<" + layout, content, offset, value)


def flip(content: bytearray, offset: int) -> None:
    content[offset] ^= 0xFF


def program_header(number: int, field: int) -> int:
    """The offset of a field: 0 type, 4 flags, 8 offset, 16 vaddr, 24 paddr, 32 filesz, 40 memsz, 48 align."""
    return _HEADERS_AT + number * _HEADER + field


def test_what_strip_makes_holds_them_all() -> None:
    old, new = pair()
    assert broken(old, new) is None


@pytest.mark.parametrize(
    ("invariant", "damage"),
    [
        ("I1: the memory at", lambda new: flip(new, section(new, ".part0").offset + 50)),
        ("I1: the memory at", lambda new: flip(new, section(new, ".part1").offset)),
        ("I1: the ELF header", lambda new: write(new, 24, "Q", 0x999)),
        ("I1: the ELF header", lambda new: write(new, 48, "I", 1)),
        ("I2", lambda new: write(new, program_header(_SECOND_LOAD, 4), "I", 7)),
        ("I2", lambda new: write(new, program_header(5, 40), "Q", 9999)),
        ("I2", lambda new: write(new, program_header(_STACK, 0), "I", 0)),
        ("I2", lambda new: write(new, program_header(_FIRST_LOAD, 48), "Q", 1)),
        ("I2: segment 1 holds", lambda new: flip(new, section(new, ".note.gnu.build-id").offset + 16)),
        ("I2: segment 2 holds", lambda new: flip(new, section(new, ".dynamic").offset)),
        ("I2: segment 2 holds", lambda new: write(new, program_header(_DYNAMIC, 8), "Q", 64)),
        ("I2: the program header table", lambda new: write(new, 56, "H", 6)),
        ("I2: the program header table", lambda new: write(new, 32, "Q", 64 + 56)),
        ("I3: segment 4", lambda new: write(new, program_header(_SECOND_LOAD, 8), "Q", 500)),
        ("I4: the section header table", lambda new: write(new, 40, "Q", 2**40)),
        ("I5", lambda new: flip(new, len(new) - 1)),
        ("I5", lambda new: new.extend(b"x")),
        ("I5", lambda new: new.__delitem__(slice(-1, None))),
        ("I6: section .comment is missing", lambda new: flip(new, section(new, ".comment").offset)),
        ("I6: section .comment is missing", lambda new: write(new, section_header_at(new, ".comment") + 4, "I", 0)),
        ("I6: section 4 changed", lambda new: write(new, section_header_at(new, ".part0") + 16, "Q", 1)),
        ("I6: section .part0 holds", lambda new: write(new, section_header_at(new, ".part0") + 24, "Q", 70)),
        ("I6: section 3 changed", lambda new: write(new, section_header_at(new, ".dynamic") + 8, "Q", 2)),
        ("I6: section .dynamic links", lambda new: write(new, section_header_at(new, ".dynamic") + 40, "I", 1)),
        ("I7", lambda new: new.extend(bytes(10_000))),
    ],
)  # fmt: skip
def test_a_broken_result_is_caught(invariant: str, damage: Callable[[bytearray], None]) -> None:
    old, new = pair()
    damage(new)
    said = broken(old, new)
    assert said is not None
    assert said.startswith(invariant), said


def test_i1_the_page_of_a_segment_without_bytes_is_mapped_from_the_file_all_the_same() -> None:
    """A kernel maps the page that such a segment begins in; behind the end of the file that is SIGBUS."""
    old, new = pair(SectionedElf(loads=(Load(), Load(0, 6, 500)), debug=9000))
    assert broken(old, new) is None
    number = _SECOND_LOAD + 1
    at = len(new) + 4096 + struct.unpack_from("<Q", new, program_header(number, 8))[0] % 4096
    longer = bytearray(old) + bytes(at - len(old) + 5000 if at > len(old) else 5000)
    write(longer, program_header(number, 8), "Q", at)
    write(new, program_header(number, 8), "Q", at)
    assert str(broken(bytes(longer), new)).startswith("I1: the page at")


def test_i3_congruence_is_that_of_the_architecture_s_largest_page() -> None:
    file = SectionedElf(machine=EM_AARCH64, between=100_000)
    old, new = pair(file, maximum_page_size=4096)
    assert broken(old, new) is None
    assert str(broken(old, new, page=65_536)).startswith("I3: segment 4")
    old, new = pair(file)
    assert broken(old, new, page=65_536) is None


def test_i6_the_symbol_table_where_it_is_to_be_kept() -> None:
    old, new = pair()
    assert broken(old, new, keep_symtab=True) == "I6: section .symtab is missing"
    old, new = pair(SectionedElf(), keep_symtab=True)
    assert broken(old, new, keep_symtab=True) is None
    flip(new, section(new, ".strtab").offset + 3)
    assert broken(old, new, keep_symtab=True) == "I6: section .strtab is missing"


def test_i6_equal_sections_are_counted() -> None:
    old, new = pair(SectionedElf(kept={".a": b"same", ".b": b"same"}))
    write(new, section_header_at(new, ".b"), "I", struct.unpack_from("<I", new, section_header_at(new, ".a"))[0])
    assert broken(old, new) == "I6: section .b is missing"


def test_in_doubt_the_file_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strip itself with a broken part: segments that move by any number of bytes."""
    content = SectionedElf(between=9000).build()
    elf = read_elf(BytesSource(content))
    assert strip_elf(content, elf).content is not None
    arrange = strip.arrange
    monkeypatch.setattr(strip, "arrange", lambda header, segments, rows, page, **options: arrange(
        header, [s._replace(align=1) for s in segments], rows, 1, **options))  # fmt: skip
    outcome = strip_elf(content, elf)
    assert (outcome.content, outcome.left, outcome.bytes_saved) == (None, "doubt", 0)
    assert str(outcome.reason).startswith("I3")


def test_a_result_that_cannot_be_read_is_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    content = SectionedElf().build()
    elf = read_elf(BytesSource(content))
    monkeypatch.setattr(strip.Assembly, "_elf_header", lambda self: b"MZ" + bytes(62))
    outcome = strip_elf(content, elf)
    assert outcome.left == "doubt"
    assert "cannot be read" in str(outcome.reason)
