"""The readers of archives, packages and images, as data: what each is called, how it is told, what it cannot do.

What reads them is imported when the first bytes fit, so that whoever audits an AppImage does not pay for twenty formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from inspector.artifact.reader import Candidate, DirectoryReader, Reader
from inspector.artifact.tree import Tree

_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")  # compressed_stream.py
_SCIE_TAIL = 0x10002  # a-scie/jump, jump/src/boot/pack.rs: the manifest is in the last 64 KiB, between two line ends
_LARGEST_MANIFEST = 1 << 20


def _later(module: str, function: str, *leading: str) -> Callable[..., Any]:
    """A function of a module that is imported when it is called.

    :param leading: arguments that go before those of the call.
    """

    def call(*arguments: object) -> Any:  # noqa: ANN401 -- whatever the function gives
        return getattr(import_module(f"inspector.artifact.{module}"), function)(*leading, *arguments)

    return call


def _if(fits: Callable[[Any], bool], recognises: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Both, the cheap one first."""
    return lambda shown: fits(shown) and recognises(shown)


def _begins(*beginnings: bytes) -> Callable[[Candidate], bool]:
    return lambda candidate: candidate.head.startswith(beginnings)


def _holds(*names: str) -> Callable[[Tree], bool]:
    return lambda tree: all(name in tree for name in names)


def _may_be_tar(candidate: Candidate) -> bool:
    """Whether the first bytes are those of a compressed stream or of a tar header: its checksum is six octal digits."""
    if candidate.head.startswith(_COMPRESSED):
        return True
    return len(candidate.head) >= 512 and candidate.head[148:154].strip(b" \0").isdigit()


def _is_xar(candidate: Candidate) -> bool:
    return candidate.head.startswith(b"#!") and b"\n#xar_stop" in candidate.source.read_at(0, 1 << 16)


def _may_be_manifest(candidate: Candidate) -> bool:
    if candidate.source.size > _LARGEST_MANIFEST or b"\0" in candidate.head:
        return False
    return re.search(rb"\bid\b", candidate.head) is not None


def _may_be_scie(candidate: Candidate) -> bool:
    source = candidate.source
    return candidate.is_elf and b'"scie"' in source.read_at(max(source.size - _SCIE_TAIL, 0), _SCIE_TAIL)


def _tar(name: str, title: str, *limitations: str) -> Reader:
    recognises = _if(_may_be_tar, _later("archives.tar", "is_archive_of", name))
    return Reader(name, title, (*limitations, *_OF_TAR), recognises, _later("archives.tar", "open_archive_of", name))


def _image(name: str, title: str) -> Reader:
    recognises = _if(_may_be_tar, _later("containers.container_archive", "is_image_archive", name))
    return Reader(
        name, title, _OF_IMAGES, recognises, _later("containers.container_archive", "open_image_archive", name)
    )


_OF_TAR = (
    "Archives of several volumes and members compressed one by one are not read.",
    "What is compressed with lzip or compress(1) is not read; lz4 needs the package lz4.",
    "Where a stream is compressed, a member's stored size is its share, within a quarter of a megabyte.",
    "Extended attributes and access control lists are not shown.",
)
_OF_IMAGES = (
    "Of several images in one file the one for x86-64 Linux is read, else the first; the others are named.",
    "Layers that are encrypted, or that the file does not carry, are named and left out.",
    "A command that a shell is given as text is not followed: the shell counts as what is started.",
    "Bytes of lower layers that an upper layer hides are part of the file's size and not of the tree.",
)
_OF_SQUASHFS = ("Squashfs images other than version 4.0, and those compressed with lzo, are named and not read.",)
_OF_FLATPAK = (
    "The runtime is named and not read: libraries that it has count as the system's, unless a captured profile of it is given as the host.",
    "Extensions (locales, plug-ins, GL drivers) are not in it and not looked for.",
    "The tree has a link that no checkout has: app or usr, which leads to files, as at run time.",
)
_OF_OSTREE = (
    "Commits, directories and their modes are compared with their checksums, contents of files are not.",
    "Extended attributes are not shown, and all times are 0, as in a checkout.",
)
_OF_SCRIPTS = (
    "The script is not executed and not followed: what it does with the members after unpacking them is not known.",
    "Archives that are encrypted, in base64, or compressed with compress(1) are named and not read; lz4 needs the package lz4.",
)
_OF_ENVIRONMENTS = "Prefixes that conda-unpack rewrites after extraction are read as they lie in the archive."
_LINKS_IN_ZIP = (
    "Where conda-pack was not told --zip-symlinks, links are whole files, and the same bytes count as often."
)
_OF_CONDA = ("Libraries of the packages that it depends on are not there, and so count as missing.",)
_OF_PACKAGES = (
    "Scripts and triggers of the package are not followed: what they make or link at installation is not there.",
    "Libraries of the packages that it depends on are not in it; they are asked of the system.",
)

# Beginnings: deb(5); RPM reference manual, "RPM V4 Package format"; squashfs_fs.h, SQUASHFS_MAGIC; flatpak-builtins-build-bundle.c, whose metadata
# begin with the key "flatpak", and ostree-repo-static-delta-private.h, the magic of signed deltas in both byte orders
READERS = (
    Reader("deb", "a Debian package", _OF_PACKAGES, _begins(b"!<arch>\ndebian-binary"), _later("archives.deb", "open_deb")),
    Reader(
        "rpm", "an RPM package",
        (*_OF_PACKAGES, "Files that the header names and the payload does not carry (ghosts) are not in the tree."),
        _begins(b"\xed\xab\xee\xdb"), _later("archives.rpm", "open_rpm"),
    ),
    Reader(
        "snap", "a snap",
        (
            *_OF_SQUASHFS, "The base is named and not read; libraries that it has count as the system's.",
            "Content that other snaps share, and layouts, are not followed.",
        ),
        _if(_begins(b"hsqs"), _later("squashfs_images.snap", "is_snap")), _later("squashfs_images.snap", "open_squashfs"),
    ),
    Reader(
        "squashfs", "a squashfs image",
        (*_OF_SQUASHFS, "Whether it is a whole root file system is told by its names: usr beside etc or bin."),
        _begins(b"hsqs"), _later("squashfs_images.snap", "open_squashfs"),
    ),
    Reader("xar", "a XAR file", (*_OF_SQUASHFS, "XAR files that it depends on are not read."), _is_xar, _later("squashfs_images.xar", "open_xar")),
    Reader(
        "makeself", "a makeself archive", _OF_SCRIPTS,
        _if(_begins(b"#!"), _later("archives.script_archive", "is_makeself")), _later("archives.script_archive", "open_makeself"),
    ),
    Reader(
        "script-archive", "a script with an archive behind it",
        (*_OF_SCRIPTS, "Looked for are tar archives in a compressed stream that begins behind a line's end in the first 16 MiB."),
        _if(_begins(b"#!"), _later("archives.script_archive", "is_script_archive")), _later("archives.script_archive", "open_script_archive"),
    ),
    Reader(
        "flatpak", "a Flatpak bundle",
        (
            *_OF_FLATPAK, *_OF_OSTREE, "Bundles of big-endian writers, and those that build on an older commit, are not read.",
            "Applications with extra data fetch them at installation: they are not in the bundle.",
        ),
        _begins(b"flatpak\0", b"OSTSGNDT", b"TDNGSTSO"), _later("containers.flatpak", "open_bundle"),
    ),
    Reader(
        "", "a manifest of flatpak-builder", ("A manifest of flatpak-builder is recognised: it holds nothing that was built.",),
        _if(_may_be_manifest, _later("containers.flatpak", "manifest_of")), _later("containers.flatpak", "refuse_manifest"),
    ),
    _image("oci", "an OCI image archive"),
    _image("docker", "an image written by docker save"),
    _tar(
        "python-build-standalone", "a python-build-standalone archive",
        "Object files of the full archives are listed as files; which of them a later link takes is not known.",
    ),
    _tar(
        "conda-pack", "an environment packed by conda-pack", _OF_ENVIRONMENTS,
    ),
    Reader(
        "conda-pack", "an environment of conda-pack in a ZIP archive", (_OF_ENVIRONMENTS, _LINKS_IN_ZIP),
        _if(_begins(b"PK\x03\x04"), _later("archives.conda_environment", "is_zip_of_environment")),
        _later("archives.conda_environment", "open_zip_of_environment"),
    ),
    _tar("conda-package", "a conda package", *_OF_CONDA),
    Reader(
        "conda-package", "a conda package of the newer form", _OF_CONDA,
        _if(_begins(b"PK\x03\x04"), _later("archives.conda_package", "is_conda_archive")),
        _later("archives.conda_package", "open_conda_archive"),
    ),
    _tar(
        "sdist", "a source distribution",
        "What a build would make of it is not known: only the files that are there are judged.",
    ),
    _tar(
        "tar", "a tar archive",
        "Whether the members are a whole root file system is told by the names at the top: usr beside bin, etc, lib, root, sbin or var.",
    ),
)  # fmt: skip

PROGRAM_READERS = (
    Reader(
        "scie", "a scie",
        (
            "Files that a scie fetches when it runs are named and not read.",
            "Placeholders of commands that depend on the environment or on a binding are not followed.",
            "The starter itself is not audited.",
        ),
        _if(_may_be_scie, _later("frozen.scie", "is_scie")), _later("frozen.scie", "open_scie"),
    ),
)  # fmt: skip
"""ELF programs that carry archives; in front of the readers of plain programs."""

DIRECTORY_READERS = (
    DirectoryReader(
        "oci", "an OCI image layout", _OF_IMAGES,
        _if(_holds("oci-layout", "index.json"), _later("containers.container_archive", "is_image_layout")),
        _later("containers.container_archive", "open_image_layout"),
    ),
    DirectoryReader(
        "flatpak-build", "a Flatpak build directory", _OF_FLATPAK,
        _if(_holds("metadata"), _later("containers.flatpak", "is_build_directory")), _later("containers.flatpak", "open_build_directory"),
    ),
    DirectoryReader(
        "ostree", "an OSTree repository",
        (*_OF_FLATPAK, *_OF_OSTREE, "Of several branches one is read, an application's first; the others are named."),
        _if(_holds("config", "objects", "refs"), _later("containers.flatpak", "is_repository")), _later("containers.flatpak", "open_repository"),
    ),
)  # fmt: skip
