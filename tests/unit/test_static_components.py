"""The scan for components that are linked statically, and the catalogue of their fingerprints."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.fingerprints import load_fingerprints, release_key
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.static_component import FileComponents, StaticComponent
from inspector.facts.licensing.static_components import scan_file
from inspector.formats.elf import read_elf
from inspector.source import BytesSource
from tests.constants_elf import ALLOC, WRITE, MadeSection, MadeSymbol, constants_elf

OPENSSL_VERSION = b"\0OpenSSL 3.0.15 3 Sep 2024\0"
OPENSSL_ANCHOR = b'\0OPENSSLDIR: "/usr/lib/ssl"\0'


def scanned(content: bytes, name: str = "usr/bin/application") -> FileComponents:
    source = BytesSource(content)
    return scan_file(source, read_elf(source), name)


def found(content: bytes, name: str = "usr/bin/application") -> dict[str, StaticComponent]:
    return {component.name: component for component in scanned(content, name).components}


class TestCatalogue:
    def test_has_the_components_that_bundles_carry(self) -> None:
        names = set(load_fingerprints().fingerprints)
        assert len(names) >= 80
        assert {"OpenSSL", "zlib", "SQLite", "GNU Readline", "GNU dbm", "FFmpeg", "libffi", "CPython"} <= names

    def test_every_component_can_be_proved(self) -> None:
        for fingerprint in load_fingerprints().fingerprints.values():
            assert fingerprint.anchors or fingerprint.symbols or fingerprint.symbol_prefixes, fingerprint.name

    def test_forks_are_components_too(self) -> None:
        fingerprints = load_fingerprints().fingerprints
        assert {other for one in fingerprints.values() for other in one.unless} <= set(fingerprints)

    def test_licenses_are_expressions_with_a_class(self) -> None:
        for fingerprint in load_fingerprints().fingerprints.values():
            expressions = [expression for _, expression in fingerprint.licenses]
            expressions += [said for statement in fingerprint.statements for said in statement.licenses.values()]
            for expression in expressions:
                # packaging takes the exceptions of the SPDX list only; AdditionRefs are newer than it.
                plain = expression.partition(" WITH LicenseRef-")[0]
                assert canonical_expression(plain), (fingerprint.name, expression)
            if not any("LicenseRef" in expression for expression in expressions):
                assert "unknown" not in {license_class(expression) for expression in expressions}, fingerprint.name

    def test_versions_that_change_a_license_rise(self) -> None:
        for fingerprint in load_fingerprints().fingerprints.values():
            limits = [below for below, _ in fingerprint.licenses]
            assert None not in limits[:-1], fingerprint.name
            assert limits[-1] is None, fingerprint.name
            keys = [release_key(below) for below in limits[:-1] if below is not None]
            assert keys == sorted(keys)

    def test_no_anchor_stands_in_what_clients_print(self) -> None:
        population = Path(__file__).resolve().parents[2] / "corpus" / "licenses" / "static_archives.toml"
        clients = tomllib.loads(population.read_text(encoding="utf-8"))["clients"]
        texts = [b"\0" + text.encode() + b"\0" for client in clients for text in client["texts"]]
        assert len(clients) == 20
        for fingerprint in load_fingerprints().fingerprints.values():
            for group in fingerprint.anchors:
                assert not all(any(literal in text for text in texts) for literal in group), (fingerprint.name, group)


class TestEvidence:
    def test_an_anchor_proves_and_the_version_beside_it_holds(self) -> None:
        component = found(constants_elf(OPENSSL_VERSION + OPENSSL_ANCHOR))["OpenSSL"]
        assert (component.version, component.licenses, component.license_class) == (
            "3.0.15",
            "Apache-2.0",
            "permissive",
        )
        assert component.package_url == "pkg:github/openssl/openssl@3.0.15"
        assert [evidence.kind for evidence in component.evidence] == ["text", "version text"]

    def test_offsets_of_evidence_lead_to_it(self) -> None:
        content = constants_elf(bytes(5000) + OPENSSL_ANCHOR)
        (evidence,) = found(content)["OpenSSL"].evidence
        assert evidence.offset is not None
        assert content[evidence.offset :].startswith(b'OPENSSLDIR: "')

    def test_a_version_alone_proves_nothing(self) -> None:
        assert not found(constants_elf(OPENSSL_VERSION))

    def test_the_release_decides_the_license(self) -> None:
        old = b"\0OpenSSL 1.1.1w  11 Sep 2023\0"
        assert found(constants_elf(old + OPENSSL_ANCHOR))["OpenSSL"].licenses == "OpenSSL"

    def test_without_a_version_only_what_all_releases_have_in_common_is_said(self) -> None:
        component = found(constants_elf(b"\0Malformed database file header\0"))["GNU dbm"]
        assert (component.version, component.licenses) == (None, None)
        assert component.possible_licenses == ("GPL-2.0-or-later", "GPL-3.0-or-later")
        assert component.license_class == "strong-copyleft"

    def test_texts_in_code_or_writable_data_are_no_constants(self) -> None:
        assert not found(constants_elf(code=OPENSSL_ANCHOR))
        assert not found(constants_elf(sections={".data": MadeSection(OPENSSL_ANCHOR, ALLOC | WRITE)}))
        assert found(constants_elf(sections={".data.rel.ro": MadeSection(OPENSSL_ANCHOR, ALLOC | WRITE)}))
        assert not found(constants_elf(sections={".comment": MadeSection(OPENSSL_ANCHOR, 0)}))

    def test_without_section_headers_the_segments_tell(self) -> None:
        assert "OpenSSL" in found(constants_elf(OPENSSL_ANCHOR + bytes(4000), section_headers=False))

    def test_a_file_without_code_contains_nothing(self) -> None:
        assert not found(constants_elf(OPENSSL_ANCHOR, code=b""))

    @pytest.mark.parametrize("at", [0, 1 << 20, (1 << 20) - 7, (2 << 20) - 12])
    def test_anchors_on_the_edge_of_a_piece_are_seen(self, at: int) -> None:
        assert "OpenSSL" in found(constants_elf(b"x" * at + OPENSSL_ANCHOR))

    def test_a_file_full_of_hits_costs_little(self) -> None:
        component = found(constants_elf(OPENSSL_ANCHOR + b"OpenSSL " * 300_000))["OpenSSL"]
        assert component.version is None

    def test_bare_numbers_need_to_be_the_only_one(self) -> None:
        anchor = b"\0Set a breakpoint on '_pixman_log_error' to debug\0"
        assert found(constants_elf(anchor + b"\0" + b"0.42.2\0"))["Pixman"].version == "0.42.2"
        assert found(constants_elf(anchor + b"\0" + b"0.42.2\0\0" + b"0.44.0\0"))["Pixman"].version is None

    def test_a_bare_number_that_is_another_components_version_is_nobodys(self) -> None:
        cairo = b"\0cairo_restore() without matching cairo_save()\0"
        gcrypt = b"\0This is Libgcrypt 1.10.1 - The GNU Crypto Library\n\0"
        components = found(constants_elf(cairo + gcrypt + b"1.10.1\0"))
        assert (components["Cairo"].version, components["Libgcrypt"].version) == (None, "1.10.1")

    def test_a_fork_speaks_for_itself(self) -> None:
        components = found(constants_elf(b"\0invalid distance too far back\0\0" + b"1.3.1.zlib-ng\0"))
        assert set(components) == {"zlib-ng"}

    def test_ffmpeg_says_its_license(self) -> None:
        said = b"\0libavcodec license: %s version 3 or later\0"
        for words, expected in ((b"GPL", "GPL-3.0-or-later"), (b"LGPL", "LGPL-3.0-or-later")):
            component = found(constants_elf(said.replace(b"%s", words)))["FFmpeg"]
            assert (component.licenses, component.stated) == (expected, True)
        nonfree = found(constants_elf(b"\0libavcodec license: nonfree and unredistributable\0"))["FFmpeg"]
        assert nonfree.licenses == "LicenseRef-FFmpeg-nonfree"

    @pytest.mark.peer
    def test_a_library_is_not_inside_itself(self, tmp_path: Path) -> None:
        if shutil.which("gcc") is None:
            pytest.skip("gcc is not installed")
        source = tmp_path / "library.c"
        text = '" deflate 1.3.1 Copyright 1995-2024 Jean-loup Gailly and Mark Adler "'
        source.write_text(f"const char deflate_copyright[] = {text}; int zlibVersion(void) {{ return 1; }}\n")
        for soname, own in (("libz.so.1", True), ("libhost.so.1", False)):
            library = tmp_path / soname
            subprocess.run(["gcc", "-shared", "-fPIC", f"-Wl,-soname,{soname}", source, "-o", library], check=True)
            component = found(library.read_bytes(), f"usr/lib/{soname}")["zlib"]
            assert (component.version, component.whole_file) == ("1.3.1", own)


class TestFunctions:
    @pytest.mark.parametrize("bits", [64, 32])
    @pytest.mark.parametrize("endian", ["little", "big"])
    def test_a_defined_function_proves(self, bits: Literal[32, 64], endian: Literal["little", "big"]) -> None:
        symbols = [MadeSymbol("main"), MadeSymbol("ffi_prep_closure_loc")]
        component = found(constants_elf(symbols=symbols, bits=bits, endian=endian))["libffi"]
        assert [(evidence.kind, evidence.text) for evidence in component.evidence] == [
            ("function", "ffi_prep_closure_loc")
        ]

    @pytest.mark.parametrize(
        "symbol",
        [
            MadeSymbol("ffi_prep_closure_loc", defined=False),
            MadeSymbol("ffi_prep_closure_loc", kind=1),
            MadeSymbol("ffi_prep_closure_loc", binding=2),
            MadeSymbol("my_ffi_prep_closure_loc"),
            MadeSymbol("ffi_prep_closure_loc_too"),
        ],
    )
    def test_what_is_imported_copied_weak_or_called_otherwise_proves_nothing(self, symbol: MadeSymbol) -> None:
        assert not found(constants_elf(symbols=[symbol]))

    def test_the_version_may_be_in_a_functions_name(self) -> None:
        assert found(constants_elf(symbols=[MadeSymbol("x264_encoder_open_164")]))["x264"].version == "164"


class TestPython:
    CODE = b"\0Could not find platform independent libraries <prefix>\0lib/python3.11\0"

    def test_release_compiler_and_built_in_modules(self) -> None:
        symbols = [MadeSymbol("PyInit_readline"), MadeSymbol("PyInit__gdbm"), MadeSymbol("PyInit_zlib", defined=False)]
        build = scanned(constants_elf(self.CODE + b"\0" + b"3.11.2\0\n[GCC 12.2.0]\0", symbols=symbols)).python
        assert build is not None
        assert (build.version, build.compiler, build.modules) == ("3.11.2", "[GCC 12.2.0]", ("_gdbm", "readline"))

    def test_sqlites_number_is_not_pythons(self) -> None:
        build = scanned(constants_elf(self.CODE + b"\0" + b"3.11.2\0\0" + b"3.40.1\0")).python
        assert build is not None
        assert build.version == "3.11.2"

    @pytest.mark.peer
    @pytest.mark.parametrize("inside", [True, False])
    def test_a_module_that_imports_nothing_of_its_library_has_it_inside(self, inside: bool, tmp_path: Path) -> None:
        if shutil.which("gcc") is None:
            pytest.skip("gcc is not installed")
        source = tmp_path / "module.c"
        body = "static int ffi_call(void) { return 1; }" if inside else "int ffi_call(void);"
        source.write_text(f"{body}\nint PyInit__ctypes(void) {{ return ffi_call(); }}\n")
        module = tmp_path / "_ctypes.cpython-311-x86_64-linux-gnu.so"
        subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-s", source, "-o", module], check=True)
        components = found(module.read_bytes(), f"usr/lib/python3.11/lib-dynload/{module.name}")
        assert [(name, one.evidence[0].kind) for name, one in components.items()] == [("libffi", "module")] * inside

    def test_what_embeds_python_is_none(self) -> None:
        assert scanned(constants_elf(b"\0lib/python3.11\0" + b"3.11.2\0PYTHONHOME\0")).python is None


@settings(max_examples=150)
@given(st.data())
def test_damaged_files_raise_nothing_but_format_errors(data: st.DataObject) -> None:
    content = bytearray(constants_elf(OPENSSL_VERSION + OPENSSL_ANCHOR, symbols=[MadeSymbol("ffi_prep_closure_loc")]))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(content[: data.draw(st.integers(64, len(content)))])
    with contextlib.suppress(FormatError):
        scanned(damaged)
