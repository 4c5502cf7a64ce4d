"""What Go and Rust programs say of the modules and crates in them, against their own toolchains where these are installed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.facts.licensing.go_modules import MAGIC, GoBuild, GoModule, read_go_build
from inspector.facts.licensing.read_only_data import constant_ranges
from inspector.facts.licensing.rust_crates import RustBuild, RustCrate, read_rust_build
from inspector.facts.licensing.static_components import scan_file
from inspector.formats.elf import read_elf
from inspector.source import BytesSource, FileSource
from tests.constants_elf import ALLOC, BASE, WRITE, MadeSection, constants_elf

LISTED = (
    "path\texample.com/tool\n"
    "mod\texample.com/tool\t(devel)\t\n"
    "dep\tgithub.com/spf13/cobra\tv1.7.0\th1:hyqWnYt1ZQShIddO5kBpj3vu05/++x6tJ6dg8EC572I=\n"
    "dep\tgolang.org/x/sys\tv0.5.0\n"
    "=>\tgithub.com/fork/sys\tv0.5.1\th1:x\n"
    "build\t-tags=netgo\n"
)
EXPECTED = (
    GoModule("example.com/tool", "(devel)", main=True),
    GoModule("github.com/spf13/cobra", "v1.7.0"),
    GoModule("github.com/fork/sys", "v0.5.1", replaces="golang.org/x/sys"),
)


def marked(text: str) -> bytes:
    """The list between two markers of 16 bytes, as the linker writes it."""
    return (
        bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
        + text.encode()
        + bytes.fromhex("f932433186182072008242104116d8f2")
    )


def inline(version: str, modules: bytes) -> bytes:
    def string(content: bytes) -> bytes:
        length, count = b"", len(content)
        while count >= 0x80:
            length += bytes([count & 0x7F | 0x80])
            count >>= 7
        return length + bytes([count]) + content

    return MAGIC + bytes([8, 2]) + bytes(16) + string(version.encode()) + string(modules)


def go_build(content: bytes) -> GoBuild | None:
    source = BytesSource(content)
    elf = read_elf(source)
    return read_go_build(source, elf, tuple(elf.sections))


def go_elf(information: bytes, *, section_headers: bool = True) -> bytes:
    section = {".go.buildinfo": MadeSection(information, ALLOC | WRITE)}
    return constants_elf(b"constants", sections=section, section_headers=section_headers)


class TestGo:
    @pytest.mark.parametrize("section_headers", [True, False])
    def test_inline_strings(self, section_headers: bool) -> None:
        build = go_build(go_elf(inline("go1.20.3", marked(LISTED)), section_headers=section_headers))
        assert build == GoBuild("go1.20.3", EXPECTED, (("-tags", "netgo"),))

    @pytest.mark.parametrize(("size", "order"), [(8, "<"), (8, ">"), (4, "<")])
    def test_strings_behind_pointers(self, size: int, order: str) -> None:
        """Until Go 1.17: the header points at two Go strings, each of which points at its bytes."""
        version, modules, word = b"go1.17.5", marked(LISTED), "Q" if size == 8 else "I"
        place = b"where it lies, 32 bytes at least"
        headers = BASE + go_elf(place).index(place) + 32
        texts = headers + 4 * size
        information = (
            MAGIC + bytes([size, int(order == ">")]) + struct.pack(f"{order}2{word}", headers, headers + 2 * size)
        )
        information += bytes(32 - len(information))
        information += struct.pack(f"{order}4{word}", texts, len(version), texts + len(version), len(modules))
        build = go_build(go_elf(information + version + modules))
        assert build is not None
        assert (build.go_version, build.modules) == ("go1.17.5", EXPECTED)

    def test_no_modules_are_no_reason_to_be_silent(self) -> None:
        assert go_build(go_elf(inline("go1.18", b""))) == GoBuild("go1.18", ())

    def test_other_programs_have_none(self) -> None:
        assert go_build(constants_elf(b"constants")) is None
        assert go_build(constants_elf(MAGIC + bytes(64))) is None

    @given(st.binary(max_size=96))
    def test_any_bytes_behind_the_magic(self, tail: bytes) -> None:
        with contextlib.suppress(FormatError):
            go_build(go_elf(MAGIC + tail))

    def test_as_components(self) -> None:
        source = BytesSource(go_elf(inline("go1.20.3", marked(LISTED))))
        components = scan_file(source, read_elf(source), "usr/bin/tool").components
        assert [(component.name, component.version, component.package_url) for component in components] == [
            ("Go standard library", "1.20.3", "pkg:golang/std@1.20.3"),
            ("github.com/spf13/cobra", "v1.7.0", "pkg:golang/github.com/spf13/cobra@v1.7.0"),
            ("github.com/fork/sys", "v0.5.1", "pkg:golang/github.com/fork/sys@v0.5.1"),
        ]

    @pytest.mark.peer
    @pytest.mark.slow
    def test_as_go_itself_says_it(self, tmp_path: Path) -> None:
        if shutil.which("go") is None:
            pytest.skip("go is not installed")
        dependency = tmp_path / "dependency"
        dependency.mkdir()
        (dependency / "go.mod").write_text("module example.com/dependency\n\ngo 1.18\n")
        (dependency / "dependency.go").write_text("package dependency\n\nfunc Answer() int { return 42 }\n")
        (tmp_path / "go.mod").write_text(
            "module example.com/tool\n\ngo 1.18\n\nrequire example.com/dependency v1.2.3\n\n"
            "replace example.com/dependency => ./dependency\n"
        )
        (tmp_path / "main.go").write_text(
            'package main\n\nimport "example.com/dependency"\n\nfunc main() { println(dependency.Answer()) }\n'
        )
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(tmp_path / "cache")}
        for flags in ((), ("-ldflags=-s -w",)):
            program = tmp_path / "tool"
            subprocess.run(["go", "build", *flags, "-o", program], cwd=tmp_path, env=environment, check=True)
            said = subprocess.run(["go", "version", "-m", program], capture_output=True, text=True, check=True).stdout
            with FileSource(program) as source:
                elf = read_elf(source)
                build = read_go_build(source, elf, tuple(elf.sections))
            assert build is not None
            assert f": {build.go_version}\n" in said
            listed = re.findall(r"^\t(mod|dep|=>)\t(\S+)\t(\S+)", said, re.MULTILINE)
            assert [kind for kind, _, _ in listed] == ["mod", "dep", "=>"]
            expected = (GoModule(*listed[0][1:], main=True), GoModule(*listed[2][1:], replaces=listed[1][1]))
            assert build.modules == expected


def rust_build(content: bytes, *, paths: bool = True) -> RustBuild | None:
    source = BytesSource(content)
    elf = read_elf(source)
    sections = tuple(elf.sections)
    return read_rust_build(source, sections, constant_ranges(elf, sections), paths=paths)


class TestRust:
    PATHS = (
        b"/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/regex-automata-0.4.3/src/dfa/mod.rs"
        b"/home/x/.cargo/registry/src/github.com-1ecc6299db9ec823/zstd-sys-2.0.9+zstd.1.5.5/src/lib.rs"
        b"/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/regex-automata-0.4.3/src/util.rs\0"
    )

    def test_crates_of_source_paths(self) -> None:
        toolchain = b"/rustc/82e1608dfa6e0b5569232559e3d385fea5a93112/library/core/src/fmt/mod.rs\0"
        build = rust_build(constants_elf(self.PATHS + toolchain))
        crates = (RustCrate("regex-automata", "0.4.3"), RustCrate("zstd-sys", "2.0.9+zstd.1.5.5"))
        assert build == RustBuild(crates, "source paths", "82e1608dfa6e0b5569232559e3d385fea5a93112")

    def test_cargo_auditable_lists_what_runs(self) -> None:
        packages = [
            {"name": "app", "version": "1.0.0", "source": "local", "root": True, "dependencies": [1, 2]},
            {"name": "serde", "version": "1.0.197", "source": "crates.io"},
            {"name": "cc", "version": "1.0.90", "source": "crates.io", "kind": "build"},
        ]
        content = zlib.compress(json.dumps({"packages": packages}).encode())
        build = rust_build(constants_elf(self.PATHS, sections={".dep-v0": MadeSection(content, 0)}))
        assert build is not None
        assert build.stated_by == "cargo auditable"
        assert build.crates == (RustCrate("app", "1.0.0", "local"), RustCrate("serde", "1.0.197"))

    @pytest.mark.parametrize(
        "content",
        [b"", b"no zlib", zlib.compress(b"{"), zlib.compress(b"[]"), zlib.compress(b'{"packages": 7}'), zlib.compress(b"[" * 200_000),
         zlib.compress(b'{"packages": [{"name": 3, "version": []}, 5, null]}'), zlib.compress(bytes(40_000_000))],
    )  # fmt: skip
    def test_broken_lists_are_none(self, content: bytes) -> None:
        build = rust_build(constants_elf(sections={".dep-v0": MadeSection(content or b"\0", 0)}))
        assert build is None or build.crates == ()

    def test_other_programs_have_none(self) -> None:
        assert rust_build(constants_elf(b"/registry/src/ and /rustc/ are words")) is None

    @pytest.mark.peer
    def test_a_program_of_rustc_names_its_toolchain(self, tmp_path: Path) -> None:
        if shutil.which("rustc") is None:
            pytest.skip("rustc is not installed")
        source_file = tmp_path / "hello.rs"
        source_file.write_text('fn main() { println!("{}", std::env::args().nth(1).unwrap()); }\n')
        built = subprocess.run(
            ["rustc", "-O", source_file, "-o", tmp_path / "hello"], capture_output=True, text=True, check=False
        )
        if built.returncode:
            pytest.skip(f"rustc cannot link here: {built.stderr[-200:]}")
        verbose = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
        commit = re.search("commit-hash: ([0-9a-f]{40})", verbose)
        with FileSource(tmp_path / "hello") as source:
            elf = read_elf(source)
            sections = tuple(elf.sections)
            build = read_rust_build(source, sections, constant_ranges(elf, sections), paths=True)
            names = {component.name for component in scan_file(source, elf, "usr/bin/hello").components}
        assert build is not None
        assert commit is not None
        assert build.toolchain == commit[1]
        assert "Rust standard library" in names
