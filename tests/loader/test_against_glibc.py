"""The loader's model beside the machine's own ld.so, on tiny libraries that each case compiles."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.facts.elf_objects import read_elf_objects
from inspector.facts.load_graph import TreeFiles
from inspector.facts.run_time_paths import Mount
from inspector.limits import Limits
from inspector.loader.glibc import GlibcLoader
from inspector.loader.objects import Architecture, Candidate, LoaderObject, Outcome, opaque_library

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
]


@dataclass
class Case:
    """A bundle in the making: libraries and a program, each with its link options."""

    directory: Path
    counter: int = field(default=0)

    def library(
        self, path: str, *, soname: str | None = None, links: tuple[str, ...] = (), options: tuple[str, ...] = ()
    ) -> Path:
        self.counter += 1
        return self._link(
            path,
            f"int symbol_{self.counter}(void) {{ return {self.counter}; }}",
            ("-shared", "-fPIC", f"-Wl,-soname,{soname or Path(path).name}", *options),
            links,
        )

    def program(self, path: str, *, links: tuple[str, ...], options: tuple[str, ...] = ()) -> Path:
        return self._link(path, "int main(void) { return 0; }", options, links)

    def _link(self, path: str, source: str, options: tuple[str, ...], links: tuple[str, ...]) -> Path:
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [
            "gcc",
            "-x",
            "c",
            "-",
            "-o",
            str(target),
            "-nostartfiles" if "-shared" in options else "-O0",
            "-Wl,--no-as-needed",
        ]
        command += [
            "-Wl,--allow-shlib-undefined",
            *options,
            "-x",
            "none",
            *(str(self.directory / link) for link in links),
        ]
        subprocess.run(command, input=source, text=True, check=True, capture_output=True)
        return target


class NoHost:
    """Only the C library comes from the host."""

    def find(self, name: str, architecture: Architecture) -> tuple[str, LoaderObject] | None:
        known = ("libc.so.6", "ld-linux-x86-64.so.2", "libz.so.1")
        return (f"/lib/{name}", opaque_library(name, architecture)) if name in known else None

    def at(self, path: str) -> Candidate | None:
        return None


def ask_loader(program: Path, environment: dict[str, str], directory: Path) -> dict[str, str | None]:
    """Name -> path of each library as ``ld.so --list`` resolves it; None where it is not found."""
    run = subprocess.run(
        [program],
        env={"LD_TRACE_LOADED_OBJECTS": "1", **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str | None] = {}
    for line in run.stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if not arrow:
            continue
        found[name] = None if "not found" in rest else rest.partition(" (")[0]
    return found


def ask_model(directory: Path, program: str, library_path: str | None) -> dict[str, str | None]:
    with open_artifact(directory) as artifact:
        objects = read_elf_objects(artifact, Limits())
        mount = Mount(str(directory))
        loader = GlibcLoader(TreeFiles(artifact.tree, objects, mount), NoHost(), library_path=library_path)
        graph = loader.load_program(mount.run_time(program))
    answers: dict[str, str | None] = {}
    for resolution in graph.resolutions:
        if resolution.outcome is Outcome.HOST:
            continue
        path = None if resolution.target is None else graph.objects[resolution.target].path
        answers.setdefault(resolution.name, path)
    return answers


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "bundle")


def agree(case: Case, program: str = "bin/app", library_path: str | None = None) -> dict[str, str | None]:
    """Assert that the model and the loader say the same of every library but the C library; return it."""
    environment = {} if library_path is None else {"LD_LIBRARY_PATH": library_path}
    real = {
        name: path
        for name, path in ask_loader(case.directory / program, environment, case.directory).items()
        if name not in ("libc.so.6", "linux-vdso.so.1")
    }
    model = ask_model(case.directory, program, library_path)
    assert real, "the loader listed nothing"
    assert model == real
    return {name: path if path is None else os.path.normpath(path) for name, path in model.items()}


def test_runpath_with_origin_finds_the_library(case: Case) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",))
    assert agree(case)["liba.so.1"] == f"{case.directory}/lib/liba.so.1"


def test_runpath_of_the_program_does_not_serve_its_libraries(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",))
    assert agree(case)["libb.so.1"] is None


def test_rpath_of_the_program_serves_its_libraries(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib",))
    assert agree(case)["libb.so.1"] == f"{case.directory}/lib/libb.so.1"


def test_a_runpath_shuts_out_the_rpaths_of_its_loaders(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",), options=("-Wl,--enable-new-dtags,-rpath,/nowhere",))
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib",))
    assert agree(case)["libb.so.1"] is None


def test_rpath_of_a_library_in_between_is_inherited(case: Case) -> None:
    case.library("deep/libc3.so.1")
    case.library("lib/libb.so.1", links=("deep/libc3.so.1",))
    case.library(
        "lib/liba.so.1", links=("lib/libb.so.1",), options=("-Wl,--disable-new-dtags,-rpath,$ORIGIN/../deep:$ORIGIN",)
    )
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",))
    assert agree(case)["libc3.so.1"] == f"{case.directory}/deep/libc3.so.1"


def test_environment_comes_before_runpath_and_after_rpath(case: Case) -> None:
    for place in ("env", "lib"):
        case.library(f"{place}/liba.so.1")
    case.program("bin/new", links=("lib/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",))
    case.program("bin/old", links=("lib/liba.so.1",), options=("-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib",))
    path = f"{case.directory}/env"
    assert agree(case, "bin/new", path)["liba.so.1"] == f"{case.directory}/env/liba.so.1"
    assert agree(case, "bin/old", path)["liba.so.1"] == f"{case.directory}/lib/liba.so.1"


def test_environment_serves_every_object(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", links=("lib/liba.so.1",))
    assert agree(case, library_path=f"/nowhere:{case.directory}/lib")["libb.so.1"] == f"{case.directory}/lib/libb.so.1"


def test_a_loaded_soname_serves_a_later_need_from_elsewhere(case: Case) -> None:
    case.library("one/libshared.so.1")
    case.library("two/libshared.so.1")
    case.library(
        "lib/liba.so.1", links=("two/libshared.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../two",)
    )
    case.program(
        "bin/app",
        links=("one/libshared.so.1", "lib/liba.so.1"),
        options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../one:$ORIGIN/../lib",),
    )
    assert agree(case)["libshared.so.1"] == f"{case.directory}/one/libshared.so.1"


def test_a_file_of_another_machine_is_passed_over(case: Case) -> None:
    case.library("good/liba.so.1")
    case.library("bad/liba.so.1")
    bad = case.directory / "bad/liba.so.1"
    content = bytearray(bad.read_bytes())
    content[18:20] = (183).to_bytes(2, "little")  # e_machine: EM_AARCH64
    bad.write_bytes(content)
    case.program(
        "bin/app", links=("good/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../bad:$ORIGIN/../good",)
    )
    assert agree(case)["liba.so.1"] == f"{case.directory}/good/liba.so.1"


def test_a_library_behind_a_link_has_the_origin_of_the_link(case: Case) -> None:
    case.library("real/libb.so.1")
    case.library("real/liba.so.1", links=("real/libb.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN",))
    (case.directory / "lib").mkdir()
    (case.directory / "lib/liba.so.1").symlink_to("../real/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",))
    assert agree(case)["libb.so.1"] is None


def test_a_program_behind_a_link_has_the_origin_of_the_file(case: Case) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",))
    (case.directory / "start").symlink_to("bin/app")
    assert agree(case, "start")["liba.so.1"] == f"{case.directory}/lib/liba.so.1"


def test_a_need_with_a_slash_is_not_searched_for(case: Case) -> None:
    absolute = case.directory / "lib/liba.so.1"
    case.library("lib/liba.so.1", soname=str(absolute))
    case.program("bin/app", links=("lib/liba.so.1",))
    answers = ask_model(case.directory, "bin/app", None)
    assert answers == {str(absolute): str(absolute)}
    absolute.rename(case.directory / "lib/elsewhere.so")
    assert ask_model(case.directory, "bin/app", f"{case.directory}/lib") == {str(absolute): None}


def test_nodeflib_shuts_out_the_host(case: Case) -> None:
    case.library("lib/libz.so.1")
    case.program("bin/plain", links=("lib/libz.so.1",))
    case.program("bin/strict", links=("lib/libz.so.1",), options=("-Wl,-z,nodefaultlib",))
    assert ask_model(case.directory, "bin/plain", None) == {}
    assert ask_model(case.directory, "bin/strict", None)["libz.so.1"] is None
    real = ask_loader(case.directory / "bin/strict", {}, case.directory)
    assert real["libz.so.1"] is None


def test_a_text_file_in_the_way_ends_the_search(case: Case) -> None:
    case.library("good/liba.so.1")
    case.program(
        "bin/app", links=("good/liba.so.1",), options=("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../bad:$ORIGIN/../good",)
    )
    (case.directory / "bad").mkdir()
    (case.directory / "bad/liba.so.1").write_text("version https://git-lfs.github.com/spec/v1\n" * 4)
    assert ask_model(case.directory, "bin/app", None) == {"liba.so.1": None}
    run = subprocess.run([case.directory / "bin/app"], capture_output=True, text=True, check=False)
    assert run.returncode == 127
    assert "invalid ELF header" in run.stderr
