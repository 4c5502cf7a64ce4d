"""The tag of real wheels, audited as unpacked directories, against ``auditwheel show``; and where auditwheel is wrong, the proof."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import corpus
from corpus.recipe import Bounds
from inspector.artifact import open_artifact
from inspector.facts.binaries.platform_tag import PlatformTag, platform_needs, platform_tag
from inspector.facts.collect import collect_facts
from inspector.limits import Limits

Artifact = Callable[[str], Path]

NAMES = [name.removeprefix("unpacked-wheels/") for name in corpus.names("unpacked-wheels/")]
HEAVY_BYTES = 20_000_000
"""Unpacked; ``auditwheel show`` takes seconds to minutes for larger wheels."""

# Wheels on which the two differ, and why; each reason has a test of its own below.
EXPLAINED: dict[str, str] = {}


_PATIENCE = 120  # seconds; PySide6's 84 MB take it minutes on a slow machine


def tag_of_directory(directory: Path) -> PlatformTag:
    """As the audit does it: the load graph says which needs the bundle answers."""
    with open_artifact(str(directory)) as artifact:
        facts = collect_facts(artifact, Limits())
        return platform_tag(
            platform_needs(
                found.path,
                found.elf,
                {need.name for need in facts.graph.needs.get(found.path, ()) if need.origin == "bundle"},
            )
            for found in facts.objects
        )


def tag_of_auditwheel(wheel: Path) -> str:
    if find_spec("auditwheel") is None:
        pytest.skip("auditwheel is not installed")
    command = [sys.executable, "-m", "auditwheel", "show", "--json", str(wheel)]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip(f"auditwheel show takes more than {_PATIENCE} seconds for {wheel.name}")
    try:
        return str(json.loads(shown.stdout)["overall_tag"])
    except (json.JSONDecodeError, KeyError):
        pytest.skip(f"auditwheel show --json of this version says: {(shown.stdout + shown.stderr)[-200:]}")


def is_heavy(name: str) -> bool:
    check = corpus.recipe(f"unpacked-wheels/{name}").check
    return isinstance(check, Bounds) and check.raw_bytes[1] > HEAVY_BYTES


def test_every_run_compares_at_least_twenty_wheels_of_both_c_libraries_and_many_architectures() -> None:
    compared = [name for name in NAMES if not is_heavy(name)]
    assert len(compared) >= 20
    for kind in ("musllinux", "manylinux1_", "x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x"):
        assert any(kind in name for name in compared), kind


@pytest.mark.corpus
@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.heavy) if is_heavy(name) else name for name in NAMES]
)
def test_the_tag_of_a_wheel_equals_that_of_auditwheel(name: str, corpus_artifact: Artifact) -> None:
    wheel = corpus_artifact(f"wheels/{name}.whl")
    directory = corpus_artifact(f"unpacked-wheels/{name}")
    found = tag_of_directory(directory)
    expected = tag_of_auditwheel(wheel)
    if name in EXPLAINED:
        assert found.allowed != expected, f"no longer different: {EXPLAINED[name]}"
    else:
        assert found.allowed == expected, found.reasons


# -- where auditwheel is wrong


def build_wheel(tmp_path: Path, source: str, *options: str, strip_sections: bool = False) -> tuple[Path, Path]:
    """A wheel with one extension module that gcc builds here, and the same unpacked."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    directory = tmp_path / "unpacked"
    directory.mkdir()
    module = directory / "probe.so"
    (tmp_path / "probe.c").write_text(f"void *PyInit_probe(void) {{ return 0; }}\n{source}\n")
    command = ["gcc", "-shared", "-fPIC", "-o", str(module), str(tmp_path / "probe.c"), *options]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"gcc cannot build it here: {built.stderr.splitlines()[0]}")
    if strip_sections:
        content = bytearray(module.read_bytes())
        if content[4] != 2:
            pytest.skip("not a 64-bit machine")
        content[40:48] = bytes(8)  # e_shoff
        content[58:64] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
        module.write_bytes(content)
    info = directory / "probe-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1\n\n")
    (info / "WHEEL").write_text(
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"
    )
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    rows = []
    for path in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        rows.append(f"{path.relative_to(directory)},sha256={digest},{path.stat().st_size}")
    (info / "RECORD").write_text("\n".join([*rows, "probe-1.dist-info/RECORD,,", ""]))
    wheel = tmp_path / "probe-1-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in (*files, info / "RECORD"):
            archive.write(path, path.relative_to(directory))
    return wheel, directory


def versions_that_the_loader_compares(module: Path) -> str:
    """What readelf finds in the version needs; by the dynamic section, which works without section headers."""
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed")
    return subprocess.run(["readelf", "--version-info", str(module)], capture_output=True, text=True, check=True).stdout


def numbers(tag: str | None) -> tuple[int, ...]:
    assert tag is not None
    assert tag.startswith("manylinux_"), tag
    return tuple(int(part) for part in tag.split("_")[1:3])


@pytest.mark.peer
def test_auditwheel_passes_over_versions_of_the_loader(tmp_path: Path) -> None:
    """__rseq_offset is defined by ld-linux with GLIBC_2.35: on an older host the loader refuses the module, auditwheel calls it manylinux_2_5."""
    wheel, directory = build_wheel(tmp_path, "extern const long __rseq_offset;\nlong f(void) { return __rseq_offset; }")
    if "GLIBC_2.35" not in versions_that_the_loader_compares(directory / "probe.so"):
        pytest.skip("glibc of this machine is older than 2.35")
    found = tag_of_directory(directory)
    assert found.allowed == "manylinux_2_35_x86_64"
    assert "GLIBC_2.35 of ld-linux-x86-64.so.2 (probe.so)" in found.reasons[0]
    assert numbers(tag_of_auditwheel(wheel)) < (2, 35)


@pytest.mark.peer
def test_auditwheel_sees_no_versions_without_section_headers(tmp_path: Path) -> None:
    """The loader reads segments: the same code with and without section headers needs the same glibc; auditwheel finds the second one older."""
    source = "int stat(const char *, void *);\nint f(void) { return stat(0, 0); }"
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    wheel, directory = build_wheel(tmp_path / "with", source)
    bare_wheel, bare_directory = build_wheel(tmp_path / "without", source, strip_sections=True)
    found = tag_of_directory(directory)
    if numbers(found.allowed) < (2, 33):
        pytest.skip("glibc of this machine is older than 2.33")
    assert found.allowed == tag_of_auditwheel(wheel)
    assert tag_of_directory(bare_directory).allowed == found.allowed
    assert numbers(tag_of_auditwheel(bare_wheel)) < numbers(found.allowed)
