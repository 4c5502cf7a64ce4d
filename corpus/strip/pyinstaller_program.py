"""What PyInstaller makes of a small program: one file with everything in a section of it, one file with everything behind it, and a directory."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from corpus.programs import ProgramFailed, run
from corpus.recipe import Unavailable
from corpus.store import scratch_directory

PROGRAM = """
import json, sqlite3, ssl, sys, zlib
print(json.dumps(sys.argv[1:]), zlib.crc32(b"x"), sqlite3.connect(":memory:").execute("select 6*7").fetchone()[0], ssl.OPENSSL_VERSION.split()[0])
"""


def build_programs(tools: Sequence[Path], destination: Path) -> None:
    """``onefile``, ``appended`` and ``directory/directory`` below ``destination``, made with this interpreter.

    :param tools: the wheels of PyInstaller and of what it needs.
    :raises Unavailable: where PyInstaller fails, for example with an interpreter without a shared library.
    """
    with scratch_directory() as scratch:
        for tool in tools:
            with zipfile.ZipFile(tool) as wheel:
                wheel.extractall(scratch / "tools")
        (scratch / "program.py").write_text(PROGRAM, encoding="utf-8")
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "PyInstaller",
            "--log-level",
            "ERROR",
            "--distpath",
            destination,
        ]
        command += ["--workpath", scratch / "work", "--specpath", scratch, "--noconfirm", scratch / "program.py"]
        environment = {"PYTHONPATH": str(scratch / "tools"), "PYINSTALLER_CONFIG_DIR": str(scratch / "cache")}
        try:
            for options in (["--onefile", "--name", "onefile"], ["--onedir", "--name", "directory"]):
                run([*command, *options], directory=scratch, environment=environment)
        except ProgramFailed as failure:
            raise Unavailable(f"PyInstaller: {str(failure).splitlines()[-1]}") from failure
        _append(scratch, destination)


def _append(scratch: Path, destination: Path) -> None:
    """The same archive behind the bootloader instead of in its section ``pydata``: the form of PyInstaller before 4.8 (and of other systems)."""
    bootloader = next((scratch / "tools").glob("PyInstaller/bootloader/Linux-64bit-intel/run"))
    archive = next((scratch / "work").glob("onefile/onefile.pkg"))
    program = destination / "appended"
    program.write_bytes(bootloader.read_bytes() + archive.read_bytes())
    program.chmod(0o755)
