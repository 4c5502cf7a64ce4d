"""The cache of built artifacts: one build at a time per artifact, finished artifacts only, and a record of what each measured.

Layout below the cache directory::

    artifacts/<name>        the artifact, moved here in one rename
    records/<name>.json     revision, bytes, files, seconds; an artifact without a record does not count as built
    locks/                  one lock file per name; several test workers may ask for the same artifact
    downloads/              packages and wheels as their registries gave them
    scratch/                builds in progress
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.programs import require
from corpus.recipe import Recipe, Unavailable, measure

CACHE_VARIABLE = "INSPECTOR_CORPUS"
BUILD_VARIABLE = "INSPECTOR_CORPUS_BUILD"

_unavailable: dict[str, str] = {}
"""Reasons already found by this process, so that a hundred tests do not each wait for the same dead registry."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one build left behind."""

    revision: int
    raw_bytes: int
    file_count: int
    seconds: float
    """Wall time of the build, without that of the artifacts it was built from when they were there already."""


def cache_directory() -> Path:
    """Where artifacts live: the directory named by ``INSPECTOR_CORPUS``, else ``corpus/.cache`` of this checkout."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else Path(__file__).resolve().parent / ".cache"


def download_directory(family: str) -> Path:
    """A directory of downloads that builds share; made when missing."""
    directory = cache_directory() / "downloads" / family
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock called ``name``: other threads and processes that ask for it wait."""
    directory = cache_directory() / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{name.replace('/', '+')}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, also by a crash
        yield


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A fresh directory on the cache's own file system, removed afterwards."""
    parent = cache_directory() / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield directory
    finally:
        remove(directory)


def remove(path: Path) -> None:
    """Remove a file or a tree, also one whose directories are not writable."""
    if not path.is_symlink() and path.is_dir():
        for directory, _, _ in os.walk(path):
            mode = stat.S_IMODE(os.lstat(directory).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                Path(directory).chmod(mode | stat.S_IRWXU)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def artifact_path(name: str) -> Path:
    """Where the artifact of that name lies once it is built."""
    return cache_directory() / "artifacts" / name


def record_of(recipe: Recipe) -> Record | None:
    """The record of the built artifact, or None where it is not built or was built by an older revision of its recipe."""
    try:
        record = Record(**json.loads(_record_path(recipe.name).read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    if record.revision != recipe.revision or not os.path.lexists(artifact_path(recipe.name)):
        return None
    return record


def ensure(recipe: Recipe) -> Path:
    """The artifact's path; builds it first when it is not there.

    Raises ``Unavailable`` when it cannot be built here or building is forbidden, ``CheckFailed`` when the build is not what it should be.
    """
    path = artifact_path(recipe.name)
    if record_of(recipe) is not None:
        return path
    if recipe.name in _unavailable:
        raise Unavailable(_unavailable[recipe.name])
    try:
        if os.environ.get(BUILD_VARIABLE) == "0":
            raise Unavailable(f"{recipe.name} is not built, and {BUILD_VARIABLE}=0 forbids building")
        require(recipe.needs)
        with locked(recipe.name):
            if record_of(recipe) is None:  # another worker may have built it while this one waited
                _build(recipe, path)
    except Unavailable as reason:
        _unavailable[recipe.name] = str(reason)
        raise
    return path


def _build(recipe: Recipe, path: Path) -> None:
    print(f"corpus: building {recipe.name}", file=sys.stderr)
    started = time.monotonic()
    record_path = _record_path(recipe.name)
    with scratch_directory() as scratch:
        result = scratch / path.name
        recipe.build(result)
        recipe.check.verify(result)
        measured = measure(result)
        record = Record(recipe.revision, measured.raw_bytes, measured.file_count, round(time.monotonic() - started, 2))
        record_path.parent.mkdir(parents=True, exist_ok=True)
        record_path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            path.rename(scratch / "older revision")
        result.rename(path)
        written = scratch / "record.json"
        written.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
        written.rename(record_path)


def _record_path(name: str) -> Path:
    return cache_directory() / "records" / f"{name}.json"
