"""Tiny libraries and programs for the rules of musl's loader (ldso/dynlink.c), numbered like the statements M1 to M11.

M9 (DT_RELR unknown up to 1.2.3) needs no case: real wheels crash.  That musl looks at no magic number has none, as no reader calls such a
file ELF.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from corpus.truth.asking import MUSL_LOADER
from corpus.truth.rule_cases import NEW, OLD, Case, build_all, patch, program_headers, with_origin


def make(root: Path) -> None:
    """Build every case below ``root`` and write the questions."""
    build_all(root, CASES, MUSL_LOADER)


def _own_names(case: Case) -> None:  # M1
    names = (
        "libc.so.6",
        "libm.so.6",
        "libpthread.so.0",
        "libdl.so.2",
        "librt.so.1",
        "libutil.so.1",
        "libxnet.so",
        "libc.so",
        "libc.musl-x86_64.so.1",
    )
    for name in (
        *names,
        "libresolv.so.2",
        "libcrypt.so.1",
        "libnsl.so.1",
        "ld-linux-x86-64.so.2",
        "libcrypto.so.3",
        "libmath.so",
    ):
        case.library(f"lib/{name}")
        case.program(f"bin/{name}", needs=(f"lib/{name}",))  # without a search path: only musl itself can be meant


def _names(case: Case) -> None:  # M2: the name that was searched for counts, a SONAME never
    case.library("one/libshared.so.1")
    case.library("two/libshared.so.1")
    case.library("lib/liba.so.1", *with_origin("$ORIGIN/../two"), needs=("two/libshared.so.1",))
    case.program(
        "bin/app", *with_origin("$ORIGIN/../one:$ORIGIN/../lib"), needs=("one/libshared.so.1", "lib/liba.so.1")
    )
    case.library("lib/libfile.so.1", soname="libname.so.1")
    case.library("lib/libuser.so.1", needs=("lib/libfile.so.1",))
    case.program("bin/soname", *with_origin("$ORIGIN/../lib"), needs=("lib/libuser.so.1",))
    case.library("lib/libpath.so.1", soname=f"/bundle/{case.name}/lib/libpath.so.1")
    case.program("bin/path", needs=("lib/libpath.so.1",))
    case.library("lib/libgone.so.1", soname="/nowhere/libgone.so.1")
    case.program("bin/gone", *with_origin("$ORIGIN/../lib"), needs=("lib/libgone.so.1",))


def _inheritance(case: Case) -> None:  # M3
    case.library("deep/libb.so.1")
    case.library("lib/liba.so.1", needs=("deep/libb.so.1",))
    case.library("run/liba.so.1", *with_origin("/nowhere"), needs=("deep/libb.so.1",))
    for name, tags in (("old", OLD), ("new", NEW)):
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../lib:$ORIGIN/../deep", tags), needs=("lib/liba.so.1",))
        case.program(f"bin/own-{name}", *with_origin("$ORIGIN/../run:$ORIGIN/../deep", tags), needs=("run/liba.so.1",))


def _tokens(case: Case) -> None:  # M4
    case.library("lib/liba.so.1")
    paths = {
        "braces": "${ORIGIN}/../lib",
        "library": "$ORIGIN/../lib:/$LIB",
        "unknown": "$NOTHING:$ORIGIN/../lib",
        "longer": "$ORIGINS/../lib:$ORIGIN/../lib",
        "newline": "/nowhere\n$ORIGIN/../lib",
        "semicolon": "/nowhere;$ORIGIN/../lib",
        "empty": ":$ORIGIN/../lib",
        "relative": f"bundle/{case.name}/lib",
        "double": "$ORIGIN/../lib/$ORIGIN:$ORIGIN/../lib",
    }
    for name, path in paths.items():
        case.program(f"bin/{name}", *with_origin(path), needs=("lib/liba.so.1",))


def _no_directories_of_its_own(case: Case) -> None:  # M5
    for place in ("glibc-hwcaps/x86-64-v2", "tls", "x86_64"):
        name = f"lib{place.replace('/', '-')}.so.1"
        case.library(f"lib/{place}/{name}")
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../lib"), needs=(f"lib/{place}/{name}",))
    case.library("lib/liba.so.1", "-Wl,-z,nodefaultlib")
    case.program("bin/app", *with_origin("$ORIGIN/../lib"), needs=("lib/liba.so.1",))


def _files_in_the_way(case: Case) -> None:  # M6
    changes: dict[str, Callable[[Path], None]] = {
        "machine": lambda path: patch(path, 18, struct.pack("<H", 183)),
        "class": lambda path: patch(path, 4, b"\1"),
        "osabi": lambda path: patch(path, 7, b"\x09"),
        "text": _write_text,
        "type": lambda path: patch(path, 16, struct.pack("<H", 1)),
        "short": lambda path: _keep(path, 40),
        "empty": lambda path: _keep(path, 0),
        "page": lambda path: _keep(path, 4096),
    }
    for name, change in changes.items():
        case.library(f"good/lib{name}.so.1")
        change(case.library(f"bad/lib{name}.so.1"))
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../bad:$ORIGIN/../good"), needs=(f"good/lib{name}.so.1",))
    for name in ("directory", "loop"):
        case.library(f"good/lib{name}.so.1")
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../bad:$ORIGIN/../good"), needs=(f"good/lib{name}.so.1",))
    bad = case.root / case.name / "bad"
    (bad / "libdirectory.so.1").mkdir()
    (bad / "libloop.so.1").symlink_to("libloop.so.1")


def _write_text(path: Path) -> None:
    path.write_text("INPUT(-lnothing)\n" * 8, encoding="ascii")


def _keep(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:count])


def _versions(case: Case) -> None:  # M7
    script = case.root / case.name / "versions.map"
    script.parent.mkdir(parents=True, exist_ok=True)
    both = "int one(void) { return 1; } int two(void) { return 2; }"
    uses = "int one(void); int two(void); int three(void) { return one() + two(); }"
    for place, versions, source in (
        ("full", "V_1 { one; }; V_2 { two; } V_1;", both),
        ("lacking", "V_1 { one; };", "int one(void) { return 1; }"),
        ("other", "W_1 { one; two; };", both),
        ("old", "V_1 { one; two; };", f'{both} __asm__(".symver two,two@V_1");'),
    ):
        script.write_text(versions, encoding="ascii")
        case.library(f"{place}/libv.so.1", f"-Wl,--version-script={script}", source=source)
        case.library(f"{place}/libuser.so.1", *with_origin("$ORIGIN"), source=uses, needs=("full/libv.so.1",))
        case.program(f"bin/{place}", *with_origin(f"$ORIGIN/../{place}"), needs=(f"{place}/libuser.so.1",))
    script.unlink()


def _symbols(case: Case) -> None:  # M8
    case.library("lib/libfunction.so.1", source="int nowhere(void); int here(void) { return nowhere(); }")
    case.library("lib/libdata.so.1", source="extern int nowhere_data; int here(void) { return nowhere_data; }")
    case.library(
        "lib/libweakref.so.1",
        source="int nowhere(void) __attribute__((weak)); int here(void) { return nowhere ? nowhere() : 0; }",
    )
    case.library(
        "lib/libgnu.so.1",
        source="int gnu_get_libc_version(void); int here(void) { return gnu_get_libc_version(); }",
    )
    case.library(
        "lib/libmalloc.so.1",
        source="void *malloc(long); int fopen64(void); void *here(void) { return malloc(fopen64()); }",
    )
    for name in ("function", "data", "weakref", "gnu", "malloc"):
        case.program(f"bin/{name}", *with_origin("$ORIGIN/../lib"), needs=(f"lib/lib{name}.so.1",))


def _stack(case: Case) -> None:  # M10
    case.library("lib/libstack.so.1", "-Wl,-z,execstack")
    case.program("bin/app", *with_origin("$ORIGIN/../lib"), needs=("lib/libstack.so.1",))
    path = case.library("lib/libalign.so.1")
    for kind, offset in program_headers(path):
        if kind == 1:  # PT_LOAD
            patch(path, offset + 48, struct.pack("<Q", 0x1001))
    case.program("bin/align", *with_origin("$ORIGIN/../lib"), needs=("lib/libalign.so.1",))


CASES: dict[str, Callable[[Case], None]] = {
    "m01-own-names": _own_names,
    "m02-names": _names,
    "m03-inheritance": _inheritance,
    "m04-tokens": _tokens,
    "m05-no-directories-of-its-own": _no_directories_of_its_own,
    "m06-files-in-the-way": _files_in_the_way,
    "m07-versions": _versions,
    "m08-symbols": _symbols,
    "m10-stack": _stack,
}
