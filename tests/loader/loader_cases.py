"""Tiny bundles that each case compiles, and who is asked about them: this machine's own loader, and the model on a profile of this machine."""

from __future__ import annotations

import functools
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.hosts.capture import capture
from inspector.facts.loading.load_graph import TreeFiles
from inspector.facts.loading.run_time_paths import Mount
from inspector.limits import Limits
from inspector.loader.answers import RootAnswer, SystemLoader
from inspector.loader.host_profile import HostProfile
from inspector.loader.hwcaps import Processor

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
NEW, OLD = "-Wl,--enable-new-dtags", "-Wl,--disable-new-dtags"
LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"

_DRIVER = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **words) {
    for (int number = 1; number < count; number++)
        if (!dlopen(words[number], RTLD_NOW)) { puts(dlerror()); return 1; }
    return 0;
}
"""


def runpath(text: str) -> tuple[str, ...]:
    """Link options for a DT_RUNPATH."""
    return (NEW, f"-Wl,-rpath,{text}")


def rpath(text: str) -> tuple[str, ...]:
    """Link options for a DT_RPATH."""
    return (OLD, f"-Wl,-rpath,{text}")


@dataclass
class Case:
    """A bundle in the making: libraries and programs, each with its link options."""

    directory: Path
    compiler: tuple[str, ...] = ("gcc",)
    counter: int = field(default=0)

    def library(
        self,
        path: str,
        *options: str,
        soname: str | None = None,
        links: tuple[str, ...] = (),
        source: str | None = None,
    ) -> Path:
        """A shared library; without a source it defines one function of its own."""
        self.counter += 1
        source = source or f"int symbol_{self.counter}(void) {{ return {self.counter}; }}"
        named = ("-shared", "-fPIC", "-nostartfiles", f"-Wl,-soname,{soname or Path(path).name}")
        return self._link(path, source, (*named, *options), links)

    def versioned(self, path: str, script: str, source: str, *options: str, links: tuple[str, ...] = ()) -> Path:
        """A library with a version script."""
        self.directory.mkdir(parents=True, exist_ok=True)
        text = self.directory / "versions.map"
        text.write_text(script, encoding="ascii")
        made = self.library(path, f"-Wl,--version-script={text}", *options, links=links, source=source)
        text.unlink()
        return made

    def program(
        self, path: str, *options: str, links: tuple[str, ...] = (), source: str = "int main(void) { return 0; }"
    ) -> Path:
        """A program."""
        return self._link(path, source, options, links)

    def driver(self, *options: str) -> Path:
        """A program that opens its arguments one after the other and prints what dlerror() says."""
        return self._link("bin/driver", _DRIVER, options, ())

    def _link(self, path: str, source: str, options: tuple[str, ...], links: tuple[str, ...]) -> Path:
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [
            *self.compiler,
            "-O0",
            "-x",
            "c",
            "-",
            "-o",
            str(target),
            "-Wl,--no-as-needed",
            "-Wl,--allow-shlib-undefined",
            *options,
        ]
        named = [link if link.startswith("-") else str(self.directory / link) for link in links]
        subprocess.run([*command, "-x", "none", *named], input=source, text=True, check=True, capture_output=True)
        return target

    def answer(
        self, path: str, program: str | None = None, *, environment: Mapping[str, str] | None = None, profile: HostProfile | None = None,
        processor: Processor | None = None, own_loader: str | None = None, own_libc_version: str | None = None,
    ) -> RootAnswer:  # fmt: skip
        """The model's answer: of a program, or of what ``program`` opens."""
        with open_artifact(self.directory) as artifact:
            objects = read_elf_objects(artifact, Limits())
            mount = Mount(str(self.directory))
            loader = SystemLoader(
                TreeFiles(artifact.tree, objects, mount), profile or this_machine(), environment=environment,
                processor=processor or this_processor(), working_directory=str(self.directory),
                own_loader=own_loader, own_libc_version=own_libc_version,
            )  # fmt: skip
            return loader.answer(mount.run_time(path), mount.run_time(program or path))


@functools.cache
def this_machine() -> HostProfile:
    """A profile of the machine that runs the tests."""
    return capture("/")


@functools.cache
def this_processor() -> Processor:
    """The processor as this machine's loader describes it."""
    text = subprocess.run([LOADER, "--help"], capture_output=True, text=True, check=False).stdout
    levels = [int(number) for number in re.findall(r"x86-64-v(\d) \(supported, searched\)", text)]
    platform = re.search(r"(\S+) \(AT_PLATFORM", text)
    legacy = re.findall(r"^  (\S+) \(supported, searched\)", text.partition("Legacy HWCAP")[2], re.MULTILINE)
    capabilities = tuple(name for name in legacy if name != "tls")
    return Processor(max(levels, default=1), platform[1] if platform else "x86_64", capabilities)


@dataclass(frozen=True)
class Real:
    """What the real loader said: each library's path (None: not found), and the first line of a start with everything bound at once."""

    resolved: dict[str, str | None]
    message: str | None
    status: int


def ask(
    case: Case, program: str, environment: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
) -> Real:
    """Ask this machine's loader about a program."""
    path = case.directory / program
    given = dict(environment or {})
    trace = subprocess.run(
        [path],
        env={**given, "LD_TRACE_LOADED_OBJECTS": "1"},
        cwd=case.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    resolved: dict[str, str | None] = {}
    for line in trace.stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow:
            resolved[name] = None if "not found" in rest else rest.partition(" (")[0]
        else:  # a library whose name is its path has a line without an arrow
            resolved[name.partition(" (")[0]] = name.partition(" (")[0]
    run = subprocess.run(
        [path, *arguments],
        env={**given, "LD_BIND_NOW": "1"},
        cwd=case.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (run.stderr or run.stdout).splitlines()
    lines = [line for line in said if not _WARNING.search(line)] or [""]
    return Real(resolved, lines[0] if run.returncode else None, run.returncode)


_WARNING = re.compile(r": no version information available \(required by|: weak version `[^']*' not found")
"""What the loader says of versions and goes on (G20)."""

_NOT_THE_BUNDLES = ("linux-vdso.so.1", "libc.so.6", "ld-linux-x86-64.so.2")


def agree(case: Case, program: str = "bin/app", environment: Mapping[str, str] | None = None) -> RootAnswer:
    """Assert that the loader and the model say the same of a program: each library's place, and the first line; return the model's answer."""
    real = ask(case, program, environment)
    model = case.answer(program, environment=environment)
    assert real.message == model.message
    if not any(library.broken for library in model.missing_libraries) and model.refusal is None:
        found: dict[str, str | None] = dict(model.resolved)
        found.update((library.name, None) for library in model.missing_libraries)
        assert _of_the_bundle(found) == _of_the_bundle(real.resolved)
    return model


def _of_the_bundle(resolved: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: path for name, path in resolved.items() if name not in _NOT_THE_BUNDLES and "/" not in name}


def agree_on_opening(case: Case, path: str, *driver: str, environment: Mapping[str, str] | None = None) -> RootAnswer:
    """Assert that dlopen() in a small program and the model say the same of a library; return the model's answer."""
    case.driver(*driver)
    real = ask(case, "bin/driver", environment, (str(case.directory / path),))
    model = case.answer(path, "bin/driver", environment=environment)
    assert real.message == model.message
    return model


def edit(path: Path, change: Callable[[bytearray], None]) -> None:
    """Change the bytes of a file."""
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)


def program_headers(content: bytes, kind: int) -> list[int]:
    """Offsets of the program headers of one type in a 64-bit little-endian file (gABI chapter 5)."""
    start, size, count = struct.unpack_from("<Q", content, 32)[0], *struct.unpack_from("<HH", content, 54)
    offsets = [start + number * size for number in range(count)]
    return [offset for offset in offsets if struct.unpack_from("<I", content, offset)[0] == kind]
