"""Tiny libraries and programs, one small directory for each rule of the loader that real bundles seldom reach.

All are linked without a C library, so that every release can load them; numbers are those of the statements of the loader's rules that
``tests/loader`` uses too.  The questions that they stand for lie beside them in ``questions.txt``: object and program, a line each.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corpus.programs import require, run
from corpus.truth.probes import SOURCES as PROBES

QUESTIONS = "questions.txt"

OLD = "-Wl,--disable-new-dtags"
NEW = "-Wl,--enable-new-dtags"
_PT_LOAD, _PT_DYNAMIC, _PT_NOTE = 1, 2, 4


@dataclass
class Case:
    """One directory in the making, and what is asked about it."""

    root: Path
    name: str
    loader: str | None = None
    questions: list[tuple[str, str]] = field(default_factory=list)
    symbols: int = 0

    def library(
        self,
        path: str,
        *options: str,
        needs: tuple[str, ...] = (),
        soname: str | None = None,
        source: str | None = None,
    ) -> Path:
        """Link a library; ``needs`` are libraries of the case."""
        self.symbols += 1
        text = source or f"int symbol_{self.symbols}(void) {{ return {self.symbols}; }}"
        name = Path(path).name if soname is None else soname
        return self._link(path, text, ("-shared", "-fPIC", f"-Wl,-soname,{name}", *options), needs)

    def program(self, path: str = "bin/app", *options: str, needs: tuple[str, ...] = (), source: str = "") -> Path:
        """Link a program, and ask whether it starts."""
        self.questions.append((path, path))
        start = (PROBES / "program.c").read_text(encoding="utf-8")
        return self._link(path, f"{start}\n{source}", ("-fPIE", "-pie", *options), needs)

    def opens(self, path: str, program: str = "bin/app") -> None:
        """Ask whether a program can open a library."""
        self.questions.append((path, program))

    def _link(self, path: str, source: str, options: tuple[str, ...], needs: tuple[str, ...]) -> Path:
        target = self.root / self.name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = target.with_suffix(".c")
        text.write_text(source + "\n", encoding="ascii")
        interpreter = [] if self.loader is None else [f"-Wl,--dynamic-linker={self.loader}"]
        basic = [*interpreter, "-nostdlib", "-nostartfiles", "-O1", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"]
        needed = [need if need.startswith("-") else self.root / self.name / need for need in needs]
        run(["gcc", *basic, *options, "-o", target, text, *needed])
        text.unlink()
        return target


def make(root: Path) -> None:
    """Build every case for glibc below ``root`` and write the questions."""
    build_all(root, CASES, None)


def build_all(root: Path, cases: Mapping[str, Callable[[Case], None]], loader: str | None) -> None:
    """Build cases below ``root`` and write the questions.

    :param loader: what the programs name as their interpreter, or None for the compiler's own.
    """
    require(["gcc", "patchelf", "objcopy"])
    root.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for name, build in cases.items():
        case = Case(root, name, loader)
        build(case)
        lines += [f"{name}/{path} {name}/{program}" for path, program in case.questions]
    (root / QUESTIONS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def patch(path: Path, offset: int, value: bytes) -> None:
    """Overwrite bytes of a file."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)


def _replace(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def program_headers(path: Path) -> list[tuple[int, int]]:
    """(type, offset of the header) of each program header of a 64-bit little-endian file (gABI, chapter 5)."""
    content = path.read_bytes()
    start, size, count = struct.unpack_from("<Q", content, 32)[0], *struct.unpack_from("<HH", content, 54)
    return [
        (struct.unpack_from("<I", content, start + number * size)[0], start + number * size) for number in range(count)
    ]


def with_origin(directory: str, tags: str = NEW) -> tuple[str, ...]:
    """Link options for a search path."""
    return (tags, f"-Wl,-rpath,{directory}")


def _paths_in_needed(case: Case) -> None:  # G1
    case.library("lib/liba.so.1", soname=f"/bundle/{case.name}/lib/liba.so.1")
    case.program("bin/there", needs=("lib/liba.so.1",))
    case.library("lib/libgone.so.1", soname="/nowhere/libgone.so.1")
    case.program("bin/app", *with_origin("$ORIGIN/../lib"), needs=("lib/libgone.so.1",))
    case.library("lib/liborigin.so.1", soname="$ORIGIN/../lib/liborigin.so.1")
    case.program("bin/origin", needs=("lib/liborigin.so.1",))
    case.library("lib/libcolon.so.1", soname="/nowhere:/bundle/libcolon.so.1")
    case.program("bin/colon", needs=("lib/libcolon.so.1",))


def _already_loaded(case: Case) -> None:  # G2
    case.library("one/libshared.so.1")
    case.library("two/libshared.so.1")
    case.library("lib/liba.so.1", *with_origin("$ORIGIN/../two"), needs=("two/libshared.so.1",))
    case.program(
        "bin/app", *with_origin("$ORIGIN/../one:$ORIGIN/../lib"), needs=("one/libshared.so.1", "lib/liba.so.1")
    )
    case.program("bin/other", *with_origin("$ORIGIN/../lib:$ORIGIN/../one"), needs=("lib/liba.so.1",))
    case.opens("one/libshared.so.1", "bin/other")


def _renamed_soname(case: Case) -> None:  # G2: a file under another name than its SONAME
    case.library("lib/libalias.so.1")
    (case.root / case.name / "lib/libplain.so").symlink_to("libalias.so.1")
    case.library("lib/liba.so.1", *with_origin("$ORIGIN"), needs=("lib/libalias.so.1",))
    target = case.program("bin/app", *with_origin("$ORIGIN/../lib"), needs=("lib/libalias.so.1", "lib/liba.so.1"))
    run(["patchelf", "--replace-needed", "libalias.so.1", "libplain.so", target])


def _inheritance(case: Case) -> None:  # G3, G4, G5
    case.library("deep/libb.so.1")
    case.library("lib/liba.so.1", needs=("deep/libb.so.1",))
    for name, tags in (("old", OLD), ("new", NEW)):
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../lib:$ORIGIN/../deep", tags), needs=("lib/liba.so.1",))
        case.program(f"bin/bare-{name}", *with_origin("$ORIGIN/../deep", tags))
        case.opens("lib/liba.so.1", f"bin/bare-{name}")
    case.library("run/liba.so.1", *with_origin("/nowhere"), needs=("deep/libb.so.1",))
    case.program("bin/shut-out", *with_origin("$ORIGIN/../run:$ORIGIN/../deep", OLD), needs=("run/liba.so.1",))
    case.opens("run/liba.so.1", "bin/bare-old")
    case.library("chain/libc3.so.1", needs=("lib/liba.so.1",), soname="libc3.so.1")
    case.library(
        "top/libtop.so.1",
        *with_origin("$ORIGIN/../chain:$ORIGIN/../lib:$ORIGIN/../deep", OLD),
        needs=("chain/libc3.so.1",),
    )
    case.opens("top/libtop.so.1", "bin/bare-new")
    case.program("bin/through", *with_origin("$ORIGIN/../top"), needs=("top/libtop.so.1",))


def _no_default_directories(case: Case) -> None:  # G6
    case.library("lib/liba.so.1", "-Wl,-z,nodefaultlib", needs=("-l:libdl.so.2",))
    case.program("bin/app", *with_origin("$ORIGIN/../lib"), needs=("lib/liba.so.1",))
    case.program("bin/strict", "-Wl,-z,nodefaultlib", needs=("-l:libdl.so.2",))


def _tokens(case: Case) -> None:  # G7
    places = {
        "braces": ("${ORIGIN}/../lib", "lib"),
        "lib": ("$ORIGIN/../$LIB", "lib/x86_64-linux-gnu"),
        "lib64": ("$ORIGIN/../tree/$LIB", "tree/lib64"),
        "plain-lib": ("$ORIGIN/../other/${LIB}", "other/lib"),
        "platform": ("$ORIGIN/../platform/$PLATFORM", "platform/x86_64"),
        "haswell": ("$ORIGIN/../platforms/$PLATFORM", "platforms/haswell"),
        "longer": ("$ORIGINS/../lib", "lib"),
        "digit": ("$ORIGIN2/../lib", "lib"),
        "unknown": ("$ORIGIN/$NOTHING/../../lib", "lib"),
        "middle": ("/bundle/$ORIGIN/../lib", "lib"),
    }
    for name, (runpath, directory) in places.items():
        case.library(f"{directory}/lib{name}.so.1")
        case.program(f"bin/{name}", *with_origin(runpath), needs=(f"{directory}/lib{name}.so.1",))


def _elements(case: Case) -> None:  # G8: the current directory is / when the harness asks
    case.library("lib/liba.so.1")
    for name, runpath in (
        ("empty", ""), ("relative", f"bundle/{case.name}/lib"), ("semicolon", "/nowhere;$ORIGIN/../lib"),
        ("double", "/nowhere::$ORIGIN/../lib/"), ("slashes", "$ORIGIN/..//lib///"), ("missing", "$ORIGIN/../gone/../lib"),
    ):  # fmt: skip
        case.program(f"bin/{name}", *with_origin(runpath), needs=("lib/liba.so.1",))


def _hardware_directories(case: Case) -> None:  # G10, G11
    for name, place in (
        ("v2", "glibc-hwcaps/x86-64-v2"), ("v3", "glibc-hwcaps/x86-64-v3"), ("v4", "glibc-hwcaps/x86-64-v4"), ("v1", "glibc-hwcaps/x86-64-v1"),
        ("tls", "tls"), ("haswell", "haswell"), ("x86_64", "x86_64"), ("both", "tls/x86_64"), ("avx512", "haswell/avx512_1"),
    ):  # fmt: skip
        case.library(f"lib/{place}/lib{name}.so.1")
        case.program(f"bin/only-{name}", *with_origin("$ORIGIN/../lib"), needs=(f"lib/{place}/lib{name}.so.1",))
        case.library(f"two/{place}/lib{name}.so.1")
        case.library(f"two/lib{name}.so.1")
        case.program(f"bin/with-{name}", *with_origin("$ORIGIN/../two", OLD), needs=(f"two/lib{name}.so.1",))


def _files_in_the_way(case: Case) -> None:  # G12
    changes: dict[str, Callable[[Path], None]] = {
        "machine": lambda path: patch(path, 18, struct.pack("<H", 183)),
        "class": lambda path: patch(path, 4, b"\1"),
        "endian": lambda path: patch(path, 5, b"\2"),
        "osabi": lambda path: patch(path, 7, b"\x09"),
        "osabi-linux": lambda path: patch(path, 7, b"\x03"),
        "abiversion": lambda path: patch(path, 8, b"\x09"),
        "ident-version": lambda path: patch(path, 6, b"\2"),
        "version": lambda path: patch(path, 20, struct.pack("<I", 2)),
        "padding": lambda path: patch(path, 12, b"\1"),
        "magic": lambda path: patch(path, 0, b"\x7fELG"),
        "type": lambda path: patch(path, 16, struct.pack("<H", 1)),
        "phentsize": lambda path: patch(path, 54, struct.pack("<H", 32)),
        "text": lambda path: _replace(path, b"INPUT(-lnothing)\n" * 8),
        "short": lambda path: _replace(path, path.read_bytes()[:40]),
        "empty": lambda path: _replace(path, b""),
        "half": lambda path: _replace(path, path.read_bytes()[: path.stat().st_size // 3]),
    }
    for name, change in changes.items():
        case.library(f"good/lib{name}.so.1")
        change(case.library(f"bad/lib{name}.so.1"))
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../bad:$ORIGIN/../good"), needs=(f"good/lib{name}.so.1",))
        case.program(f"bin/only-{name}", *with_origin("$ORIGIN/../bad"), needs=(f"good/lib{name}.so.1",))
    case.library("good/libdirectory.so.1")
    (case.root / case.name / "bad/libdirectory.so.1").mkdir()
    case.program("bin/directory", *with_origin("$ORIGIN/../bad:$ORIGIN/../good"), needs=("good/libdirectory.so.1",))
    case.library("good/libloop.so.1")
    (case.root / case.name / "bad/libloop.so.1").symlink_to("libloop.so.1")
    case.program("bin/loop", *with_origin("$ORIGIN/../bad:$ORIGIN/../good"), needs=("good/libloop.so.1",))


def _programs_as_libraries(case: Case) -> None:  # G13
    case.program("bin/app")
    case.program("bin/other-pie", "-Wl,-soname,other-pie")
    case.opens("bin/other-pie")
    case.library("lib/liba.so.1")
    case.program("bin/fixed", "-no-pie", "-fno-pie", *with_origin("$ORIGIN/../lib"), needs=("lib/liba.so.1",))
    case.opens("bin/fixed")
    for name in ("other-pie", "fixed"):  # the linker itself refuses programs as libraries
        program = case.program(f"bin/needs-{name}", *with_origin("$ORIGIN:$ORIGIN/../lib"), needs=("lib/liba.so.1",))
        run(["patchelf", "--replace-needed", "liba.so.1", name, program])
    case.library("lib/libnoopen.so.1", "-Wl,-z,nodlopen")
    case.opens("lib/libnoopen.so.1")
    case.program("bin/needs-noopen", *with_origin("$ORIGIN/../lib"), needs=("lib/libnoopen.so.1",))


def _alignment(case: Case) -> None:  # G14
    case.program("bin/app")
    for name, align in (
        ("align-1k", 0x400),
        ("align-16k", 0x4000),
        ("align-64k", 0x10000),
        ("align-2m", 0x200000),
        ("align-odd", 0x1001),
    ):
        path = case.library(f"lib/lib{name}.so.1")
        for kind, offset in program_headers(path):
            if kind == _PT_LOAD:
                patch(path, offset + 48, struct.pack("<Q", align))  # p_align
        case.opens(f"lib/lib{name}.so.1")
    path = case.library("lib/libpage-1k.so.1", "-Wl,-z,max-page-size=1024", "-Wl,-z,common-page-size=1024")
    case.opens("lib/libpage-1k.so.1")


def _no_dynamic_section(case: Case) -> None:  # G16
    case.program("bin/app")
    for name, kind in (("no-dynamic", _PT_DYNAMIC), ("no-load", _PT_LOAD)):
        path = case.library(f"lib/lib{name}.so.1")
        for found, offset in program_headers(path):
            if found == kind:
                patch(path, offset, struct.pack("<I", 0))  # PT_NULL
        case.opens(f"lib/lib{name}.so.1")
    case.library("lib/libdebug.so.1")
    run(["objcopy", "--only-keep-debug", case.root / case.name / "lib/libdebug.so.1"])
    case.opens("lib/libdebug.so.1")


def _executable_stack(case: Case) -> None:  # G17
    case.program("bin/app")
    case.library("lib/libstack.so.1", "-Wl,-z,execstack")
    case.opens("lib/libstack.so.1")
    case.program("bin/linked", *with_origin("$ORIGIN/../lib"), needs=("lib/libstack.so.1",))
    case.program("bin/itself", "-Wl,-z,execstack")
    case.opens("lib/libstack.so.1", "bin/itself")
    case.library("lib/libbehind.so.1", *with_origin("$ORIGIN"), needs=("lib/libstack.so.1",))
    case.opens("lib/libbehind.so.1")
    case.opens("lib/libstack.so.1", "bin/linked")
    path = case.library("lib/libabsent.so.1")
    for kind, offset in program_headers(path):
        if kind == 0x6474E551:  # PT_GNU_STACK
            patch(path, offset, struct.pack("<I", 0))
    case.opens("lib/libabsent.so.1")


def _versions(case: Case) -> None:  # G19, G20
    root = case.root / case.name
    script = root / "versions.map"
    script.parent.mkdir(parents=True, exist_ok=True)
    both = "int one(void) { return 1; } int two(void) { return 2; }"

    def provider(path: str, versions: str, source: str = both, *options: str, needs: tuple[str, ...] = ()) -> None:
        script.write_text(versions, encoding="ascii")
        case.library(path, f"-Wl,--version-script={script}", *options, source=source, needs=needs)

    uses = "int one(void); int two(void); int three(void) { return one() + two(); }"
    provider("full/libv.so.1", "V_1 { one; }; V_2 { two; } V_1;")
    case.library("lib/libuser.so.1", *with_origin("$ORIGIN/../place"), source=uses, needs=("full/libv.so.1",))
    provider("lacking/libv.so.1", "V_1 { one; };", "int one(void) { return 1; }")
    provider("moved/libv.so.1", "V_1 { one; two; }; V_2 { } V_1;")
    provider("other/libv.so.1", "W_1 { one; two; };")
    case.library("plain/libv.so.1", source=both)
    provider("versym/libbase.so.1", "Z_1 { z; };", "int z(void) { return 0; }")
    calls = (
        f"{both} int z(void); int y(void) {{ return z(); }}"  # needs a version, so it has a DT_VERSYM, and defines none
    )
    case.library("versym/libv.so.1", *with_origin("$ORIGIN"), source=calls, needs=("versym/libbase.so.1",))
    for place in ("full", "lacking", "moved", "other", "plain", "versym"):
        user = case.library(
            f"{place}/libuser-{place}.so.1", *with_origin("$ORIGIN"), source=uses, needs=("full/libv.so.1",)
        )
        case.program(f"bin/{place}", *with_origin(f"$ORIGIN/../{place}"), needs=(f"{place}/{user.name}",))
    weak = case.library("lacking/libweak.so.1", *with_origin("$ORIGIN"), source=uses, needs=("full/libv.so.1",))
    _make_version_needs_weak(weak)
    case.program("bin/weak", *with_origin("$ORIGIN/../lacking"), needs=("lacking/libweak.so.1",))
    removed = case.library("full/libremoved.so.1", *with_origin("$ORIGIN"), source=uses, needs=("full/libv.so.1",))
    case.program("bin/removed", *with_origin("$ORIGIN/../full"), needs=("full/libremoved.so.1",))
    run(["patchelf", "--remove-needed", "libv.so.1", removed])
    case.opens("full/libremoved.so.1", "bin/full")
    script.unlink()


def _make_version_needs_weak(path: Path) -> None:
    """Set VER_FLG_WEAK (0x2) in every Vernaux whose version is V_1 or V_2 (LSB, "Symbol Versioning")."""
    content = bytearray(path.read_bytes())
    for name in (b"V_1", b"V_2"):
        value = 0
        for byte in name:
            value = (value << 4) + byte
        at = content.find(struct.pack("<IH", value, 0))
        while at != -1:
            content[at + 4 : at + 6] = struct.pack("<H", 2)
            at = content.find(struct.pack("<IH", value, 0), at + 6)
    path.write_bytes(content)


def _relative_relocations(case: Case) -> None:  # G21
    source = "int value; int *table[64] = {" + ", ".join("&value" for _ in range(64)) + "};"
    local = "static int value; int *table[64] = {" + ", ".join("&value" for _ in range(64)) + "};"
    # A loader that leaves the relocations out calls an initialiser at an address where nothing is.
    local += " __attribute__((constructor)) static void use(void) { *table[7] = 1; }"
    case.program("bin/app")
    case.library("lib/librelr.so.1", "-Wl,-z,pack-relative-relocs", source=local)
    case.opens("lib/librelr.so.1")
    libc = f"{local} int getpid(void); int process(void) {{ return getpid(); }}"
    case.library("lib/libmarked.so.1", "-Wl,-z,pack-relative-relocs", source=libc, needs=("-lc",))
    case.opens("lib/libmarked.so.1")
    path = case.library("lib/libunmarked.so.1", "-Wl,-z,pack-relative-relocs", source=libc, needs=("-lc",))
    old, new = b"GLIBC_ABI_DT_RELR", b"GLIBC_2.2.5"
    content = path.read_bytes().replace(old + b"\0", new + b"\0" * (len(old) - len(new) + 1))
    path.write_bytes(content.replace(struct.pack("<I", _elf_hash(old)), struct.pack("<I", _elf_hash(new))))
    case.opens("lib/libunmarked.so.1")
    case.library("lib/libplain.so.1", source=source)
    case.opens("lib/libplain.so.1")


def _private_version(case: Case) -> None:  # G23
    case.program("bin/app")
    source = "int __libc_fork_nowhere(void); extern int __libc_enable_secure; int *secure(void) { return &__libc_enable_secure; }"
    case.library("lib/libprivate.so.1", source=source, needs=("-l:ld-linux-x86-64.so.2",))
    case.opens("lib/libprivate.so.1")


def _symbols(case: Case) -> None:  # G24
    case.program("bin/app")
    case.library("lib/libfunction.so.1", source="int nowhere(void); int here(void) { return nowhere(); }")
    case.library("lib/libdata.so.1", source="extern int nowhere_data; int here(void) { return nowhere_data; }")
    case.library(
        "lib/libweakref.so.1",
        source="int nowhere(void) __attribute__((weak)); int here(void) { return nowhere ? nowhere() : 0; }",
    )
    case.library(
        "lib/libhidden.so.1",
        source='int __attribute__((visibility("hidden"))) inner(void) { return 1; } int outer(void) { return inner(); }',
    )
    case.library(
        "lib/libneedshidden.so.1",
        *with_origin("$ORIGIN"),
        source="int inner(void); int here(void) { return inner(); }",
        needs=("lib/libhidden.so.1",),
    )
    for name in ("function", "data", "weakref", "needshidden"):
        case.opens(f"lib/lib{name}.so.1")
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../lib"), needs=(f"lib/lib{name}.so.1",))
    case.program("bin/provides", "-rdynamic", source="int nowhere(void) { return 1; }")
    case.opens("lib/libfunction.so.1", "bin/provides")


def _instruction_sets(case: Case) -> None:  # G25
    case.program("bin/app")
    for level in ("baseline", "v2", "v3", "v4"):
        case.library(f"lib/lib{level}.so.1", f"-Wl,-z,x86-64-{level}")
        case.opens(f"lib/lib{level}.so.1")
        case.program(f"bin/{level}", f"-Wl,-z,x86-64-{level}")


def _elf_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value & 0xFFFFFFFF


CASES: dict[str, Callable[[Case], None]] = {
    "g01-paths-in-needed": _paths_in_needed,
    "g02-already-loaded": _already_loaded,
    "g02-renamed": _renamed_soname,
    "g03-inheritance": _inheritance,
    "g06-no-default-directories": _no_default_directories,
    "g07-tokens": _tokens,
    "g08-elements": _elements,
    "g10-hardware-directories": _hardware_directories,
    "g12-files-in-the-way": _files_in_the_way,
    "g13-programs-as-libraries": _programs_as_libraries,
    "g14-alignment": _alignment,
    "g16-no-dynamic-section": _no_dynamic_section,
    "g17-executable-stack": _executable_stack,
    "g20-versions": _versions,
    "g21-relative-relocations": _relative_relocations,
    "g23-private-version": _private_version,
    "g24-symbols": _symbols,
    "g25-instruction-sets": _instruction_sets,
}
