"""Files that linkers make for the case: each way of linking, and what we say of it."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.formats.elf import ElfFile, read_elf
from inspector.formats.elf.byte_kinds import KINDS
from inspector.source import BytesSource, FileSource

LIBRARY = """
#include <stdio.h>
__thread int counter = 3;
static int table[] = {1, 2, 3};
int *pointers[] = {&table[0], &table[1], &table[2]};
int exported_function(void) { return puts("hello") + counter + *pointers[1]; }
int exported_value = 42;
__attribute__((weak)) int weak_function(void) { return 1; }
extern int undefined_weak(void) __attribute__((weak));
int uses_weak(void) { return undefined_weak ? undefined_weak() : 0; }
"""
PROGRAM = "int main(void) { return 0; }\n"


class Toolchain:
    """A C compiler and a directory to build in."""

    def __init__(self, directory: Path, compiler: str = "gcc") -> None:
        if shutil.which(compiler) is None:
            pytest.skip(f"{compiler} is not installed")
        self.compiler = compiler
        self.directory = directory

    def build(self, name: str, source: str, *options: str) -> Path:
        text = self.directory / f"{name}.c"
        text.write_text(source)
        output = self.directory / name
        command = [self.compiler, "-O1", "-o", output, text, *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(
                f"{self.compiler} {' '.join(options)} cannot build here: {done.stderr.strip().splitlines()[-1]}"
            )
        return output

    def library(self, name: str, *options: str, source: str = LIBRARY) -> Path:
        return self.build(name, source, "-shared", "-fPIC", *options)

    def run(self, *command: str | Path) -> None:
        if shutil.which(str(command[0])) is None:
            pytest.skip(f"{command[0]} is not installed")
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.directory)
        if done.returncode:
            pytest.skip(f"{command[0]} refuses: {done.stderr.strip()}")


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    return Toolchain(tmp_path)


def read(path: Path) -> ElfFile:
    with FileSource(path) as source:
        return read_elf(source)


def without_section_headers(path: Path) -> bytes:
    """The file as ``sstrip`` leaves its header: e_shoff, e_shnum and e_shstrndx 0."""
    content = bytearray(path.read_bytes())
    content[40:48] = bytes(8)
    content[60:64] = bytes(4)
    return bytes(content)


LINKERS = ["bfd", "gold", "lld", "mold"]


@pytest.mark.parametrize("linker", LINKERS)
@pytest.mark.parametrize("style", ["sysv", "gnu", "both"])
def test_symbols_are_found_by_either_hash_table(toolchain: Toolchain, linker: str, style: str) -> None:
    path = toolchain.library("libx.so", f"-fuse-ld={linker}", f"-Wl,--hash-style={style}")
    elf = read(path)
    assert elf.symbols.counted_by == ("DT_GNU_HASH" if style == "gnu" else "DT_HASH")
    assert {
        "exported_function",
        "exported_value",
        "weak_function",
        "counter",
        "uses_weak",
    } <= elf.symbols.exported_names()
    assert "puts" in elf.symbols.undefined_names()
    assert "undefined_weak" not in elf.symbols.undefined_names()
    imported = {symbol.name: symbol for symbol in elf.symbols.imported()}
    assert imported["undefined_weak"].weak
    assert imported["puts"].library == "libc.so.6"
    assert imported["puts"].version is not None
    exported = {symbol.name: symbol for symbol in elf.symbols.exported()}
    assert (exported["counter"].kind, exported["weak_function"].binding) == ("tls", "weak")
    assert (elf.tls is not None, elf.is_shared_library, elf.is_pie, elf.is_program) == (True, True, False, False)


@pytest.mark.parametrize("linker", LINKERS)
@pytest.mark.parametrize("style", ["sysv", "gnu"])
def test_without_section_headers_the_loaders_view_is_the_same(toolchain: Toolchain, linker: str, style: str) -> None:
    path = toolchain.library("libx.so", f"-fuse-ld={linker}", f"-Wl,--hash-style={style}", "-Wl,-soname,libx.so.1")
    content = without_section_headers(path)
    whole, stripped = read(path), read_elf(BytesSource(content))
    assert len(whole.sections) > 10
    assert len(stripped.sections) == 0
    assert stripped.defects == ()
    for name in (
        "soname",
        "needed",
        "verneed",
        "verdef",
        "build_id",
        "relocations",
        "segments",
        "relro",
        "gnu_stack",
        "notes",
    ):
        assert getattr(stripped, name) == getattr(whole, name), name
    assert list(stripped.symbols.exported()) == list(whole.symbols.exported())
    assert list(stripped.symbols.imported()) == list(whole.symbols.imported())
    assert stripped.official_appimage_offset is None
    kinds = stripped.byte_kinds()
    assert sum(kinds.values()) == len(content)
    assert min(kinds[kind] for kind in ("code", "data", "dynamic_linking", "relocations", "unwind", "headers")) > 0
    loaded = subprocess.run(["/usr/bin/true"], check=False, env={"LD_PRELOAD": str(path)}, capture_output=True)
    path.write_bytes(content)
    same = subprocess.run(["/usr/bin/true"], check=False, env={"LD_PRELOAD": str(path)}, capture_output=True)
    assert (loaded.returncode, loaded.stderr) == (same.returncode, same.stderr) == (0, b"")


@pytest.mark.parametrize("linker", LINKERS)
def test_a_program_that_defines_nothing_still_shows_what_it_needs(toolchain: Toolchain, linker: str) -> None:
    # Some linkers write an empty DT_GNU_HASH then, which says nothing of the imported symbols before it.
    path = toolchain.build(
        "program",
        '#include <stdio.h>\nint main(void) { return puts(""); }\n',
        f"-fuse-ld={linker}",
        "-Wl,--hash-style=gnu",
    )
    for elf in (read(path), read_elf(BytesSource(without_section_headers(path)))):
        assert "puts" in elf.symbols.undefined_names()
        assert elf.is_pie
        assert elf.is_program
        assert elf.interpreter == "/lib64/ld-linux-x86-64.so.2"
        assert not elf.is_static


def test_no_hash_table_at_all(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so", "-Wl,--hash-style=gnu")
    content = path.read_bytes()
    whole = read(path)
    tag = struct.pack("<q", 0x6FFFFEF5)
    at = content.index(tag, next(segment.offset for segment in whole.segments if segment.type == 2))
    content = content[:at] + struct.pack("<q", 0x6FFFFE00) + content[at + 8 :]
    elf = read_elf(BytesSource(content))
    assert elf.symbols.counted_by == "section header"
    assert list(elf.symbols.exported()) == list(whole.symbols.exported())
    elf = read_elf(BytesSource(content), load_sections=False)
    assert elf.symbols.counted_by == "next table"
    assert list(elf.symbols.exported()) == list(whole.symbols.exported())


@pytest.mark.parametrize(
    ("option", "rpath", "runpath"), [("--disable-new-dtags", True, False), ("--enable-new-dtags", False, True)]
)
def test_rpath_and_runpath(toolchain: Toolchain, option: str, rpath: bool, runpath: bool) -> None:
    value = "$ORIGIN/../lib:/opt/naïve"
    elf = read(toolchain.library("libx.so", f"-Wl,{option}", f"-Wl,-rpath,{value}", "-Wl,-z,origin"))
    assert elf.rpath == (value if rpath else None)
    assert elf.runpath == (value if runpath else None)
    assert elf.origin


def test_flags(toolchain: Toolchain) -> None:
    elf = read(toolchain.library(
        "libx.so", "-Wl,-z,nodefaultlib", "-Wl,-z,nodlopen", "-Wl,-z,nodelete", "-Wl,-z,interpose", "-Wl,-z,now", "-Wl,-z,relro", "-Wl,-Bsymbolic",
        "-ftls-model=initial-exec",
    ))  # fmt: skip
    assert (elf.nodeflib, elf.noopen, elf.nodelete, elf.interpose, elf.bind_now, elf.symbolic, elf.static_tls) == (
        True,
    ) * 7
    assert elf.relro == "full"
    plain = read(toolchain.library("liby.so", "-Wl,-z,lazy", "-Wl,-z,norelro"))
    assert (plain.nodeflib, plain.noopen, plain.bind_now, plain.relro) == (False, False, False, "none")
    assert read(toolchain.library("libz.so", "-Wl,-z,lazy", "-Wl,-z,relro")).relro == "partial"


def test_auxiliary_and_filter(toolchain: Toolchain) -> None:
    elf = read(
        toolchain.library(
            "libx.so", "-Wl,-f,libone.so", "-Wl,-f,libtwo.so", "-Wl,--audit,libaudit.so", "-Wl,--depaudit,libdep.so"
        )
    )
    assert elf.auxiliary == ("libone.so", "libtwo.so")
    assert elf.audit == ("libaudit.so",)
    assert elf.depaudit == ("libdep.so",)
    assert read(toolchain.library("liby.so", "-Wl,-F,libreal.so")).filter == ("libreal.so",)


@pytest.mark.parametrize("linker", ["bfd", "lld", "mold"])
def test_relr(toolchain: Toolchain, linker: str) -> None:
    source = (
        LIBRARY
        + "int *many[64] = {"
        + ", ".join(["&exported_value"] * 64)
        + "};\nstatic int *own[64] = {"
        + ", ".join(["table"] * 64)
    )
    source += "};\nint **get(void) { return own; }\n"
    option = "-Wl,--pack-dyn-relocs=relr" if linker == "lld" else "-Wl,-z,pack-relative-relocs"
    elf = read(toolchain.library("libx.so", f"-fuse-ld={linker}", option, source=source))
    assert elf.has_relr
    assert elf.relocations.relr_words >= 2
    if linker == "bfd":  # the others, in the versions of 2022, leave out the marker that makes old loaders refuse
        assert any(need.version == "GLIBC_ABI_DT_RELR" for need in elf.verneed)
    without = read(toolchain.library("liby.so", f"-fuse-ld={linker}", source=source))
    assert not without.has_relr
    if linker != "mold":  # mold 1.10 writes no DT_RELACOUNT
        assert without.relocations.relative >= 64
    assert without.relocations.total > elf.relocations.total


def test_executable_stack(toolchain: Toolchain) -> None:
    executable = read(toolchain.library("libx.so", "-Wl,-z,execstack"))
    assert (executable.gnu_stack, executable.stack_is_executable) == ("executable", True)
    plain = read(toolchain.library("liby.so", "-Wl,-z,noexecstack"))
    assert (plain.gnu_stack, plain.stack_is_executable) == ("not executable", False)
    content = bytearray((toolchain.directory / "liby.so").read_bytes())
    number = next(number for number, segment in enumerate(plain.segments) if segment.type == 0x6474E551)
    struct.pack_into("<I", content, 64 + 56 * number, 0)  # PT_NULL
    absent = read_elf(BytesSource(bytes(content)))
    assert (absent.gnu_stack, absent.stack_is_executable) == ("absent", True)  # glibc sysdeps/x86_64/stackinfo.h
    struct.pack_into("<H", content, 18, 183)
    assert not read_elf(BytesSource(bytes(content))).stack_is_executable  # aarch64: sysdeps/generic/stackinfo.h


def test_text_relocations_of_i386(toolchain: Toolchain) -> None:
    source = "extern int other(void);\nint f(void) { return other(); }\n"
    elf = read(toolchain.build("libx.so", source, "-m32", "-shared", "-fno-pic", "-Wl,-z,notext"))
    assert (elf.arch, elf.bits, elf.textrel) == ("i686", 32, True)
    assert not read(toolchain.build("liby.so", source, "-m32", "-shared", "-fPIC")).textrel


@pytest.mark.parametrize("linker", ["bfd", "lld", "mold"])
def test_version_definitions(toolchain: Toolchain, linker: str) -> None:
    script = toolchain.directory / "versions.map"
    script.write_text("VERS_1 { global: old; twice; local: *; };\nVERS_2 { global: new; twice; } VERS_1;\n")
    source = (
        "int old(void) { return 1; }\nint new(void) { return 2; }\nint twice_1(void) { return 1; }\nint twice_2(void) { return 2; }\n"
        '__asm__(".symver twice_1,twice@VERS_1");\n__asm__(".symver twice_2,twice@@VERS_2");\n'
    )
    path = toolchain.library(
        "libx.so", f"-fuse-ld={linker}", f"-Wl,--version-script={script}", "-Wl,-soname,libx.so.1", source=source
    )
    elf = read(path)
    assert [(row.name, row.is_base) for row in elf.verdef] == [
        ("libx.so.1", True),
        ("VERS_1", False),
        ("VERS_2", False),
    ]
    if linker == "bfd":
        assert elf.verdef[2].parents == ("VERS_1",)
    exported = {(s.name, s.version, s.default) for s in elf.symbols.exported() if s.kind == "function"}
    assert {
        ("old", "VERS_1", True),
        ("new", "VERS_2", True),
        ("twice", "VERS_1", False),
        ("twice", "VERS_2", True),
    } <= exported
    assert ("twice", "VERS_1") in elf.symbols.exported_versions()

    user = "int old(void);\nint new(void);\nint both(void) { return old() + new(); }\n"
    needing = read(
        toolchain.library("liby.so", f"-fuse-ld={linker}", f"-L{toolchain.directory}", "-l:libx.so", source=user)
    )
    by_version = {need.version: need for need in needing.verneed if need.library == "libx.so.1"}
    assert set(by_version) == {"VERS_1", "VERS_2"}
    assert needing.symbols.names_with_version(by_version["VERS_1"].index) == ["old"]
    assert needing.symbols.names_with_version(by_version["VERS_2"].index) == ["new"]
    assert needing.needed[0] == "libx.so.1"


def test_a_weak_version_need(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so")
    elf = read(path)
    need = elf.verneed[0]
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<IHH", need.hash, 0, need.index))
    struct.pack_into("<H", content, at + 4, 2)  # VER_FLG_WEAK
    assert not need.weak
    assert read_elf(BytesSource(bytes(content))).verneed[0].weak


def test_a_broken_version_chain_leaves_the_rest(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so")
    elf = read(path)
    need = elf.verneed[0]
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<IHH", need.hash, 0, need.index))
    struct.pack_into("<I", content, at - 16 + 12, 0x7FFFFFF0)  # vn_next
    broken = read_elf(BytesSource(bytes(content)))
    assert broken.defects == ("the table of needed versions is broken: it runs out of its bytes",)
    assert broken.verneed[0] == need
    assert broken.needed == elf.needed
    assert broken.symbols.exported_names() == elf.symbols.exported_names()


def test_static_programs(toolchain: Toolchain) -> None:
    static = read(toolchain.build("static", PROGRAM, "-static", "-no-pie"))
    assert (static.type, static.is_static, static.is_program, static.has_dynamic, static.interpreter) == (
        "EXEC",
        True,
        True,
        False,
        None,
    )
    assert static.loader_refusals == ()
    pie = read(toolchain.build("static-pie", PROGRAM, "-static-pie"))
    assert (pie.type, pie.is_static, pie.is_static_pie, pie.is_pie, pie.is_shared_library) == (
        "DYN",
        True,
        True,
        True,
        False,
    )
    fixed = read(toolchain.build("fixed", PROGRAM, "-no-pie"))
    assert (fixed.type, fixed.is_static, fixed.is_pie, fixed.is_program) == ("EXEC", False, False, True)


def test_pie_of_old_linkers_has_no_flag(toolchain: Toolchain) -> None:
    path = toolchain.build("program", PROGRAM, "-pie")
    content = bytearray(path.read_bytes())
    elf = read(path)
    start = next(segment.offset for segment in elf.segments if segment.type == 2)
    at = content.index(struct.pack("<QQ", 0x6FFFFFFB, elf.flags_1), start)
    struct.pack_into("<Q", content, at + 8, 0)
    assert read_elf(BytesSource(bytes(content))).is_pie


def test_object_file(toolchain: Toolchain) -> None:
    elf = read(toolchain.build("x.o", LIBRARY, "-c", "-g", "-fcf-protection=full"))
    assert (elf.type, elf.segments, elf.has_dynamic, elf.symbols.count) == ("REL", (), False, 0)
    kinds = elf.byte_kinds()
    assert min(kinds["code"], kinds["debug"], kinds["symbols"], kinds["relocations"]) > 0
    assert elf.loader_refusals[0] == "only ET_DYN and ET_EXEC can be loaded"
    assert elf.notes.features == ("ibt", "shstk")


@pytest.mark.parametrize("options", [("-shared", "-fPIC"), ("-static", "-no-pie"), ()])
@pytest.mark.parametrize("tool", ["objcopy", "eu-strip", "llvm-objcopy"])
def test_separate_debug_files(toolchain: Toolchain, tool: str, options: tuple[str, ...]) -> None:
    source = LIBRARY if "-shared" in options else PROGRAM
    path = toolchain.build("x", source, "-g", *options)
    debug = toolchain.directory / "x.debug"
    if tool == "eu-strip":
        toolchain.run("eu-strip", "-f", debug, "-o", toolchain.directory / "stripped", path)
    else:
        toolchain.run(tool, "--only-keep-debug", path, debug)
    elf = read(debug)
    assert elf.is_separate_debug
    assert not elf.has_dynamic
    assert not elf.is_program
    assert elf.build_id == read(path).build_id is not None
    assert elf.defects == ()
    assert sum(elf.byte_kinds().values()) == elf.size
    assert elf.byte_kinds()["debug"] > 0
    assert not read(path).is_separate_debug


def test_more_sections_than_the_header_can_count(toolchain: Toolchain) -> None:
    assembly = toolchain.directory / "many.s"
    with assembly.open("w") as text:
        for number in range(66_000):
            text.write(f'.section .s{number},"a"\n.byte 1\n')
    output = toolchain.directory / "many.o"
    toolchain.run("as", "-o", output, assembly)
    elf = read(output)
    assert (elf.header.shnum, elf.header.shstrndx) == (0, 0xFFFF)
    assert len(elf.sections) > 66_000
    assert elf.section(".s65999") is not None
    kinds = elf.byte_kinds()
    assert kinds["read_only_data"] == 66_000
    assert sum(kinds.values()) == elf.size
    assert elf.defects == ()


def test_extended_numbering_of_program_headers(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so")
    elf = read(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<H", content, 56, 0xFFFF)  # e_phnum = PN_XNUM
    struct.pack_into("<I", content, elf.header.shoff + 44, len(elf.segments))  # sh_info of section 0
    assert read_elf(BytesSource(bytes(content))).segments == elf.segments


def test_page_sizes(toolchain: Toolchain) -> None:
    small = read(toolchain.library("libx.so", "-Wl,-z,max-page-size=4096"))
    large = read(toolchain.library("liby.so", "-Wl,-z,max-page-size=65536"))
    assert small.largest_page_size == 4096
    assert large.largest_page_size >= 65536
    assert all(load.is_mappable_by_old_glibc(4096) for load in small.loads)
    assert not all(load.is_mappable_by_old_glibc(65536) for load in small.loads)


def test_payload_and_the_appimage_rule(toolchain: Toolchain) -> None:
    path = toolchain.build("runtime", PROGRAM, "-static")
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"hsqs" + bytes(10_000))
    elf = read(path)
    assert elf.image_end == elf.official_appimage_offset == size
    assert elf.byte_kinds()["payload"] == 10_004
    # a section that ends later than the one described last is not seen by the official rule
    content = bytearray(path.read_bytes())
    number = next(number for number, section in enumerate(elf.sections) if section.name == ".comment")
    struct.pack_into("<QQ", content, elf.header.shoff + 64 * number + 24, size, 5_000)
    moved = read_elf(BytesSource(bytes(content)))
    assert (moved.image_end, moved.official_appimage_offset) == (size + 5_000, size)


def test_dead_bytes(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so", "-g")
    elf = read(path)
    number, section = next((n, s) for n, s in enumerate(elf.sections) if s.name == ".debug_info")
    content = bytearray(path.read_bytes())
    content[elf.header.shoff + 64 * number : elf.header.shoff + 64 * number + 64] = bytes(64)  # SHT_NULL
    before, after = elf.byte_kinds(), read_elf(BytesSource(bytes(content))).byte_kinds()
    assert section.size <= after["dead"] - before["dead"] <= section.size + 16
    assert tuple(after) == KINDS


def test_json_notes(toolchain: Toolchain) -> None:
    libraries = [
        {"soname": ["libfoo.so.2", "libfoo.so.1"], "feature": "sound", "priority": "suggested"},
        {"feature": "nothing"},
    ]
    source = PROGRAM
    for name, kind, value in (
        (".note.dlopen", "0x407c0c0a", libraries),
        (".note.package", "0xcafe1a7e", {"type": "deb", "name": "foo"}),
    ):
        text = ",".join(map(str, json.dumps(value).encode() + b"\0"))
        source += (
            f'__asm__(".pushsection {name},\\"a\\",@note\\n.balign 4\\n.long 4, 2f-1f, {kind}\\n.byte 70,68,79,0\\n"'
            f'"1: .byte {text}\\n2: .balign 4\\n.popsection");\n'
        )
    notes = read(toolchain.build("program", source)).notes
    (note,) = notes.dlopen
    assert (note.sonames, note.feature, note.description, note.priority) == (
        ("libfoo.so.2", "libfoo.so.1"),
        "sound",
        None,
        "suggested",
    )
    assert notes.package == {"type": "deb", "name": "foo"}
    assert read(toolchain.directory / "program").defects == (".note.dlopen has an entry without sonames",)


def test_x86_isa_level(toolchain: Toolchain) -> None:
    for level in (2, 3, 4):
        elf = read(
            toolchain.library(
                f"lib{level}.so", f"-march=x86-64-v{level}", "-Wa,-mx86-used-note=yes", "-Wl,-z,x86-64-v" + str(level)
            )
        )
        assert elf.notes.x86_64_level == level
    assert (
        "ibt"
        in read(
            toolchain.library("libcet.so", "-fcf-protection=full", "-nostdlib", source="int f(void) { return 1; }\n")
        ).notes.features
    )


@pytest.mark.parametrize(
    "compiler", ["s390x-linux-gnu-gcc", "powerpc64-linux-gnu-gcc", "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc"]
)
@pytest.mark.parametrize("style", ["sysv", "gnu", "both"])
def test_foreign_libraries(tmp_path: Path, compiler: str, style: str) -> None:
    # DT_HASH has words of 8 bytes on s390x
    elf = read(Toolchain(tmp_path, compiler).library("libx.so", f"-Wl,--hash-style={style}"))
    assert (
        elf.arch
        == {"s390x": "s390x", "powerpc64": "ppc64", "aarch64": "aarch64", "arm": "armv7l"}[compiler.split("-")[0]]
    )
    assert elf.endian == ("big" if elf.arch in {"s390x", "ppc64"} else "little")
    assert {
        "exported_function",
        "exported_value",
        "weak_function",
        "counter",
        "uses_weak",
    } <= elf.symbols.exported_names()
    assert elf.symbols.counted_by == ("DT_GNU_HASH" if style == "gnu" else "DT_HASH")
    assert elf.defects == ()
    assert elf.loader_refusals == ()


def test_without_symbols_and_sections(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so", "-Wl,-soname,libx.so.1")
    whole = read(path)
    with FileSource(path) as source:
        elf = read_elf(source, load_symbols=False, load_sections=False)
    assert (elf.soname, elf.needed, elf.verneed) == (whole.soname, whole.needed, whole.verneed)
    assert (elf.symbols.is_loaded, elf.symbols.count, elf.symbols.raw_size, len(elf.sections)) == (False, 0, 0, 0)
    for ask in (
        lambda: list(elf.symbols.imported()),
        elf.symbols.exported_names,
        lambda: elf.symbols.names_with_version(2),
    ):
        with pytest.raises(ValueError, match="not read"):
            ask()
    assert not whole.without_symbols().symbols.is_loaded
    assert whole.without_symbols().needed == whole.needed


def refusal_of_ld_so(path: Path) -> str | None:
    """What the loader of this machine says to dlopen() in a process of its own."""
    if not Path("/lib64/ld-linux-x86-64.so.2").exists():
        pytest.skip("no glibc loader for x86_64 here")
    code = f"import ctypes\ntry:\n    ctypes.CDLL({str(path)!r})\nexcept OSError as error:\n    print(error)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix(f"{path}: ") or None


@pytest.mark.parametrize(
    ("offset", "value"),
    [(6, b"\2"), (7, b"\x09"), (7, b"\3"), (8, b"\x41"), (10, b"\2"), (16, b"\1\0"), (20, b"\2"), (54, b"\x40\0")],
)
def test_refusals_are_those_of_the_real_loader(toolchain: Toolchain, offset: int, value: bytes) -> None:
    path = toolchain.library("libx.so")
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)
    refusals = read(path).loader_refusals
    assert (refusals[0] if refusals else None) == refusal_of_ld_so(path)


def test_refusals_of_segments_are_those_of_the_real_loader(toolchain: Toolchain) -> None:
    path = toolchain.library("libx.so")
    original = path.read_bytes()
    loads = [number for number, segment in enumerate(read(path).segments) if segment.type == 1]
    cases = []
    for number in loads:
        shifted = bytearray(original)
        struct.pack_into("<Q", shifted, 64 + 56 * number + 8, read(path).segments[number].offset + 16)
        cases.append(bytes(shifted))
    empty = bytearray(original)
    for number in loads:
        struct.pack_into("<I", empty, 64 + 56 * number, 0)
    cases.append(bytes(empty))
    for content in cases:
        path.write_bytes(content)
        assert read(path).loader_refusals[0] == refusal_of_ld_so(path)
