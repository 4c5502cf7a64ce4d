"""Root file systems: their own loader starts their programs, and what it searches by default is found."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from inspector import audit
from tests.elf_builder import TinyElf
from tests.package_builder import deb, directory, link, tar

LOADER = "/lib64/ld-linux-x86-64.so.2"
PROGRAM = TinyElf(
    program=True,
    interpreter=LOADER,
    needed=("libown.so.1", "libset.so.1", "libc.so.6"),
    imports=(("f", "libc.so.6", "GLIBC_2.99"),),
).build()


def library(soname: str) -> bytes:
    return TinyElf(soname=soname, exports=(("f", "GLIBC_2.99"),) if soname == "libc.so.6" else ()).build()


MEMBERS = [
    directory("usr"), directory("usr/lib"), directory("usr/lib64"), directory("etc"), link("lib", "usr/lib"), link("lib64", "usr/lib64"),
    ("usr/bin/program", PROGRAM), ("usr/lib/x86_64-linux-gnu/libown.so.1", library("libown.so.1")),
    ("opt/set/libset.so.1", library("libset.so.1")), ("etc/ld.so.conf", b"include ld.so.conf.d/*.conf  # all\n"),
    ("etc/ld.so.conf.d/set.conf", b"/opt/set\n/nowhere\n"),
]  # fmt: skip
SYSTEM = [
    ("usr/lib/x86_64-linux-gnu/libc.so.6", library("libc.so.6")),
    ("usr/lib64/ld-linux-x86-64.so.2", library("ld-linux-x86-64.so.2")),
]


def test_a_whole_system_asks_nothing_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "system.tar").write_bytes(tar([*MEMBERS, *SYSTEM]))
    result = audit(tmp_path / "system.tar")
    program = next(row for row in result.libraries if row.path == "usr/bin/program")
    assert {need.name: need.origin for need in program.needed} == dict.fromkeys(
        ("libown.so.1", "libset.so.1", "libc.so.6"), "bundle"
    )
    assert {host.verdict for host in result.hosts} == {"starts"}


def test_a_package_is_asked_for_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "package.deb").write_bytes(deb(tar(MEMBERS)))
    result = audit(tmp_path / "package.deb")
    program = next(row for row in result.libraries if row.path == "usr/bin/program")
    assert {need.name: need.origin for need in program.needed} == {
        "libown.so.1": "bundle",
        "libset.so.1": "bundle",
        "libc.so.6": "host",
    }
    assert {host.verdict for host in result.hosts if host.libc == "glibc"} == {"fails"}


def test_other_trees_have_no_default_directories(tmp_path: Path) -> None:
    (tmp_path / "plain.tar").write_bytes(tar([("bin/program", PROGRAM), ("lib/libown.so.1", library("libown.so.1"))]))
    result = audit(tmp_path / "plain.tar")
    program = next(row for row in result.libraries if row.path == "bin/program")
    assert next(need.origin for need in program.needed if need.name == "libown.so.1") == "missing"


@pytest.mark.slow
def test_the_real_loader_finds_the_same(tmp_path: Path) -> None:
    """This machine's own libraries in a root of their own, asked by their own loader there."""
    if os.geteuid() != 0 or not Path(LOADER).exists():
        pytest.skip("needs root and glibc for x86-64")
    wanted = ("/bin/bash", "/usr/bin/python3", "/bin/ls", "/usr/bin/perl")
    listed = subprocess.run(
        ["ldd", *(name for name in wanted if Path(name).exists())], capture_output=True, text=True, check=False
    ).stdout
    files = {
        word for line in listed.splitlines() for word in line.split() if word.startswith("/") and not word.endswith(":")
    }
    root = tmp_path / "root"
    programs = [name for name in wanted if Path(name).exists()]
    kept = [
        *programs,
        *sorted(files)[::2],
        *(name for name in sorted(files) if "libc.so" in name or "ld-linux" in name),
    ]
    for name in kept:  # every second library is left out
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(name).resolve(), target)
    (root / "etc").mkdir(exist_ok=True)
    (root / "usr").mkdir(exist_ok=True)
    subprocess.run(["tar", "-C", root, "-cf", tmp_path / "root.tar", "."], check=True)
    rows = {row.path: row for row in audit(tmp_path / "root.tar").libraries}
    for name in programs:
        tracing = {
            "LD_TRACE_LOADED_OBJECTS": "1"
        }  # as ldd sets it: every need is listed, also those that are not found
        said = subprocess.run(
            [name], capture_output=True, text=True, check=False, env=tracing, preexec_fn=partial(os.chroot, root)
        ).stdout
        absent = {line.split()[0] for line in said.splitlines() if "not found" in line}
        needed = rows[name.lstrip("/")].needed
        assert "ld-linux" in said, name
        assert {need.name for need in needed if need.origin == "bundle"} == {need.name for need in needed} - absent, (
            name
        )
