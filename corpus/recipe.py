"""What a recipe is: a name, how to build it, and what the result must measure."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Unavailable(Exception):
    """The artifact cannot be had here: a registry, a program, a privilege or a file is missing.  The text says which."""


class CheckFailed(Exception):
    """The artifact was built and is not what its recipe promises: the recipe or what it was given is wrong."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a finished artifact measures."""

    raw_bytes: int
    """Sum of the sizes of all regular files, each path counted once, in bytes."""
    file_count: int
    """Regular files; symbolic links and directories are not counted."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The artifact is one file with this SHA-256."""

    sha256: str

    def verify(self, path: Path) -> None:
        """Raise ``CheckFailed`` if the file at ``path`` has another SHA-256."""
        found = sha256_of(path)
        if found != self.sha256:
            raise CheckFailed(f"{path.name}: sha256 is {found}, the recipe expects {self.sha256}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The artifact measures something between these bounds, both included.

    For what is made from packages that a distribution keeps updating: the bytes differ from month to month, the kind of thing does not.
    """

    raw_bytes: tuple[int, int]
    file_count: tuple[int, int] = (1, 1)

    def verify(self, path: Path) -> None:
        """Raise ``CheckFailed`` if the file or directory at ``path`` lies outside the bounds."""
        found = measure(path)
        if not self.raw_bytes[0] <= found.raw_bytes <= self.raw_bytes[1]:
            raise CheckFailed(
                f"{path.name}: {found.raw_bytes:,} bytes, the recipe expects {self.raw_bytes[0]:,} to {self.raw_bytes[1]:,}"
            )
        if not self.file_count[0] <= found.file_count <= self.file_count[1]:
            raise CheckFailed(
                f"{path.name}: {found.file_count:,} files, the recipe expects {self.file_count[0]:,} to {self.file_count[1]:,}"
            )


Check = Digest | Bounds


@dataclass(frozen=True, slots=True)
class Recipe:
    """One artifact: a file or a directory that ``build`` writes at a path which does not exist yet."""

    name: str
    """Words joined by ``-``; names of one family share a prefix up to ``/``."""
    summary: str
    build: Callable[[Path], None]
    check: Check
    needs: tuple[str, ...] = ()
    """Programs that must be on PATH."""
    revision: int = 1
    """Counts up when the recipe changes what it builds; an artifact of an older revision is built again."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(path: Path) -> Measurement:
    """Count the regular files at or below ``path`` and their bytes, without following links or opening anything."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        regular = stat.S_ISREG(status.st_mode)
        return Measurement(status.st_size if regular else 0, int(regular))
    raw_bytes = file_count = 0
    for directory, _, names in os.walk(path):
        for name in names:
            status = os.lstat(f"{directory}/{name}")
            if stat.S_ISREG(status.st_mode):
                raw_bytes += status.st_size
                file_count += 1
    return Measurement(raw_bytes, file_count)
