"""The tree that every package of this family holds: a Python extension with its libraries, out of Debian's packages, and awkward names."""

from __future__ import annotations

import os
from pathlib import Path

from corpus.debian import download, unpack
from corpus.store import scratch_directory

PACKAGES = ("python3-gdbm", "libgdbm6", "libreadline8")
"""Debian packages; libgdbm and libreadline are under the GPL, so that licences have something to find."""

START = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
exec "$here/bin/sample" "$@"
"""


def write_application(directory: Path) -> None:
    """Write ``start``, ``bin/sample``, ``lib/*.so`` and awkward names below ``directory``, which is made."""
    (directory / "bin").mkdir(parents=True)
    (directory / "lib").mkdir()
    with scratch_directory() as scratch:
        for package in download(PACKAGES):
            unpack(package, scratch)
        for library in sorted(scratch.rglob("*.so*")):
            target = directory / "lib" / library.name
            if library.is_symlink():
                target.symlink_to(library.readlink())
            else:
                target.write_bytes(library.read_bytes())
    program = Path("/bin/true").resolve().read_bytes()
    (directory / "bin/sample").write_bytes(program)
    (directory / "bin/sample").chmod(0o755)
    (directory / "start").write_text(START, encoding="utf-8")
    (directory / "start").chmod(0o755)
    write_awkward_names(directory / "share")


def write_awkward_names(directory: Path) -> None:
    """Write what archives have special forms for: long names, hard links, odd bytes, sparse files, special permissions."""
    deep = directory / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    (deep / ("f" * 120)).write_text("a long path\n", encoding="utf-8")
    (directory / "first-name").write_bytes(b"one file with two names\n" * 40)
    (directory / "second-name").hardlink_to(directory / "first-name")
    (directory / "link").symlink_to("first-name")
    (directory / "long-link").symlink_to("x" * 150)
    (directory / "upwards").symlink_to("../lib")
    Path(os.fsdecode(os.fsencode(directory) + b"/not-utf-8-\xe4\xff")).write_bytes(b"")
    (directory / "\u00fcmlaut").write_text("a name outside of ASCII\n", encoding="utf-8")
    (directory / "set-user-id").write_bytes(b"nothing\n")
    (directory / "set-user-id").chmod(0o4755)
    (directory / "private").mkdir(mode=0o700)
    (directory / "private/empty").touch(mode=0o600)


def write_sparse_file(path: Path) -> None:
    """A file of 20 MB with forty islands of data, more than an old GNU header or its first extension holds."""
    with path.open("wb") as stream:
        for number in range(40):
            stream.seek(number * 500_000)
            stream.write(bytes([65 + number % 26]) * 4096)
        stream.truncate(20_000_000)
