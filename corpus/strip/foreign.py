"""dlopen() on systems that this machine is not: Debian's Python of another architecture under qemu-user, and musl by a small loader of our own."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from corpus.debian import apt, unpack
from corpus.programs import ProgramFailed, require, run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, locked
from corpus.strip.contenders import Measured
from corpus.strip.loading import fill_answers

LOADING = Path(__file__).with_name("loading.py")
MUSL_LOADER = Path(__file__).with_name("musl_loader.c")
_EMULATED = {"aarch64": ("arm64", "qemu-aarch64-static"), "armv7l": ("armhf", "qemu-arm-static")}
"""By architecture: Debian's name of it, and the emulator."""
_PACKAGES = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8",
    "libbz2-1.0", "liblzma5", "libssl3", "libuuid1", "libcrypt1", "libgomp1",
)  # fmt: skip


def emulated_python(architecture: str) -> list[str]:
    """The command that runs Debian 12's Python of another architecture; it and its libraries are downloaded and unpacked at the first time.

    :raises Unavailable: without the emulator, off Debian, or where the mirror cannot be reached.
    """
    debian_name, emulator = _EMULATED[architecture]
    require([emulator])
    root = cache_directory() / "strip" / f"bookworm-{debian_name}"
    with locked(f"strip-{debian_name}"):
        if not (root / "usr/bin/python3.11").exists():
            _unpack_python(debian_name, root)
    return [emulator, "-L", str(root), str(root / "usr/bin/python3.11"), "-I", "-S"]


def _unpack_python(debian_name: str, root: Path) -> None:
    own = apt("bookworm")
    directory = cache_directory() / "strip" / f"apt-{debian_name}"
    for part in ("lists/partial", "cache/archives/partial", "deb"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    options = [*own.options(), "-o", f"APT::Architecture={debian_name}", "-o", f"APT::Architectures={debian_name}"]
    options += ["-o", f"Dir::State::Lists={directory / 'lists'}", "-o", f"Dir::Cache={directory / 'cache'}"]
    with suppress(ProgramFailed):  # where a mirror lacks one of several lists, the others will do
        run(["apt-get", *options, "update"])
    try:
        run(["apt-get", *options, "download", *_PACKAGES], directory=directory / "deb")
        for package in sorted((directory / "deb").glob("*.deb")):
            unpack(package, root)
        for old in (
            "lib",
            "lib64",
        ):  # where packages from before the merge of /usr put things, and the loader's own path
            _merge(root / old, root / "usr" / old)
    except ProgramFailed as failure:
        raise Unavailable(f"Debian's Python for {debian_name}: {str(failure).splitlines()[-1]}") from failure


def _merge(directory: Path, into: Path) -> None:
    if directory.is_dir() and not directory.is_symlink():
        shutil.copytree(directory, into, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(directory)
    if not directory.is_symlink() and into.is_dir():
        directory.symlink_to(f"usr/{directory.name}")


def ask_foreign_loaders(rows: Sequence[Measured], roots: Sequence[Path], directory: Path) -> None:
    """Fill the answers of all rows that are not for this machine's own loader; what cannot be asked is left, and why is printed."""
    for name, is_wanted, command in _systems(directory):
        wanted = [row for row in rows if row.type == "DYN" and is_wanted(row)]
        try:
            asking = command()
        except Unavailable as reason:
            print(f"dlopen on {name} not asked: {reason}")
            continue
        fill_answers(wanted, roots, partial(_ask, asking))


def _systems(directory: Path) -> list[tuple[str, Callable[[Measured], bool], Callable[[], list[str]]]]:
    def of(architecture: str, *, musl: bool) -> Callable[[Measured], bool]:
        return lambda row: row.architecture == architecture and row.is_for_musl == musl

    def python(architecture: str) -> Callable[[], list[str]]:
        return lambda: [*emulated_python(architecture), str(LOADING)]

    systems = [(name, of(name, musl=False), python(name)) for name in _EMULATED if name != platform.machine()]
    return [*systems, ("musl", of(platform.machine(), musl=True), lambda: _musl_loader(directory))]


def _musl_loader(directory: Path) -> list[str]:
    require(["musl-gcc"])
    loader = directory / "musl-loader"
    run(["musl-gcc", "-O1", "-o", loader, MUSL_LOADER])
    return [str(loader)]


def _ask(command: list[str], paths: Sequence[Path], root: Path) -> list[str]:
    done = subprocess.run(
        command, input="".join(f"{path}\n" for path in paths), capture_output=True, text=True, check=False
    )
    answers = [line.replace(str(root), "") for line in done.stdout.splitlines()]
    if len(answers) != len(paths):
        raise RuntimeError(f"{len(answers)} answers for {len(paths)} files: {(done.stdout + done.stderr)[-500:]}")
    return answers
