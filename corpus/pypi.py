"""Wheels from the Python package index, by version and SHA-256, through pip as it is configured on the machine."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.programs import ProgramFailed, run
from corpus.recipe import CheckFailed, Unavailable, sha256_of
from corpus.store import download_directory, locked, scratch_directory


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel: its file name, which holds project, version and tags, and its SHA-256."""

    file_name: str
    sha256: str

    @property
    def requirement(self) -> str:
        """``project==version``."""
        project, version = self.file_name.split("-")[:2]
        return f"{project}=={version}"

    @property
    def tags(self) -> tuple[str, str, list[str]]:
        """(Python tag, ABI tag, platform tags), as the file name ends (the binary distribution format's file name convention)."""
        python, abi, platforms = self.file_name.removesuffix(".whl").split("-")[-3:]
        return python, abi, platforms.split(".")


def download_wheel(wheel: Wheel) -> Path:
    """Download one wheel (``pip download``) and return its path; ``Unavailable`` when the index cannot be reached or no longer has it."""
    directory = download_directory("wheels")
    path = directory / wheel.file_name
    with locked("wheel-" + wheel.file_name):
        if not path.exists():
            found = _fetch(wheel, directory)
            digest = sha256_of(found)
            if digest != wheel.sha256:
                found.unlink()
                raise CheckFailed(f"{wheel.file_name}: sha256 is {digest}, expected {wheel.sha256}")
            found.rename(path)
    return path


def _fetch(wheel: Wheel, directory: Path) -> Path:
    """Download the wheel under a temporary name beside its place."""
    _, abi, platforms = wheel.tags
    given: set[str] = set()
    # A project may serve several wheels that fit one platform tag; one of this wheel's own tags is usually its alone.
    for platform in reversed(platforms):
        options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]
        options += ["--abi", abi, "--platform", platform]
        with scratch_directory() as scratch:
            _pip(["download", *options, "--dest", scratch, wheel.requirement])
            given |= {entry.name for entry in scratch.iterdir()}
            if wheel.file_name in given:
                return (scratch / wheel.file_name).rename(directory / f"{wheel.file_name}.unverified")
    raise Unavailable(f"the package index gave {', '.join(sorted(given))} for {wheel.file_name}")


def install_wheels(wheels: Sequence[Wheel], site_packages: Path, scripts: Path) -> None:
    """Install wheels into ``site_packages`` (``pip install --target``) and their commands into ``scripts``, without bytecode."""
    for wheel in wheels:
        download_wheel(wheel)
    # The interpreter that runs pip need not be the one that the wheels are for, so their tags are named.
    tags = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    platforms = sorted({platform for wheel in wheels for platform in wheel.tags[2] if platform != "any"})
    tags += [part for platform in platforms for part in ("--platform", platform)]
    with scratch_directory() as scratch:
        # By name and digest, not by path: pip would write the path into every dist-info/direct_url.json.
        requirements = scratch / "requirements.txt"
        requirements.write_text(
            "".join(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in wheels), encoding="utf-8"
        )
        source: list[str | Path] = ["--no-index", "--find-links", download_directory("wheels")]
        source += ["--require-hashes", "--requirement", requirements]
        _pip(["install", "--no-deps", "--no-compile", "--only-binary=:all:", *source, *tags, "--target", site_packages])
    _settle_scripts(site_packages, scripts)


def _settle_scripts(site_packages: Path, scripts: Path) -> None:
    """Move commands to where an installation keeps them; --target leaves them in a bin of its own, with the path of pip's interpreter."""
    own = site_packages / "bin"
    if not own.is_dir():
        return
    for script in sorted(own.iterdir()):
        _, text = script.read_text(encoding="utf-8").split("\n", 1)
        script.write_text(f"#!/usr/bin/env python3.11\n{text}", encoding="utf-8")
        script.replace(scripts / script.name)
    own.rmdir()
    for record in site_packages.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        prefix = os.path.relpath(scripts, site_packages)
        record.write_text("".join(_with_digest(line, prefix, scripts) for line in lines), encoding="utf-8")


def _with_digest(line: str, prefix: str, scripts: Path) -> str:
    """A RECORD line; for a command, with its new place, digest and size (the binary distribution format's RECORD)."""
    name = line.split(",", 1)[0]
    if not name.startswith("../../bin/"):
        return line
    content = (scripts / Path(name).name).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{prefix}/{Path(name).name},sha256={digest},{len(content)}\n"


def _pip(arguments: Sequence[str | Path]) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    try:
        run(command, environment={"PIP_ROOT_USER_ACTION": "ignore"})
    except ProgramFailed as failure:
        raise Unavailable(f"pip: {str(failure).splitlines()[-1]}") from failure
