"""What a program really imports: it runs under the bundle's own interpreter, which writes down what it loaded."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_RECORDER = """\
import atexit, os, runpy, sys
_, record, script, *arguments = sys.argv
owner = os.getpid()
def write():
    if os.getpid() == owner:
        with open(record, "w", encoding="utf-8", errors="replace") as stream:
            for name, module in list(sys.modules.items()):
                file = getattr(module, "__file__", None)
                if isinstance(name, str) and isinstance(file, str):
                    stream.write(name + "\\t" + file + "\\n")
atexit.register(write)
sys.argv[:] = [script, *arguments]
sys.path[0] = os.path.dirname(script)
runpy.run_path(script, run_name="__main__")
"""
"""Imports only what an interpreter may import by itself."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed.

    :ivar status: its exit status.
    :ivar modules: name and tree path of each module that came from a file of the bundle; None as path where only the name is known.
    :ivar output: the end of what it wrote to its error output.
    """

    status: int
    modules: frozenset[tuple[str, str | None]]
    output: str


def run(appdir: Path, script: str, arguments: Sequence[str] = (), *, seconds: float = 180) -> Run:
    """Run a script of an AppDir (tree path) as its AppRun would, with a recorder in front."""
    usr = appdir / "usr"
    with tempfile.TemporaryDirectory(prefix="imports-") as scratch:
        recorder, record = Path(scratch, "recorder.py"), Path(scratch, "record.json")
        recorder.write_text(_RECORDER, encoding="utf-8")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": scratch,
            "APPDIR": str(appdir),
            "PYTHONHOME": str(usr),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LD_LIBRARY_PATH": str(usr / "lib"),
            "TCL_LIBRARY": str(usr / "share/tcltk/tcl8.6"),
            "QT_QPA_PLATFORM": "offscreen",
            "MPLCONFIGDIR": scratch,
            "LANG": "C.UTF-8",
        }
        command: list[str | Path] = [
            usr / "bin/python3.11",
            "-X",
            "importtime",
            recorder,
            record,
            appdir / script,
            *arguments,
        ]
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            cwd=scratch,
            check=False,
        )
        rows = _rows(record)
    prefix = f"{appdir}/"
    modules: set[tuple[str, str | None]] = {
        (name, os.path.realpath(file)[len(prefix) :])
        for name, file in rows
        if file and os.path.realpath(file).startswith(prefix)
    }
    with_file = {name for name, _ in modules}
    lines = done.stderr.splitlines()
    timed = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    modules |= {(name, None) for name in timed - with_file - {"imported package"}}
    said = [line for line in lines if not line.startswith("import time:")]
    return Run(done.returncode, frozenset(modules), "\n".join(said[-3:]))


def _rows(record: Path) -> list[tuple[str, str]]:
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return [(name, file) for name, _, file in (line.partition("\t") for line in lines)]
