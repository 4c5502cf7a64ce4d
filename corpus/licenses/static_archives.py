"""The static benchmark's programs: which archives are drawn, which half each belongs to, and how the programs are linked.

Rules, written before any fingerprint and before any of the archives was opened:

- **Draw.**  The candidates of ``static_archives.toml`` in the order of the SHA-256 of their package name; the first ``drawn`` of them are the
  population.  The release is trixie where the lowest bit of the digest's second byte is set, else bookworm, unless only one has a static archive.
- **Halves.**  Even ranks are the *development* half: their archives may be looked into.  Odd ranks are the *hidden* half: neither their archives nor
  programs made of them are read (no ``strings``, no ``nm``) while fingerprints are written; upstream's published sources may be.
- **Programs.**  Each archive alone: linked whole, and by calling the functions of ``calls`` (the linker then takes what these need); both with their
  symbols and stripped.  Beside these, five neighbours of a half together: called, with symbols and stripped, and whole and stripped.  What the
  archives themselves need of other libraries is left unresolved: nothing runs the programs.
- **Clients.**  Twenty programs that mention components, import from them or set their environment variables, and contain none.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from corpus.debian import download, unpack
from corpus.programs import run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, locked, scratch_directory

Half = Literal["development", "hidden"]
Linking = Literal["whole", "called", "client"]

POPULATION = Path(__file__).with_name("static_archives.toml")
REVISION = 1
"""Raised when programs are made differently; older ones are then built again."""

_TOGETHER = 5  # archives of one program
_MAP_MEMBER = re.compile(r"^(\S+\.a)\(\S+\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DrawnArchive:
    """One package of the population.

    :ivar rank: its place in the draw.
    :ivar project: what its archives are; ``also``: further components that they carry inside.
    :ivar calls: functions that programs call.
    """

    rank: int
    package: str
    release: str
    half: Half
    project: str
    archives: tuple[str, ...]
    calls: tuple[str, ...]
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StaticProgram:
    """One file of the benchmark.

    :ivar components: project and upstream version of what is inside; none for a client.
    :ivar also: projects that may be reported beside them.
    :ivar half: None for a client.
    """

    name: str
    path: Path
    kind: Literal["alone", "together", "client"]
    linking: Linking
    stripped: bool
    half: Half | None
    components: tuple[tuple[str, str], ...]
    also: tuple[str, ...] = ()


@cache
def _population() -> dict[str, Any]:
    return tomllib.loads(POPULATION.read_text(encoding="utf-8"))


def drawn_archives() -> list[DrawnArchive]:
    """The population in the order of the draw."""
    table = _population()
    ranked = sorted(table["candidates"].split(), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    found = []
    for rank, package in enumerate(ranked[: table["drawn"]]):
        by_digest = "trixie" if hashlib.sha256(package.encode()).digest()[1] & 1 else "bookworm"
        row = table["programs"][package]
        found.append(
            DrawnArchive(
                rank=rank,
                package=package,
                release=table["only_in"].get(package, by_digest),
                half="hidden" if rank % 2 else "development",
                project=row["project"],
                archives=tuple(row["archives"]),
                calls=tuple(row["calls"]),
                also=tuple(entry["project"] for entry in row.get("also", ())),
            )
        )
    return found


def upstream_version(debian_version: str) -> str:
    """A Debian version without epoch, packaging revision and what Debian appends to upstream's.

    "1:4.5.1+dfsg-2+deb12u1" is "4.5.1", "1:1.3.dfsg+really1.3.1-1" is "1.3.1", and libevent's "2.1.12-stable-8" is "2.1.12".
    """
    version = debian_version.rpartition("-")[0] or debian_version
    version = version.partition(":")[2] or version
    version = version.partition("+really")[2] or version
    return re.split(r"[+~.](?:dfsg|ds|repack|deb|git|svn)|-stable", version)[0]


def static_programs(half: Half | None = None) -> list[StaticProgram]:
    """Every program of the benchmark, built where it is not there yet; of one half and the clients where one is named.

    :raises Unavailable: where packages or the compiler cannot be had.
    """
    directory = cache_directory() / "licenses" / "static" / f"revision-{REVISION}"
    programs: list[StaticProgram] = []
    with locked("licenses-static"):
        archives = [archive for archive in drawn_archives() if half in (None, archive.half)]
        libraries = {archive.package: _unpacked(archive, directory) for archive in archives}
        for archive in archives:
            programs += _alone(archive, libraries[archive.package], directory)
        for group in _groups(archives):
            programs += _together(group, libraries, directory)
        programs += _clients(directory)
    return programs


def _unpacked(archive: DrawnArchive, directory: Path) -> tuple[list[Path], str]:
    """Where the package's archives lie, and its upstream version."""
    target = directory / "archives" / archive.package
    version_file = target / "version"
    if not version_file.exists():
        package = download([archive.package], None if archive.release == "bookworm" else archive.release)[0]
        target.mkdir(parents=True, exist_ok=True)
        with scratch_directory() as scratch:
            unpack(package, scratch)
            for name in archive.archives:
                found = sorted(scratch.glob(f"usr/lib/**/{name}"))
                if not found:
                    raise Unavailable(f"{archive.package} of {archive.release} has no {name}")
                (target / name).write_bytes(found[0].read_bytes())
        version_file.write_text(package.name.split("_")[1].replace("%3a", ":"), encoding="utf-8")
    return [target / name for name in archive.archives], upstream_version(version_file.read_text(encoding="utf-8"))


def _groups(archives: Sequence[DrawnArchive]) -> Iterator[list[DrawnArchive]]:
    halves: tuple[Half, ...] = ("development", "hidden")
    for half in halves:
        members = [archive for archive in archives if archive.half == half]
        for start in range(0, len(members), _TOGETHER):
            yield members[start : start + _TOGETHER]


def _alone(archive: DrawnArchive, unpacked: tuple[list[Path], str], directory: Path) -> Iterator[StaticProgram]:
    libraries, version = unpacked
    linkings: tuple[Linking, ...] = ("whole", "called")
    for linking in linkings:
        for stripped in (False, True):
            name = f"{archive.package}-{linking}{'-stripped' if stripped else ''}"
            path = directory / archive.half / name
            if not path.exists():
                whole = linking == "whole"
                _link(path, libraries, () if whole else archive.calls, whole=whole, stripped=stripped)
            yield StaticProgram(
                name, path, "alone", linking, stripped, archive.half, ((archive.project, version),), archive.also
            )


def _together(
    group: Sequence[DrawnArchive], unpacked: dict[str, tuple[list[Path], str]], directory: Path
) -> Iterator[StaticProgram]:
    libraries = [path for archive in group for path in unpacked[archive.package][0]]
    calls = [function for archive in group for function in archive.calls]
    components = tuple((archive.project, unpacked[archive.package][1]) for archive in group)
    also = tuple(project for archive in group for project in archive.also)
    variants: tuple[tuple[Linking, bool], ...] = (("called", False), ("called", True), ("whole", True))
    for linking, stripped in variants:
        name = f"together-{group[0].rank:02}-{linking}{'-stripped' if stripped else ''}"
        path = directory / group[0].half / name
        if not path.exists():
            whole = linking == "whole"
            _link(path, libraries, () if whole else calls, whole=whole, stripped=stripped)
        yield StaticProgram(name, path, "together", linking, stripped, group[0].half, components, also)


def _link(path: Path, libraries: Sequence[Path], calls: Sequence[str], *, whole: bool, stripped: bool) -> None:
    """Link a program with archives.

    :raises RuntimeError: where the linker took no member of one of the archives: the program would contain nothing to find.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_directory() as scratch:
        declared = "".join(f"extern void {function}(void);\n" for function in calls)
        called = "".join(f"  {function}();\n" for function in calls)
        source = scratch / "program.c"
        source.write_text(f"{declared}int main(void)\n{{\n{called}  return 0;\n}}\n")
        options = ["-O2", "-w", "-fno-builtin", "-Wl,--unresolved-symbols=ignore-all", "-Wl,-z,muldefs,-z,notext"]
        if stripped:
            options.append("-s")
        group = ["-Wl,--whole-archive" if whole else "-Wl,--start-group", *map(str, libraries)]
        group.append("-Wl,--no-whole-archive" if whole else "-Wl,--end-group")
        built, link_map = scratch / "program", scratch / "map"
        run(["gcc", *options, source, *group, f"-Wl,-Map={link_map}", "-o", built])
        taken = {Path(name).name for name in _MAP_MEMBER.findall(link_map.read_text(errors="replace"))}
        if missing := {library.name for library in libraries} - taken:
            raise RuntimeError(f"{path.name}: the linker took nothing of {', '.join(sorted(missing))}")
        built.rename(path)


def _clients(directory: Path) -> Iterator[StaticProgram]:
    for row in _population()["clients"]:
        path = directory / "clients" / row["name"]
        if not path.exists():
            _link_client(path, row)
        yield StaticProgram(row["name"], path, "client", "client", True, None, ())


def _link_client(path: Path, row: dict[str, Any]) -> None:
    """Link a client with empty libraries of the SONAMEs that it needs: what it imports stands in its symbol table as it does in real ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_directory() as scratch:
        functions = "".join(f"void {function}(void) {{}}\n" for function in row["calls"])
        stubs = []
        for number, soname in enumerate(row["needed"]):
            stub = scratch / f"stub{number}.c"
            stub.write_text(functions if number == 0 else f"void needed_{number}(void) {{}}\n")
            stubs.append(scratch / soname)
            run(["gcc", "-w", "-shared", "-fPIC", stub, f"-Wl,-soname,{soname}", "-o", stubs[-1]])
        quoted = [text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in row["texts"]]
        lines = "".join(f'  puts("{text}");\n' for text in quoted)
        declared = "".join(f"extern void {function}(void);\n" for function in row["calls"])
        called = "".join(f"  {function}();\n" for function in row["calls"])
        source = scratch / "client.c"
        source.write_text(f"#include <stdio.h>\n{declared}int main(void)\n{{\n{lines}{called}  return 0;\n}}\n")
        built = scratch / "client"
        run(["gcc", "-O2", "-w", "-fno-builtin", "-s", source, "-Wl,--no-as-needed", *stubs, "-o", built])
        built.rename(path)
