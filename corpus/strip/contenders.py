"""The two strips, each on a copy of every tree, and what each saved."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from corpus.strip.independent import damage
from corpus.strip.population import ElfMember
from inspector.errors import FormatError
from inspector.formats.elf import read_elf
from inspector.formats.elf.strip import strip_elf
from inspector.source import FileSource


@dataclass(slots=True)
class Measured:
    """One file, by its content; sizes in bytes.

    :ivar members: where it lies; the first one was measured.
    :ivar ours: its size after our strip; ``size`` where it was left.
    :ivar left: why ours left it, or None.
    :ivar ours_broken: what is different to a loader afterwards, be it ever so small, or None.
    :ivar gnu: its size after GNU strip; ``size`` where that failed.
    :ivar gnu_broken: what no loader or program forgives, or None.
    :ivar gnu_changed: what else is different in memory, or None: GNU strip cuts segments down to what sections need, which may be harmless.
    :ivar gnu_refused: what GNU strip said, or None.
    :ivar answers: of dlopen(): before, after ours, after GNU's, each in a tree that was stripped as a whole; empty where it was not asked.
    :ivar seconds: that ours took, planning, verification and reading included; ``read_seconds`` that reading the file once took, from memory.
    :ivar gnu_alone: what dlopen() answers where GNU strip changed this file only: whether it is at fault, and not a library that it needs.
    """

    members: list[ElfMember]
    architecture: str
    type: str
    size: int
    ours: int
    gnu: int
    left: str | None = None
    ours_broken: str | None = None
    gnu_broken: str | None = None
    gnu_changed: str | None = None
    gnu_refused: str | None = None
    answers: tuple[str, ...] = ()
    gnu_alone: str | None = None
    seconds: float = 0.0
    read_seconds: float = 0.0
    gnu_seconds: float = 0.0
    removed: dict[str, int] = field(default_factory=dict)

    @property
    def is_for_musl(self) -> bool:
        """Whether it is of a wheel for musl."""
        return "musllinux" in self.members[0].tree.rpartition("-")[2]

    @property
    def gnu_breaks(self) -> bool:
        """Whether GNU strip made something of it that does not load, or loads as something else."""
        return self.gnu_broken is not None or (self.gnu_alone is not None and self.gnu_alone != self.answers[0])

    @property
    def ours_breaks(self) -> bool:
        """The same for ours."""
        return self.ours_broken is not None or (bool(self.answers) and self.answers[1] != self.answers[0])


def measure(members: Sequence[ElfMember], original: Path, ours: Path, gnu: Path) -> list[Measured]:
    """Strip every file of ``original`` into the trees ``ours`` and ``gnu``, equal ones once."""
    found: dict[str, Measured] = {}
    for member in members:
        path = original / member.path
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        row = found.get(digest)
        if row is None:
            row = found[digest] = _strip_both(member, content, path, ours / member.path, gnu / member.path)
        else:
            row.members.append(member)
            for tree in (ours, gnu):
                replace(tree / member.path, tree / row.members[0].path)
    return list(found.values())


def replace(path: Path, like: Path) -> None:
    """Make ``path`` the same file as ``like``; what it was a link to stays as it is."""
    path.unlink()
    path.hardlink_to(like)


def _strip_both(member: ElfMember, content: bytes, path: Path, our_path: Path, gnu_path: Path) -> Measured:
    with FileSource(path) as source:
        started = time.perf_counter()
        source.read_at(0, source.size)
        read_seconds = time.perf_counter() - started
        try:
            started = time.perf_counter()
            elf = read_elf(source)
            outcome = strip_elf(source, elf)
            seconds = time.perf_counter() - started
        except FormatError as error:
            return Measured([member], "unreadable", "", len(content), len(content), len(content), left=str(error))
        new = None if outcome.content is None else outcome.content.content()
    row = Measured([member], elf.arch, elf.type, len(content), len(content) - outcome.bytes_saved, len(content))
    row.left, row.removed = outcome.reason, dict(outcome.removed)
    row.seconds, row.read_seconds = seconds, read_seconds
    if new is not None:
        _write(our_path, new, path)
        row.ours_broken = next(filter(None, damage(path, our_path)), None)
    elif outcome.left == "doubt":
        row.ours_broken = f"given back: {outcome.reason}"
    started = time.perf_counter()
    output = gnu_path.with_name(gnu_path.name + ".stripped")
    command: list[str | Path] = ["strip", "--strip-unneeded", "-o", output, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    row.gnu_seconds = time.perf_counter() - started
    if done.returncode or not output.exists():
        row.gnu_refused = " ".join(done.stderr.split())[-200:] or f"exit status {done.returncode}"
        output.unlink(missing_ok=True)
        return row
    row.gnu = output.stat().st_size
    output.replace(gnu_path)
    row.gnu_broken, row.gnu_changed = damage(path, gnu_path)
    return row


def _write(path: Path, content: bytes, like: Path) -> None:
    path.unlink()
    path.write_bytes(content)
    shutil.copymode(like, path)
