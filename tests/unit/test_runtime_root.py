"""Whether an AppImage's runtime starts and mounts; the genuine runtimes say the same when they are really started without FUSE."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import corpus
from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.binaries.floors import RUNTIME
from inspector.facts.hosts.runtime_root import RuntimeNeeds, runtime_needs, runtime_on_host
from inspector.formats.elf import read_elf
from inspector.limits import Limits
from inspector.loader.host_profile import HostProfile, Presence, ProvidedLibrary

GLIBC = frozenset({"GLIBC_2.2.5", "GLIBC_2.3.4", "GLIBC_2.14", "GLIBC_2.34"})


def host(
    *,
    libraries: dict[str, Presence] | None = None,
    programs: dict[str, Presence] | None = None,
    versions: frozenset[str] | None = GLIBC,
    **options: object,
) -> HostProfile:
    present: dict[str, Presence] = {"libc.so.6": "minimal", "libz.so.1": "minimal", **(libraries or {})}
    provided = {
        name: ProvidedLibrary(
            soname=name, presence=presence, basis="measured", package=f"{name}-package", versions=versions
        )
        for name, presence in present.items()
    }
    known: dict[str, object] = {"arch": "x86_64", "libc": "glibc", "libc_version": "2.36", "complete": True, **options}
    return HostProfile(id="test", name="Test", basis="measured", libraries=provided, programs=programs or {}, **known)  # type: ignore[arg-type]


LIBFUSE2 = RuntimeNeeds(
    kind="appimagekit",
    interpreter="/lib64/ld-linux-x86-64.so.2",
    libraries=("libz.so.1", "libc.so.6"),
    versions=(("libc.so.6", "GLIBC_2.14"),),
    opens=("libfuse.so.2",),
    programs=("fusermount",),
    message="dlopen(): error loading libfuse.so.2",
    program_message="Cannot mount AppImage, please check your FUSE setup.",
    fallback="extract-option",
)
STATIC = RuntimeNeeds(
    kind="type2-runtime", programs=("fusermount3", "fusermount"), program_message="Error: No", fallback="extract-option"
)


def test_all_is_there() -> None:
    profile = host(libraries={"libfuse.so.2": "desktop"}, programs={"fusermount": "desktop"})
    assert runtime_on_host(LIBFUSE2, profile).outcome == "mounts"
    assert runtime_on_host(STATIC, profile).outcome == "mounts"
    minimal = runtime_on_host(LIBFUSE2, profile, "minimal")
    assert (minimal.outcome, minimal.missing) == ("extracts", ("libfuse.so.2",))
    assert runtime_on_host(STATIC, profile, "minimal").missing == ("fusermount3",)


def test_what_only_a_package_brings_is_absent_and_named() -> None:
    verdict = runtime_on_host(LIBFUSE2, host(libraries={"libfuse.so.2": "package"}, programs={"fusermount": "desktop"}))
    assert (verdict.outcome, verdict.message) == ("extracts", "dlopen(): error loading libfuse.so.2")
    assert verdict.packages == ("libfuse.so.2-package",)


def test_without_its_own_libraries_it_does_not_start() -> None:
    verdict = runtime_on_host(LIBFUSE2, host(libraries={"libz.so.1": "absent"}))
    assert verdict.outcome == "does not start"
    assert verdict.message.startswith("error while loading shared libraries: libz.so.1: cannot open")
    old = runtime_on_host(LIBFUSE2, host(versions=frozenset({"GLIBC_2.2.5"})))
    assert (old.outcome, old.message) == ("does not start", "libc.so.6: version `GLIBC_2.14' not found")
    musl = runtime_on_host(LIBFUSE2, host(libc="musl"))
    assert (musl.outcome, musl.missing) == ("does not start", ("/lib64/ld-linux-x86-64.so.2",))
    assert runtime_on_host(STATIC, host(libc="musl", programs={"fusermount3": "minimal"})).outcome == "mounts"


def test_other_machines() -> None:
    assert runtime_on_host(STATIC, host(arch="aarch64")).outcome == "does not start"
    i686 = RuntimeNeeds(kind="appimagekit", arch="i686", interpreter="/lib/ld-linux.so.2")
    assert runtime_on_host(i686, host()).outcome == "unknown"


def test_what_nobody_knows_decides_nothing() -> None:
    open_host = host(complete=False)
    verdict = runtime_on_host(LIBFUSE2, open_host)
    assert (verdict.outcome, verdict.not_known) == ("unknown", ("libfuse.so.2", "fusermount"))
    assert runtime_on_host(LIBFUSE2, host(versions=None)).outcome == "unknown"
    stranger = RuntimeNeeds(kind="unknown", opens=("libfuse3.so.3",))
    assert runtime_on_host(stranger, host()).outcome == "unknown"


def needs_of(path: Path) -> RuntimeNeeds:
    with open_artifact(str(path), Limits()) as artifact:
        assert artifact.source is not None
        assert artifact.envelope is not None
        elf = read_elf(artifact.source, Limits())
        runtime = ElfObject(RUNTIME, RUNTIME, True, elf, {})
        return runtime_needs(runtime, artifact.envelope.runtime, artifact.envelope.compression)


def printed(path: Path, scratch: Path) -> str:
    """What a genuine AppImage prints when an ordinary user starts it without any host program."""
    copy = scratch / "x.AppImage"
    shutil.copyfile(path, copy)
    scratch.chmod(0o755)
    copy.chmod(0o755)
    command = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "env",
        "-i",
        "PATH=/nonexistent",
        str(copy),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert run.returncode != 0
    return run.stdout + run.stderr


GENUINE = {
    "libappimage/Echo-x86_64.AppImage": ("appimagekit", "extracts"),
    "libappimage/AppImageExtract_6-x86_64.AppImage": ("appimagekit-type1", "does not start"),
    "shared/hello-static-runtime-x86_64.AppImage": ("type2-runtime", "extracts"),
    "appimage-matrix/xz-4K.AppImage": ("type2-runtime", "does not start"),
}


@pytest.mark.peer
@pytest.mark.corpus
@pytest.mark.parametrize("name", GENUINE)
def test_genuine_runtimes_print_what_is_foretold(name: str) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to start a program as somebody else")
    if ctypes.util.find_library("fuse") is not None or os.uname().machine != "x86_64":
        pytest.skip("libfuse.so.2 is installed here, or this is no x86_64")
    try:
        path = Path(corpus.artifact(name))
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    needs = needs_of(path)
    kind, outcome = GENUINE[name]
    if needs.kind != kind:
        pytest.skip(f"this corpus was built on another runtime: {needs.kind}")
    libraries: dict[str, Presence] = {library: "minimal" for library in needs.libraries if library != "libfuse.so.2"}
    profile = host(libraries={**libraries, "libfuse.so.2": "absent"}, versions=frozenset(v for _, v in needs.versions))
    verdict = runtime_on_host(needs, profile)
    assert verdict.outcome == outcome
    with tempfile.TemporaryDirectory() as directory:  # below /tmp itself: pytest's own directories are closed to others
        assert verdict.message in printed(path, Path(directory))
