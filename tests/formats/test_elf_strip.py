"""Strip on files of many linkers and architectures: readelf, the loader and the program see what they saw before; debug information is gone."""

from __future__ import annotations

import random
import shutil
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.formats.elf import read_elf
from inspector.formats.elf.strip import StripOutcome, strip_elf
from inspector.formats.elf.strip_refusals import refusal_by_place
from inspector.limits import MIB
from inspector.source import BytesSource, FileSource
from tests.sectioned_elf import EM_AARCH64, EM_ARM, EM_S390, Load, SectionedElf, mapped

LIBRARY = """
#include <string.h>
#include <stdlib.h>
__thread int counter = 40;
static int table[300] = {1, 2, 3};
int large[5000];
static void *copy_by_memcpy(void *to, const void *from, size_t n) { return memcpy(to, from, n); }
IFUNC
static int hidden_function(int number) { large[number] = table[number]; return large[number]; }
int answer(void) { return counter++ + hidden_function(1); }
__attribute__((constructor)) static void at_start(void) { table[1] = 2; }
"""
RESOLVED = """
void *indirect(void *, const void *, size_t) __attribute__((ifunc("choose")));
static void *(*choose(void))(void *, const void *, size_t) { return copy_by_memcpy; }
"""
PROGRAM = (
    LIBRARY.replace("IFUNC", "")
    + """
#include <stdio.h>
int main(int count, char **arguments) { printf("%d %s\\n", answer(), count > 1 ? arguments[1] : ""); return 0; }
"""
)
CALL = "import ctypes, os, sys; print(ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW).answer())"


def needs(*programs: str) -> None:
    """Skip where a program is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def compiled(path: Path, source: str, *options: str, compiler: str = "gcc") -> Path:
    """Compile with debug information; skip where the compiler or its linker cannot do that."""
    needs(compiler)
    done = subprocess.run(
        [compiler, "-x", "c", "-", "-g", "-O1", "-o", path, *options], input=source, text=True, capture_output=True, check=False
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"{compiler} {' '.join(options)}: {done.stderr.strip().splitlines()[-1]}")
    return path


def strip(path: Path, **options: bool | int | bytes) -> StripOutcome:
    """Strip one file on disk, as slim does."""
    with FileSource(path) as source:
        outcome = strip_elf(source, read_elf(source), **options)  # type: ignore[arg-type]
        if outcome.content is None:
            return outcome
        path.with_suffix(".stripped").write_bytes(outcome.content.content())
    path.with_suffix(".stripped").chmod(stat.S_IMODE(path.stat().st_mode))
    return outcome


def stripped(path: Path, **options: bool | int | bytes) -> Path:
    """The path of the new file; its savings are those that are told, a second strip leaves it, and readelf finds no fault with it."""
    outcome = strip(path, **options)
    assert outcome.content is not None, outcome.reason
    after = path.with_suffix(".stripped")
    assert path.stat().st_size - after.stat().st_size == outcome.bytes_saved > 0
    assert strip(after, **options).left == "smallest"
    content, again = path.read_bytes(), after.read_bytes()
    before_map, after_map = mapped(content), mapped(again)
    assert (before_map.segments, before_map.memory) == (after_map.segments, after_map.memory)
    if shutil.which("readelf"):
        assert warnings_of_readelf(after) == warnings_of_readelf(path)
    return after


def warnings_of_readelf(path: Path) -> set[str]:
    done = subprocess.run(["readelf", "-aW", path], capture_output=True, text=True, errors="replace", check=True)
    lines = [
        *done.stderr.splitlines(),
        *(line for line in done.stdout.splitlines() if "<corrupt" in line or "Warning" in line),
    ]
    return {line for line in lines if ".debug" not in line and "gnu_debug" not in line}


def answer_of(path: Path) -> str:
    done = subprocess.run([sys.executable, "-c", CALL, path], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr.replace(str(path), "")


def sections_of(path: Path) -> set[str]:
    with FileSource(path) as source:
        return {section.name for section in read_elf(source).sections}


LIBRARIES = {
    "bfd": ("gcc", "-fuse-ld=bfd"),
    "bfd-one-segment": ("gcc", "-fuse-ld=bfd", "-Wl,-z,noseparate-code"),
    "bfd-relr": ("gcc", "-fuse-ld=bfd", "-Wl,-z,pack-relative-relocs"),
    "bfd-execstack": ("gcc", "-fuse-ld=bfd", "-Wl,-z,execstack"),
    "bfd-no-build-id": ("gcc", "-fuse-ld=bfd", "-Wl,--build-id=none"),
    "bfd-64k-pages": ("gcc", "-fuse-ld=bfd", "-Wl,-z,max-page-size=65536"),
    "bfd-2m-pages": ("gcc", "-fuse-ld=bfd", "-Wl,-z,max-page-size=2097152"),
    "bfd-emit-relocs": ("gcc", "-fuse-ld=bfd", "-Wl,--emit-relocs"),
    "bfd-compressed-debug": ("gcc", "-fuse-ld=bfd", "-gz"),
    "bfd-split-dwarf": ("gcc", "-fuse-ld=bfd", "-gsplit-dwarf"),
    "bfd-lto": ("gcc", "-fuse-ld=bfd", "-flto", "-ffat-lto-objects"),
    "gold": ("gcc", "-fuse-ld=gold"),
    "gold-gdb-index": ("gcc", "-fuse-ld=gold", "-ggnu-pubnames", "-Wl,--gdb-index"),
    "lld": ("clang", "-fuse-ld=lld"),
    "lld-separate-code": ("clang", "-fuse-ld=lld", "-Wl,-z,separate-code"),
    "lld-relr": ("clang", "-fuse-ld=lld", "-Wl,--pack-dyn-relocs=relr"),
    "mold": ("gcc", "-fuse-ld=mold"),
    "mold-icf": ("gcc", "-fuse-ld=mold", "-Wl,--icf=all", "-ffunction-sections"),
}  # fmt: skip


@pytest.mark.peer
@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_load_and_answer_as_before(name: str, tmp_path: Path) -> None:
    compiler, *options = LIBRARIES[name]
    source = LIBRARY.replace("IFUNC", RESOLVED if compiler == "gcc" else "")
    library = compiled(tmp_path / "library.so", source, "-shared", "-fPIC", *options, compiler=compiler)
    before = answer_of(library)
    refused = name == "lld-relr"  # glibc wants a version for DT_RELR that LLD writes only when it is asked for it
    assert before == "42\n" or (refused and "GLIBC_ABI_DT_RELR" in before)
    after = stripped(library)
    assert answer_of(after) == before
    left = sections_of(after)
    assert not [section for section in left if section.startswith((".debug", ".symtab", ".strtab", ".gdb_index"))]
    assert {".comment", ".dynsym", ".shstrtab"} <= left


@pytest.mark.peer
@pytest.mark.parametrize("options", [("-no-pie",), ("-pie",), ("-static",), ("-static-pie",), ("-no-pie", "-fuse-ld=lld"), ("-pie", "-fuse-ld=mold")],
                         ids="".join)  # fmt: skip
def test_programs_run_as_before(options: tuple[str, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path / "program", PROGRAM, *options)
    after = stripped(program)
    assert subprocess.run([after, "x"], capture_output=True, text=True, check=True).stdout == "42 x\n"


@pytest.mark.peer
@pytest.mark.parametrize("options", [(), ("--page-size", "65536")], ids=["4 KiB", "64 KiB"])
def test_patchelf_over_and_over(options: tuple[str, ...], tmp_path: Path) -> None:
    """Every edit leaves a segment without sections, and dead copies of the strings."""
    needs("patchelf")
    functions = "".join(
        f"int a_function_with_a_long_name_{number}(void) {{ return {number}; }}\n" for number in range(2500)
    )
    library = compiled(tmp_path / "library.so", LIBRARY.replace("IFUNC", "") + functions, "-shared", "-fPIC", "-lm")
    for number in range(4):
        edits = ["--set-rpath", "$ORIGIN/" + "x" * 900 * number, "--set-soname", f"lib{'y' * 70 * number}.so"]
        subprocess.run(["patchelf", *options, *edits, library], check=True, capture_output=True)
    after = stripped(library)
    assert answer_of(after) == answer_of(library) == "42\n"
    last = mapped(library.read_bytes()).offsets[-1] - mapped(after.read_bytes()).offsets[-1]
    assert last >= 65_536, "what lies between the segments goes too, not only what lies behind them"


def with_headers_at_the_end(file: SectionedElf) -> bytes:
    """The same file with its program headers in the last segment, where editors put a table that grew."""
    rows, align = 56 * (5 + len(file.loads)), 0x1000
    file.loads = (*file.loads[:-1], Load(rows + 200, 6))
    content = bytearray(file.build())
    last = mapped(bytes(content)).offsets[-1]
    (address,) = struct.unpack_from("<Q", content, 64 + 56 * (3 + len(file.loads)) + 16)
    assert (address - last) % align == 0
    struct.pack_into(
        "<QQQ", content, 64 + 8, last + 100 + -(last + 100) % 8, *(2 * [address + 100 + -(last + 100) % 8])
    )
    at = last + 100 + -(last + 100) % 8
    content[at : at + rows] = content[64 : 64 + rows]
    struct.pack_into("<Q", content, 32, at)
    return bytes(content)


@pytest.mark.parametrize(
    ("soname", "program", "moves"), [("libx.so", False, True), ("libx.so", True, False), ("", False, False)]
)
def test_program_headers_move_with_their_segment_in_libraries_only(soname: str, program: bool, moves: bool) -> None:
    content = with_headers_at_the_end(SectionedElf(type=2 if program else 3, soname=soname, between=60_000))
    elf = read_elf(BytesSource(content))
    outcome = strip_elf(content, elf)
    assert outcome.content is not None, outcome.reason
    new = outcome.content.content()
    afresh = read_elf(outcome.content)
    before, after = mapped(content), mapped(new)
    assert before.segments == after.segments
    assert (before.offsets[-1] - after.offsets[-1] >= 57_344) == moves
    assert elf.header.phoff - afresh.header.phoff == before.offsets[-1] - after.offsets[-1]


@pytest.mark.peer
@pytest.mark.parametrize(
    ("compiler", "emulator", "page"),
    [("aarch64-linux-gnu-gcc", "qemu-aarch64-static", 65_536), ("arm-linux-gnueabihf-gcc", "qemu-arm-static", 65_536),
     ("s390x-linux-gnu-gcc", "qemu-s390x-static", 4096), ("powerpc64-linux-gnu-gcc", "qemu-ppc64-static", 65_536),
     ("gcc", "", 4096)],
)  # fmt: skip
def test_programs_of_other_architectures(compiler: str, emulator: str, page: int, tmp_path: Path) -> None:
    options = ["-m32"] if not emulator else []
    program = compiled(tmp_path / "program", PROGRAM, "-static", *options, compiler=compiler)
    after = stripped(program)
    for before_at, after_at in zip(
        mapped(program.read_bytes()).offsets, mapped(after.read_bytes()).offsets, strict=True
    ):
        assert (before_at - after_at) % page == 0
    command = [after] if not emulator else [emulator, after]
    if emulator and shutil.which(emulator) is None:
        pytest.skip(f"{emulator} is not installed; what it maps was compared")
    assert subprocess.run([*command, "x"], capture_output=True, text=True, check=True).stdout == "42 x\n"


@pytest.mark.parametrize(
    ("bits", "endian", "machine"),
    [(64, "little", EM_AARCH64), (64, "big", EM_S390), (32, "little", EM_ARM), (32, "big", 8), (64, "little", 0x7777)],
)  # fmt: skip
def test_gaps_are_closed_by_multiples_of_the_largest_page(bits: int, endian: str, machine: int) -> None:
    """A gap of 150,000 bytes: on a system of 64 KiB pages two of them go, on one of 4 KiB pages thirty-six."""
    page = 4096 if machine in {EM_S390, EM_ARM} else 65_536
    file = SectionedElf(bits=bits, endian=endian, machine=machine, between=100_000)  # type: ignore[arg-type]
    file.loads = (Load(unused_before=50_000), Load(3000, 6, 900))
    content = file.build()
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.content is not None
    before, after = mapped(content), mapped(outcome.content.content())
    assert (before.segments, before.memory) == (after.segments, after.memory)
    moved = [old - new for old, new in zip(before.offsets, after.offsets, strict=True)]
    assert moved == [0, 150_000 // page * page, 150_000 // page * page]


def test_p_align_is_held_where_it_is_larger_than_a_page() -> None:
    file = SectionedElf(align=0x200000, between=3_000_000, loads=(Load(), Load(64, 6, 40)))
    content = file.build()
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.content is not None
    offsets = mapped(content).offsets, mapped(outcome.content.content()).offsets
    assert [old - new for old, new in zip(*offsets, strict=True)] == [0, 0x200000, 0x200000]


def test_a_payload_stays_the_end_of_the_file() -> None:
    payload = random.Random(4).randbytes(300_000)
    content = SectionedElf(payload=payload).build()
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.content is not None
    assert outcome.content.content().endswith(payload)
    assert outcome.bytes_saved > 5000


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"hsqs" + bytes(500), "squashfs"), (b"\0" * 100 + b"hsqs" + bytes(500), "squashfs"), (b"DWARFS" + bytes(500), "dwarfs"),
     (b"PK\3\4" + bytes(500), "zip"), (b"x" * 100 + b"PK\5\6" + bytes(18), "zip"), (b"KAX" + bytes(100), "Nuitka"),
     (b"x" * 99 + b"MEI\014\013\012\013\016" + bytes(80), "PyInstaller"), (b"x" * 0x8001 + b"CD001" + bytes(9), "ISO 9660"),
     (b"x" * 50 + b"\n---- Bun! ----\n", "Bun"), (b"x~Module signature appended~\n", "signature"), (b"\x7fELF" + bytes(100), "another ELF"),
     (bytes(9000) + b"\xdc\xdc\xf6\xf6" + bytes(100), "Dart"), (b"x" * 90 + bytes(8) + b"xmonkeysloveplay", "Mono")],
)  # fmt: skip
def test_a_payload_that_is_found_by_its_place_is_not_touched(payload: bytes, reason: str) -> None:
    content = SectionedElf(payload=payload).build()
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.left == "refused"
    assert outcome.content is None
    assert outcome.reason is not None
    assert reason in outcome.reason


def test_a_payload_whose_offset_is_written_in_the_file_is_not_touched() -> None:
    file = SectionedElf(kept={".config": bytes(8)})
    end = len(file.build())
    for written in (struct.pack("<Q", end), struct.pack(">Q", end), f"{end:08d}".encode()):
        file.kept = {".config": written.rjust(8, b"0")}
        file.payload = b"anything at all"
        content = file.build()
        outcome = strip_elf(content, read_elf(BytesSource(content)))
        assert outcome.left == "refused"
        assert "found by its offset" in str(outcome.reason)
    file.kept = {".config": struct.pack("<Q", end + 1000)}
    file.payload = bytes(1000) + b"what is aligned begins behind zeros"
    content = file.build()
    assert "found by its offset" in str(strip_elf(content, read_elf(BytesSource(content))).reason)


def test_a_payload_that_patchelf_wrote_behind_is_not_touched() -> None:
    """Then it lies between the sections, owned by nothing."""
    content = SectionedElf(loads=(Load(unused_before=5000), Load(64, 6))).build()
    middle = content.index(b"\xdd" * 5000)
    content = content[:middle] + b"hsqs".ljust(5000, b"\xdd") + content[middle + 5000 :]
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.reason == "between its sections lies a squashfs image"


@pytest.mark.peer
def test_a_program_reads_what_was_appended_to_it(tmp_path: Path) -> None:
    """A program of the kind of makeself: it seeks from its own end."""
    reader = """
    #include <stdio.h>
    int main(int n, char **a) { char b[16] = ""; FILE *f = fopen(a[0], "rb"); fseek(f, -9, SEEK_END); fread(b, 1, 9, f); puts(b); return 0; }
    """
    program = compiled(tmp_path / "program", reader)
    with program.open("ab") as file:
        file.write(b"x" * 20_000 + b"from here")
    after = stripped(program)
    assert subprocess.run([after], capture_output=True, text=True, check=True).stdout == "from here\n"


def test_the_refusals() -> None:
    def reason(file: SectionedElf, change: tuple[int, bytes] = (0, b"")) -> str:
        content = bytearray(file.build())
        content[change[0] : change[0] + len(change[1])] = change[1]
        outcome = strip_elf(bytes(content), read_elf(BytesSource(bytes(content))))
        assert outcome.left == "refused", outcome
        assert outcome.content is None
        return str(outcome.reason)

    assert "ET_REL" in reason(SectionedElf(type=1))
    assert "ET_CORE" in reason(SectionedElf(type=4))
    assert "AppImage" in reason(SectionedElf(ident=b"AI\2"))
    assert "packed (UPX)" in reason(SectionedElf(), (700, b"UPX!"))
    assert "no section headers" in reason(SectionedElf(), (40, bytes(8)))
    assert "run out of the file" in reason(SectionedElf(), (40, struct.pack("<Q", 2**40)))
    assert "PyInstaller" in reason(SectionedElf(kept={"pydata": b"x" * 100}))
    assert "Godot" in reason(SectionedElf(kept={"pck": b"GDPC" * 9}))
    assert "AppImage" in reason(SectionedElf(kept={".upd_info": b"x" * 100}))
    assert "signature" in reason(SectionedElf(kept={".sha256_sig": b"x" * 100}))
    assert "no power of two" in reason(SectionedElf(align=0x1000), (64 + 4 * 56 + 48, struct.pack("<Q", 0x1001)))
    assert "out of the file" in reason(SectionedElf(), (64 + 4 * 56 + 32, struct.pack("<QQ", 2**40, 2**40)))
    assert "overlap" in reason(SectionedElf(), (64 + 5 * 56 + 8, struct.pack("<Q", 100)))
    assert "more than 256 segments" in reason(SectionedElf(loads=(Load(),) * 260, align=1))


def test_what_the_place_of_a_file_says() -> None:
    assert refusal_by_place("libx.so", 0o755, ["liby.so"]) is None
    assert refusal_by_place("su", 0o4755, []) == "it is setuid or setgid"
    assert refusal_by_place("wall", 0o2755, []) == "it is setuid or setgid"
    for name, sibling in (
        ("libgcrypt.so.20", ".libgcrypt.so.20.hmac"),
        ("libsoftokn3.so", "libsoftokn3.chk"),
        ("x", "x.hmac"),
    ):
        assert refusal_by_place(name, 0o755, [sibling, name]) == f"{sibling} holds its checksum"
    assert "fipsmodule.cnf" in str(refusal_by_place("fips.so", 0o755, []))
    assert "security.ima" in str(refusal_by_place("x", 0o755, [], ["user.note", "security.ima"]))


def test_the_symbol_table_stays_where_it_is_wanted() -> None:
    of_glibc = [SectionedElf(soname=soname) for soname in ("libpthread.so.0", "ld-linux-x86-64.so.2")]
    for file, keep in ((SectionedElf(), True), *((file, False) for file in of_glibc)):
        content = file.build()
        outcome = strip_elf(content, read_elf(BytesSource(content)), keep_symtab=keep)
        assert outcome.content is not None
        assert outcome.removed == ((".debug_info", 5000),)
        sections = {section.name for section in read_elf(outcome.content).sections}
        assert {".symtab", ".strtab"} <= sections


def test_sections_of_an_unknown_purpose_stay() -> None:
    kept = {
        ".comment": b"x\0",
        ".rustc": b"y" * 999,
        ".note.package": b"z" * 60,
        "my data": b"w" * 7,
        ".gnu_debuglink": b"d.debug\0abcd",
    }
    content = SectionedElf(kept=kept).build()
    outcome = strip_elf(content, read_elf(BytesSource(content)))
    assert outcome.content is not None
    after = read_elf(outcome.content)
    for name, data in kept.items():
        section = after.section(name)
        assert section is not None
        assert outcome.content.read_at(section.offset, section.size) == data


def test_nothing_to_take_away_costs_a_few_kilobytes() -> None:
    class Counting(BytesSource):
        read = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.read += length
            return super().read_at(offset, length)

    content = SectionedElf(symbols=None, debug=0, loads=(Load(3 * MIB), Load(MIB, 6))).build()
    source = Counting(content)
    elf = read_elf(source)
    source.read = 0
    assert strip_elf(source, elf).left == "smallest"
    assert source.read < 16_384


def test_a_container_s_member_is_read_once_and_a_file_is_not_kept() -> None:
    class Member:
        """A source that is neither a file of a file system nor in memory."""

        def __init__(self, content: bytes) -> None:
            self.content = content
            self.size = len(content)
            self.bytes_read = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.bytes_read += max(min(length, self.size - offset), 0)
            return self.content[offset : offset + length]

    source = Member(SectionedElf(loads=(Load(2 * MIB), Load(64, 6))).build())
    elf = read_elf(source)
    source.bytes_read = 0
    outcome = strip_elf(source, elf)
    assert outcome.content is not None
    assert source.size < source.bytes_read < source.size + 32_768
    assert outcome.content.content()[-2000:] == outcome.content.read_at(outcome.content.size - 2000, 5000)


def test_a_file_that_changes_meanwhile_is_refused() -> None:
    content = SectionedElf().build()
    elf = read_elf(BytesSource(content))
    assert strip_elf(content + b"x", elf).reason == "the file changed while it was read"


@pytest.mark.parametrize("page", [0, -4096, 5000])
def test_a_page_size_is_a_power_of_two(page: int) -> None:
    content = SectionedElf().build()
    with pytest.raises(ValueError, match="power of two"):
        strip_elf(content, read_elf(BytesSource(content)), maximum_page_size=page)


@pytest.mark.corpus
def test_an_appimage_and_its_payload_are_not_touched() -> None:
    import corpus

    try:
        path = corpus.artifact("appimage-matrix/gzip-128K.AppImage")
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    with FileSource(path) as source:
        outcome = strip_elf(source, read_elf(source))
    assert (outcome.left, outcome.reason) == ("refused", "an AppImage finds its payload by its own length")
