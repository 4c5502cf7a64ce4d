"""One artifact of every format: a name of the corpus, or a few lines that build it.  A reader without one fails a test."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from corpus.frozen.packed_resources import Resource, write
from tests import squashfs_images
from tests.appimage_builder import runtime
from tests.elf_builder import TinyElf
from tests.iso9660_volumes import directory, record, volume
from tests.package_builder import scie, scie_file

CORPUS: dict[str, str] = {
    "a PyInstaller program": "frozen/pyinstaller-onefile",
    "a Nuitka one-file program": "frozen/nuitka::hello.bin",
    "a PyOxidizer program": "frozen/packed-resources",
    "a program with frozen Python modules": "frozen/frozen-modules",
    "a Debian package": "packages/libgdbm.deb",
    "an RPM package": "packages/sample-zstd.rpm",
    "a snap": "packages/sample-xz.snap",
    "a squashfs image": "packages/sample.squashfs",
    "a XAR file": "packages/sample-zstd.xar",
    "a makeself archive": "packages/sample-xz.run",
    "a script with an archive behind it": "packages/installer.sh",
    "a Flatpak bundle": "packages/sample.flatpak",
    "an OCI image archive": "packages/debian.oci.tar",
    "an image written by docker save": "packages/debian.docker.tar",
    "a python-build-standalone archive": "packages/standalone-python.tar.zst",
    "an environment packed by conda-pack": "conda/environment.tar.gz",
    "an environment of conda-pack in a ZIP archive": "conda/environment.zip",
    "a conda package": "conda/gdbm-module-3.11.2-py311_0.tar.bz2",
    "a conda package of the newer form": "conda/gdbm-module-3.11.2-py311_0.conda",
    "a tar archive": "packages/sample.tar.zst",
    "a PEX file": "archives/pex-zipapp",
    "a shiv file": "archives/shiv",
    "a zipapp": "archives/zipapp",
    "a wheel": "wheels/msgpack-1.2.4-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl",
    "an archive of Python modules": "cx-freeze/hello::lib/library.zip",
    "a source distribution": "archives/sdist.tar.gz",
    "an egg": "archives/egg",
    "a source distribution in a ZIP archive": "archives/sdist.zip",
    "an OCI image layout": "packages/debian.oci",
    "a Flatpak build directory": "packages/flatpak-build",
    "an OSTree repository": "packages/ostree-archive",
    "a PyInstaller folder": "frozen/pyinstaller-folder",
    "a Nuitka folder": "frozen/nuitka::hello.dist",
    "a cx_Freeze folder": "cx-freeze/hello",
    "a PEX in the packed or loose layout": "archives/pex-packed",
}
"""Name in the corpus by the reader's title; behind "::" the file of it."""


def _file(content: bytes, name: str = "App") -> Callable[[Path], Path]:
    def build(place: Path) -> Path:
        (place / name).write_bytes(content)
        return place / name

    return build


def _zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _tree(members: Mapping[str, bytes]) -> Callable[[Path], Path]:
    def build(place: Path) -> Path:
        for name, content in members.items():
            (place / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "tree" / name).write_bytes(content)
        return place / "tree"

    return build


def _squashfs() -> bytes:
    inode = squashfs_images.file_inode(2, 5, (squashfs_images.RAW_BLOCK | 5,))
    return squashfs_images.one_file(inode, name=b"AppRun", data=b"hello")


BUILT: dict[str, Callable[[Path], Path]] = {
    "a type 1 AppImage": _file(volume(directory(record(b"APPRUN;1", 19, 5)), b"hello", system_area=runtime(magic=b"AI\1"))),
    "a type 2 AppImage": _file(runtime() + _squashfs()),
    "an ELF file": _file(TinyElf(soname="libone.so.1").build(), "libone.so.1"),
    "a scie": _file(scie(TinyElf().build(), [(scie_file("a.txt", b"a", "blob"), b"a")], {})),
    "a ZIP archive": _file(_zipped({"bin/app": TinyElf(soname="a").build(), "share/a.txt": b"a"}), "app.zip"),
    "a PyOxidizer folder": _tree({"app": TinyElf(program=True).build(), "lib/packed-resources": write([Resource("readline", "built-in")])}),
    "an AppDir": _tree({"AppRun": b"#!/bin/sh\n"}),
    "any other directory": _tree({"a.txt": b"a"}),
}  # fmt: skip
"""What builds an artifact in a directory, by the reader's title."""


def _onelf() -> bytes:
    return TinyElf(soname="x").build() + (b"ONELF\0\x01\0" + bytes(60) + b"FLENONE\0")


def _dotnet() -> bytes:
    front = TinyElf(program=True).build() + bytes(16)
    mark = hashlib.sha256(b".net core bundle\n").digest()
    return front + struct.pack("<q", len(front) + 40) + mark + struct.pack("<IIi", 6, 0, 170) + b"\x0bbundle-id.."


REFUSED: dict[str, Callable[[], bytes]] = {
    "a RunImage": lambda: runtime(magic=b"RI\2"),
    "a FlatImage": lambda: runtime(magic=b"FI\1"),
    "a wrappe file": lambda: TinyElf(soname="x").build() + b"PE3DATA\0" + bytes(793),
    "an onelf package": _onelf,
    "a manifest of flatpak-builder": lambda: (
        b'{"id": "org.example.App", "runtime": "org.freedesktop.Platform", "command": "app", "modules": []}'
    ),
    "a Bun program": lambda: TinyElf(program=True).build() + b"console.log(1)" + bytes(32) + b"\n---- Bun! ----\n",
    "a .NET single-file program": _dotnet,
    "a PyApp program": lambda: (
        TinyElf(program=True).build() + b"PYAPP_PROJECT_NAME\0PYAPP_INSTALL_DIR_X\0PYAPP_SKIP_INSTALL\0"
    ),
    "a py2exe program": lambda: b"MZ" + bytes(1000) + _zipped({"app/__init__.pyc": struct.pack("<I", 3495)}),
}
"""The bytes of what is refused by its name, or opened as an ELF file whose payload is named, by the reader's title."""
