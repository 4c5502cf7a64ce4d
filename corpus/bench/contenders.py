"""Who runs against whom: Inspector, and what people use today on the same artifact."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import corpus
from corpus.appimage_runtime import payload_offset_of
from corpus.frozen.tools import freezer
from corpus.programs import run
from corpus.store import remove, scratch_directory

INSPECTOR = "inspect audit"
INSPECTOR_STATUSES = (0, 1, 4)
"""Gate passed, gate failed, incomplete: an audit that was done."""

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 3_000_000_000
"""Bytes: two unpacked copies of the largest artifact, and as much again for everybody else."""

PEERS = ("unsquashfs", "pyi-archive_viewer", "auditwheel show", "libtree", "lddtree", "readelf loop")


@dataclass(frozen=True, slots=True)
class Contender:
    """One program on one artifact."""

    name: str
    command: list[str]
    accepted: tuple[int, ...] = (0,)
    """Exit statuses that mean it did its work."""
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    """Runs before each measured run, outside the measurement."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One artifact and everybody who runs on it, Inspector first."""

    name: str
    contenders: list[Contender]
    raw_bytes: int
    """Unpacked size."""
    file_count: int
    left_out: dict[str, str]
    """Peers that do not run here, with the reason."""


@contextmanager
def unpack_directory() -> Iterator[Path]:
    """A directory for unpacked trees: in memory where there is room, else in the corpus's cache.

    Extraction to a disk measures the disk, and mostly how busy others keep it: the same extraction took 2 to 26 seconds.  Memory is the
    harder comparison, and the one that repeats.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        directory = Path(tempfile.mkdtemp(prefix="corpus-bench-", dir=MEMORY))
        try:
            yield directory
        finally:
            remove(directory)
    else:
        with scratch_directory() as directory:
            yield directory


def startup() -> Subject:
    """``inspect --version`` beside a bare interpreter."""
    contenders = [
        Contender("inspect --version", [sys.executable, "-m", "inspector", "--version"]),
        Contender("python -c pass", [sys.executable, "-c", "pass"]),
    ]
    return Subject("start-up", contenders, 0, 0, {})


def subject(name: str, peers: tuple[str, ...], scratch: Path) -> Subject:
    """The contenders for a corpus artifact; ``scratch`` is where trees are unpacked.

    Raises ``corpus.Unavailable`` and ``KeyError`` as ``corpus.artifact`` does.
    """
    path = corpus.artifact(name)
    if name.startswith("wheels/"):
        return _wheel(name, path, peers)
    if path.is_dir():
        return _directory(name, path, path, [], peers)
    if name.startswith("frozen/pyinstaller-"):
        return _pyinstaller_program(name, path, peers, scratch)
    return _appimage(name, path, peers, scratch)


def _audit(path: Path) -> Contender:
    return Contender(INSPECTOR, [sys.executable, "-m", "inspector", "audit", str(path)], INSPECTOR_STATUSES)


def _wheel(name: str, path: Path, peers: tuple[str, ...]) -> Subject:
    """A wheel: ``auditwheel show`` reads the wheel, Inspector the same wheel unpacked."""
    unpacked = corpus.artifact(f"unpacked-{name}".removesuffix(".whl"))
    contenders, left_out = [_audit(unpacked)], {}
    if "auditwheel show" in peers:
        program = Path(sys.executable).with_name("auditwheel")
        if program.exists():
            contenders.append(Contender("auditwheel show", [sys.executable, "-m", "auditwheel", "show", str(path)]))
        else:
            left_out["auditwheel show"] = "not installed beside this Python"
    measured = corpus.measure(unpacked)
    return Subject(name, contenders, measured.raw_bytes, measured.file_count, left_out)


def _pyinstaller_program(name: str, path: Path, peers: tuple[str, ...], scratch: Path) -> Subject:
    """A program of one file: PyInstaller's own tool writes every member of it to a directory.

    Once more with the modules of its PYZ, which an audit reads and lists with their sizes.
    """
    if "pyi-archive_viewer" not in peers:
        return Subject(name, [_audit(path)], path.stat().st_size, 1, {})
    viewer = freezer("pyinstaller").with_name("pyi-archive_viewer")
    listed = run([viewer, "--list", "--recursive", "--brief", path]).split("Contents of ")[1:]
    names = [[line.strip() for line in part.splitlines()[1:]] for part in listed]
    members = scratch / "members"

    def emptied() -> None:
        remove(members)
        members.mkdir()

    def extraction(label: str, asked: str) -> Contender:
        commands = scratch / f"{label}.commands"
        commands.write_text(f"{asked}Q\n", encoding="utf-8")
        shell = ["sh", "-c", 'exec "$0" "$1" < "$2" > /dev/null', str(viewer), str(path), str(commands)]
        return Contender(label, shell, before=emptied)

    def wanted(of_archive: list[str], prefix: str) -> str:
        return "".join(f"X {member}\n{members / prefix}{number}\n" for number, member in enumerate(of_archive))

    of_program = wanted(names[0], "member-")
    modules = "".join(f"O PYZ.pyz\n{wanted(part, 'module-')}U\n" for part in names[1:2])
    contenders = [
        extraction("pyi-archive_viewer", of_program),
        extraction("pyi-archive_viewer, modules too", of_program + modules),
    ]
    emptied()
    run(contenders[0].command)
    measured = corpus.measure(members)
    return Subject(name, [_audit(path), *contenders], measured.raw_bytes, measured.file_count, {})


def _appimage(name: str, path: Path, peers: tuple[str, ...], scratch: Path) -> Subject:
    if shutil.which("unsquashfs") is None:
        return Subject(
            name, [_audit(path)], path.stat().st_size, 1, dict.fromkeys(peers, "unsquashfs is not installed")
        )
    tree, again = scratch / "tree", scratch / "again"
    unpack = ["unsquashfs", "-quiet", "-no-progress", "-offset", str(payload_offset_of(path))]
    run([*unpack, "-dest", tree, path])
    extraction = Contender("unsquashfs", [*unpack, "-dest", str(again), str(path)], before=lambda: remove(again))
    return _directory(name, path, tree, [extraction] if "unsquashfs" in peers else [], peers)


def _directory(name: str, audited: Path, tree: Path, others: list[Contender], peers: tuple[str, ...]) -> Subject:
    """The peers that read an unpacked tree, beside Inspector on the artifact itself."""
    contenders, left_out = [_audit(audited), *others], {}
    elf_files = [str(path) for path in _elf_files(tree)]
    environment = {"LD_LIBRARY_PATH": f"{tree}/usr/lib"}
    for peer, program, command in (
        ("libtree", "libtree", ["libtree", "-p", *elf_files]),
        ("lddtree", "lddtree", ["lddtree", *elf_files]),
        ("readelf loop", "readelf", [sys.executable, "-m", "corpus.bench.readelf_loop", str(tree)]),
    ):
        if peer not in peers:
            continue
        if shutil.which(program) is None:
            left_out[peer] = f"{program} is not installed"
        else:
            # libtree ends with the number of files that miss a library, lddtree with 1: that too is an answer
            accepted = tuple(range(256)) if peer == "libtree" else (0, 1)
            contenders.append(Contender(peer, command, accepted, {} if peer == "readelf loop" else environment))
    measured = corpus.measure(tree)
    return Subject(name, contenders, measured.raw_bytes, measured.file_count, left_out)


def _elf_files(tree: Path) -> list[Path]:
    """The programs and shared objects: what starts with the ELF magic and is of type ET_EXEC or ET_DYN (System V gABI)."""
    found = []
    for directory, _, names in os.walk(tree):
        for name in sorted(names):
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    head = file.read(18)
                if head.startswith(b"\x7fELF") and head[16:] in (b"\x02\0", b"\x03\0", b"\0\x02", b"\0\x03"):
                    found.append(path)
    return found
