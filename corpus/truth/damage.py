"""What is done to the broken copies: each change is one mistake that real bundles have been shipped with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corpus.programs import require, run

Change = Callable[[Path], None]

_SITE_PACKAGES = "usr/lib/python3.11/site-packages"
_AARCH64 = 183  # e_machine EM_AARCH64
_386 = 3  # e_machine EM_386


def _only(root: Path, pattern: str) -> Path:
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    if not found:
        raise FileNotFoundError(f"{pattern} matches nothing in {root}")
    return found[0]


def _rewrite(path: Path, content: bytes) -> None:
    """Give a file new content without touching the file that it is hard-linked to."""
    mode = path.stat().st_mode
    real = path.resolve()
    real.unlink()
    real.write_bytes(content)
    real.chmod(mode)


def _patchelf(path: Path, *options: str) -> None:
    require(["patchelf"])
    _rewrite(path, path.read_bytes())
    run(["patchelf", *options, path])


def _foreign(content: bytes, machine: int, elf_class: int) -> bytes:
    changed = bytearray(content)
    changed[4] = elf_class  # EI_CLASS
    changed[18:20] = machine.to_bytes(2, "little")  # e_machine
    return bytes(changed)


def _remove_library(root: Path) -> None:
    for pattern in ("usr/lib/libsqlite3.so.0*", "usr/lib/libffi.so.8*", f"{_SITE_PACKAGES}/numpy.libs/libgfortran*"):
        for path in root.glob(pattern):
            path.unlink()


def _absolute_rpath(root: Path) -> None:
    for pattern in (
        f"{_SITE_PACKAGES}/numpy/_core/_multiarray_umath*.so",
        f"{_SITE_PACKAGES}/numpy/linalg/_umath_linalg*.so",
    ):
        _patchelf(_only(root, pattern), "--force-rpath", "--set-rpath", "/home/builder/project/build/lib")


def _remove_runpath(root: Path) -> None:
    for pattern in (f"{_SITE_PACKAGES}/psycopg2/_psycopg*.so", f"{_SITE_PACKAGES}/psycopg2_binary.libs/libpq-*"):
        _patchelf(_only(root, pattern), "--remove-rpath")


def _foreign_architecture(root: Path) -> None:
    path = _only(root, "usr/lib/libz.so.1.*")
    _rewrite(path, _foreign(path.read_bytes(), _AARCH64, 2))
    path = _only(root, "usr/lib/libbz2.so.1.0.*")
    _rewrite(path, _foreign(path.read_bytes(), _386, 1))
    path = _only(root, "usr/lib/libuuid.so.1.*")
    _rewrite(path, _foreign(path.read_bytes(), _386, 2))


def _text_file(root: Path) -> None:
    path = _only(root, "usr/lib/libffi.so.8.*")
    _rewrite(path, b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 39912\n")
    path = _only(root, "usr/lib/libuuid.so.1.*")
    _rewrite(path, b"/* GNU ld script */\n")


def _truncated(root: Path) -> None:
    path = _only(root, "usr/lib/libsqlite3.so.0.*")
    _rewrite(path, path.read_bytes()[: path.stat().st_size // 2])
    path = _only(root, "usr/lib/libgdbm.so.6.*")
    _rewrite(path, path.read_bytes()[:40])
    path = _only(root, "usr/lib/libuuid.so.1.*")
    _rewrite(path, b"")


def _version_too_new(root: Path) -> None:
    """GLIBC_2.x of a few objects becomes a version that no release has: in the string table and, hashed, in the version needs."""
    for pattern in (
        "usr/lib/python3.11/lib-dynload/_hashlib*.so",
        "usr/lib/python3.11/lib-dynload/_sqlite3*.so",
        "usr/lib/libreadline.so.8.*",
    ):
        path = _only(root, pattern)
        _rewrite(path, _with_newer_glibc(path.read_bytes()))


def _with_newer_glibc(content: bytes) -> bytes:
    from inspector.formats.elf import read_elf
    from inspector.source import BytesSource

    changed = content
    for need in read_elf(BytesSource(content)).verneed:
        if need.version.startswith("GLIBC_2."):
            newer = need.version.replace("GLIBC_2", "GLIBC_9")
            changed = changed.replace(b"\0" + need.version.encode() + b"\0", b"\0" + newer.encode() + b"\0")
            changed = changed.replace(
                _elf_hash(need.version).to_bytes(4, "little"), _elf_hash(newer).to_bytes(4, "little")
            )
    return changed


def _elf_hash(name: str) -> int:
    """The hash of System V gABI, chapter 5, "Hash Table"."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value & 0xFFFFFFFF


def _link_loop(root: Path) -> None:
    for name in ("libssl.so.3", "libexpat.so.1"):
        path = root / "usr/lib" / name
        path.unlink()
        path.symlink_to(name)


def _needed_path(root: Path) -> None:
    path = _only(root, "usr/lib/python3.11/lib-dynload/_ctypes.cpython*.so")
    _patchelf(path, "--replace-needed", "libffi.so.8", "/home/builder/lib/libffi.so.8")
    path = _only(root, "usr/lib/python3.11/lib-dynload/_bz2*.so")
    _patchelf(path, "--replace-needed", "libbz2.so.1.0", "./libbz2.so.1.0")


def _older_library(root: Path) -> None:
    """A Qt of another build in the place of one: its symbol versions are gone, its name is right."""
    stolen = _only(root, "usr/lib/libuuid.so.1.*").read_bytes()
    libraries = root / _SITE_PACKAGES / "PyQt5/Qt5/lib"
    _rewrite(_only(libraries, "libQt5Svg.so.5"), stolen)


def _program_moved(root: Path) -> None:
    """The launcher's library directory gets another name, so that only RPATHs and the host are left."""
    (root / "usr/lib/libreadline.so.8").rename(root / "usr/lib/libreadline.so.8.renamed")
    for path in (root / "usr/lib").glob("libtcl8.6*"):
        path.unlink()


DAMAGES: dict[str, tuple[str, str, Change]] = {
    "library-removed": ("pandas-report", "libraries removed", _remove_library),
    "rpath-absolute": ("scipy", "RPATHs of a build machine", _absolute_rpath),
    "runpath-removed": ("psycopg2", "RPATHs removed", _remove_runpath),
    "foreign-architecture": (
        "python-runtime",
        "libraries of another machine or class in the way",
        _foreign_architecture,
    ),
    "text-file": ("python-runtime", "a Git LFS pointer and a linker script as libraries", _text_file),
    "truncated": ("python-runtime", "libraries cut in the middle, in the header, and empty", _truncated),
    "version-too-new": ("python-runtime", "versions of the C library that no release has", _version_too_new),
    "link-loop": ("python-runtime", "links that lead to themselves", _link_loop),
    "needed-path": ("python-runtime", "needs that are paths", _needed_path),
    "wrong-library": ("pyqt5-widgets", "another library under a library's name", _older_library),
    "renamed": ("flask-app", "a library renamed, another removed", _program_moved),
}
"""Name: the bundle that is broken, what is wrong with it, the change."""
