"""Bundles that carry a loader and a C library and start with them: that loader judges, whatever the host has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.hosts.processes import bundled_glibc_version
from inspector.facts.hosts.verdicts import JudgedBundle, host_verdicts
from inspector.facts.loading.load_graph import TreeFiles, build_load_graph
from inspector.facts.loading.roots import Root
from inspector.facts.loading.run_time_paths import Mount
from inspector.limits import Limits
from inspector.loader.host_profile import HostProfile, ProvidedLibrary
from tests.loader.loader_cases import LOADER, MUSL, Case, needs_gcc, this_machine

pytestmark = [pytest.mark.peer, needs_gcc]


def _bundle_with_glibc(case: Case) -> dict[str, str]:
    """bin/app, and this machine's loader and C library beside it; the environment that stands for --library-path."""
    (case.directory / "lib").mkdir(parents=True)
    libc = this_machine().libraries["libc.so.6"].path
    assert libc is not None
    shutil.copy(Path(LOADER).resolve(), case.directory / "lib/ld-linux-x86-64.so.2")
    shutil.copy(Path(libc).resolve(), case.directory / "lib/libc.so.6")
    case.program("bin/app", links=("-l:libdl.so.2",))
    return {"LD_LIBRARY_PATH": f"{case.directory}/lib"}


def test_the_hosts_versions_do_not_matter(case: Case) -> None:
    environment = _bundle_with_glibc(case)
    old = replace(this_machine(), libc_version="2.28", libraries={"libdl.so.2": this_machine().libraries["libdl.so.2"]})
    with open_artifact(case.directory) as artifact:
        version = bundled_glibc_version(read_elf_objects(artifact, Limits()))
    assert version == ".".join(this_machine().libc_version.split(".")[:2])
    own = f"{case.directory}/lib/ld-linux-x86-64.so.2"
    answer = case.answer("bin/app", profile=old, environment=environment, own_loader=own, own_libc_version=version)
    assert answer.loads
    assert answer.resolved["libc.so.6"] == f"{case.directory}/lib/libc.so.6"
    run = subprocess.run(
        [own, "--library-path", environment["LD_LIBRARY_PATH"], case.directory / "bin/app"], check=False
    )
    assert run.returncode == 0


def test_what_the_bundle_lacks_is_still_asked_of_the_host(case: Case) -> None:
    environment = _bundle_with_glibc(case)
    case.library("made/libgone.so.1")
    case.program("bin/app", links=("made/libgone.so.1",))
    own = f"{case.directory}/lib/ld-linux-x86-64.so.2"
    answer = case.answer("bin/app", environment=environment, own_loader=own, own_libc_version="2.36")
    command = [own, "--library-path", environment["LD_LIBRARY_PATH"], str(case.directory / "bin/app")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 127
    assert run.stderr.strip() == answer.message


@pytest.mark.skipif(
    shutil.which("musl-gcc") is None or not Path(MUSL).exists(), reason="musl and musl-gcc are not installed"
)
def test_a_musl_of_the_bundle_on_a_system_of_glibc(tmp_path: Path) -> None:
    case = Case(tmp_path / "bundle", ("musl-gcc",))
    case.library("lib/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",))
    shutil.copy(MUSL, case.directory / "lib/ld-musl-x86_64.so.1")
    own = f"{case.directory}/lib/ld-musl-x86_64.so.1"
    environment = {"LD_LIBRARY_PATH": f"{case.directory}/lib"}
    assert case.answer("bin/app", environment=environment, own_loader=own).loads
    assert (
        subprocess.run(
            [own, "--library-path", f"{case.directory}/lib", case.directory / "bin/app"], check=False
        ).returncode
        == 0
    )
    answer = case.answer("bin/app", own_loader=own)
    run = subprocess.run([own, case.directory / "bin/app"], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines() == [answer.message]


def test_a_loader_that_is_taken_on_older_systems_only(case: Case) -> None:
    environment = _bundle_with_glibc(case)
    version = this_machine().libc_version
    with open_artifact(case.directory) as artifact:
        objects = read_elf_objects(artifact, Limits())
        mount = Mount(str(case.directory))
        graph = build_load_graph(objects, artifact.tree, [Root("bin/app", "entry", "bin/app")], mount, None)
        bundle = JudgedBundle(
            graph=graph, objects=objects, files=TreeFiles(artifact.tree, objects, mount), mount=mount,
            own_loader="lib/ld-linux-x86-64.so.2", own_loader_up_to=version, own_loader_library_path=environment["LD_LIBRARY_PATH"],
        )  # fmt: skip
        libraries = {
            name: ProvidedLibrary(
                soname=name, presence="minimal", basis="measured", versions=frozenset({"GLIBC_2.2.5"})
            )
            for name in ("libc.so.6", "libdl.so.2", "ld-linux-x86-64.so.2")
        }
        old = HostProfile(
            id="o", name="Old", arch="x86_64", libc="glibc", libc_version="2.19", basis="measured", libraries=libraries
        )
        verdicts = host_verdicts(bundle, [(old, "desktop"), (replace(old, libc_version="2.99"), "desktop")])
    assert [verdict.verdict for verdict in verdicts] == [
        "starts",
        "fails",
    ]  # GLIBC_2.34 of __libc_start_main is in the bundle's C library only
    assert "not found (required by bin/app)" in verdicts[1].message
