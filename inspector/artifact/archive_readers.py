"""The readers of archives, packages and images, as data: what each is called, how it is told, what it cannot do.

What reads them is imported when the first bytes fit, so that whoever audits an AppImage does not pay for twenty formats.
"""

from __future__ import annotations

import re
from functools import partial

from inspector.artifact.artifact import Artifact
from inspector.artifact.reader import Candidate, DirectoryReader, Reader
from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.limits import Limits

_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")  # compressed_stream.py
_IMAGE_LAYOUT_FILE = "oci-layout"  # OCI image layout specification


def _may_be_tar(candidate: Candidate) -> bool:
    """Whether the first bytes are those of a compressed stream or of a tar header: its checksum is six octal digits."""
    if candidate.head.startswith(_COMPRESSED):
        return True
    return len(candidate.head) >= 512 and candidate.head[148:154].strip(b" \0").isdigit()


def _is_deb(candidate: Candidate) -> bool:
    return candidate.head.startswith(b"!<arch>\ndebian-binary")  # deb(5)


def _open_deb(candidate: Candidate) -> Artifact:
    from inspector.artifact.deb import open_deb

    return open_deb(candidate)


def _is_rpm(candidate: Candidate) -> bool:
    return candidate.head.startswith(b"\xed\xab\xee\xdb")  # RPM reference manual, "RPM V4 Package format"


def _open_rpm(candidate: Candidate) -> Artifact:
    from inspector.artifact.rpm import open_rpm

    return open_rpm(candidate)


def _is_image(name: str, candidate: Candidate) -> bool:
    if not _may_be_tar(candidate):
        return False
    from inspector.artifact.container_archive import is_image_archive

    return is_image_archive(name, candidate)


def _open_image(name: str, candidate: Candidate) -> Artifact:
    from inspector.artifact.container_archive import open_image_archive

    return open_image_archive(name, candidate)


def _is_image_layout(tree: Tree) -> bool:
    if _IMAGE_LAYOUT_FILE not in tree:
        return False
    from inspector.artifact.container_archive import is_image_layout

    return is_image_layout(tree)


def _open_image_layout(listed: Artifact, limits: Limits) -> Artifact:
    from inspector.artifact.container_archive import merged_image

    return merged_image("oci", listed, limits)


def _is_tar(name: str, candidate: Candidate) -> bool:
    if not _may_be_tar(candidate):
        return False
    from inspector.artifact.tar import is_archive_of

    return is_archive_of(name, candidate)


def _open_tar(name: str, candidate: Candidate) -> Artifact:
    from inspector.artifact.tar import open_archive_of

    return open_archive_of(name, candidate)


def _is_squashfs(snap: bool, candidate: Candidate) -> bool:
    if not candidate.head.startswith(b"hsqs"):  # squashfs-tools, squashfs_fs.h: SQUASHFS_MAGIC
        return False
    # The manifest is looked up again when the image is opened; without its tables nobody can tell a snap from any other image
    return _has_snap_manifest(candidate) == snap


def _has_snap_manifest(candidate: Candidate) -> bool:
    from inspector.formats.squashfs import SquashfsImage

    try:
        return SquashfsImage(candidate.source, candidate.limits).lookup(b"meta/snap.yaml") is not None
    except FormatError:
        return False


def _open_squashfs(candidate: Candidate) -> Artifact:
    from inspector.artifact.snap import open_squashfs

    return open_squashfs(candidate)


def _is_xar(candidate: Candidate) -> bool:
    return candidate.head.startswith(b"#!") and b"\n#xar_stop" in candidate.source.read_at(0, 1 << 16)


def _open_xar(candidate: Candidate) -> Artifact:
    from inspector.artifact.xar import open_xar

    return open_xar(candidate)


def _is_makeself(candidate: Candidate) -> bool:
    if not candidate.head.startswith(b"#!"):
        return False
    from inspector.artifact.script_archive import is_makeself

    return is_makeself(candidate)


def _open_makeself(candidate: Candidate) -> Artifact:
    from inspector.artifact.script_archive import open_makeself

    return open_makeself(candidate)


def _is_script_archive(candidate: Candidate) -> bool:
    if not candidate.head.startswith(b"#!"):
        return False
    from inspector.artifact.script_archive import find_script_archive

    return find_script_archive(candidate) is not None


def _open_script_archive(candidate: Candidate) -> Artifact:
    from inspector.artifact.script_archive import open_script_archive

    return open_script_archive(candidate)


def _is_flatpak(candidate: Candidate) -> bool:
    # flatpak-builtins-build-bundle.c: the first key of the metadata is "flatpak"; ostree-repo-static-delta-private.h: signed deltas
    return candidate.head.startswith((b"flatpak\0", b"OSTSGNDT", b"TDNGSTSO"))


def _open_flatpak(candidate: Candidate) -> Artifact:
    from inspector.artifact.flatpak import open_bundle

    return open_bundle(candidate)


def _is_flatpak_manifest(candidate: Candidate) -> bool:
    if candidate.source.size > 1 << 20 or b"\0" in candidate.head or not re.search(rb"\bid\b", candidate.head):
        return False
    from inspector.artifact.flatpak import manifest_of

    return manifest_of(candidate) is not None


def _refuse_flatpak_manifest(candidate: Candidate) -> Artifact:
    from inspector.artifact.flatpak import refuse_manifest

    return refuse_manifest(candidate)


def _is_flatpak_build(tree: Tree) -> bool:
    if "metadata" not in tree:
        return False
    from inspector.artifact.flatpak import is_build_directory

    return is_build_directory(tree)


def _open_flatpak_build(listed: Artifact, limits: Limits) -> Artifact:
    from inspector.artifact.flatpak import open_build_directory

    return open_build_directory(listed, limits)


def _is_ostree(tree: Tree) -> bool:
    if "config" not in tree or "objects" not in tree:
        return False
    from inspector.artifact.flatpak import is_repository

    return is_repository(tree)


def _open_ostree(listed: Artifact, limits: Limits) -> Artifact:
    from inspector.artifact.flatpak import open_repository

    return open_repository(listed, limits)


def _is_scie(candidate: Candidate) -> bool:
    # a-scie/jump, jump/src/boot/pack.rs: the manifest is in the last 64 KiB
    if not candidate.is_elf or b'"scie"' not in candidate.source.read_at(
        max(candidate.source.size - 0x10002, 0), 0x10002
    ):
        return False
    from inspector.formats.scie import find_manifest

    return find_manifest(candidate.source) is not None


def _open_scie(candidate: Candidate) -> Artifact:
    from inspector.artifact.scie import open_scie

    return open_scie(candidate)


def _tar(name: str, title: str, *limitations: str) -> Reader:
    return Reader(name, title, (*limitations, *_OF_TAR), partial(_is_tar, name), partial(_open_tar, name))


_OF_TAR = (
    "Archives of several volumes and members compressed one by one are not read.",
    "What is compressed with lz4, lzip or compress(1) is not read.",
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
    "Archives that are encrypted, in base64, or compressed with lz4 or compress(1) are named and not read.",
)
_OF_PACKAGES = (
    "Scripts and triggers of the package are not followed: what they make or link at installation is not there.",
    "Libraries of the packages that it depends on are not in it; they are asked of the system.",
)

READERS = (
    Reader("deb", "a Debian package", _OF_PACKAGES, _is_deb, _open_deb),
    Reader(
        "rpm", "an RPM package",
        (*_OF_PACKAGES, "Files that the header names and the payload does not carry (ghosts) are not in the tree."),
        _is_rpm, _open_rpm,
    ),
    Reader(
        "snap", "a snap",
        (
            *_OF_SQUASHFS, "The base is named and not read; libraries that it has count as the system's.",
            "Content that other snaps share, and layouts, are not followed.",
        ),
        partial(_is_squashfs, True), _open_squashfs,
    ),
    Reader(
        "squashfs", "a squashfs image",
        (*_OF_SQUASHFS, "Whether it is a whole root file system is told by its names: usr beside etc or bin."),
        partial(_is_squashfs, False), _open_squashfs,
    ),
    Reader("xar", "a XAR file", (*_OF_SQUASHFS, "XAR files that it depends on are not read."), _is_xar, _open_xar),
    Reader("makeself", "a makeself archive", _OF_SCRIPTS, _is_makeself, _open_makeself),
    Reader(
        "script-archive", "a script with an archive behind it",
        (*_OF_SCRIPTS, "Looked for are tar archives in a compressed stream that begins behind a line's end in the first 16 MiB."),
        _is_script_archive, _open_script_archive,
    ),
    Reader(
        "flatpak", "a Flatpak bundle",
        (
            *_OF_FLATPAK, *_OF_OSTREE, "Bundles of big-endian writers, and those that build on an older commit, are not read.",
            "Applications with extra data fetch them at installation: they are not in the bundle.",
        ),
        _is_flatpak, _open_flatpak,
    ),
    Reader(
        "", "a manifest of flatpak-builder", ("A manifest of flatpak-builder is recognised: it holds nothing that was built.",),
        _is_flatpak_manifest, _refuse_flatpak_manifest,
    ),
    Reader("oci", "an OCI image archive", _OF_IMAGES, partial(_is_image, "oci"), partial(_open_image, "oci")),
    Reader("docker", "an image written by docker save", _OF_IMAGES, partial(_is_image, "docker"), partial(_open_image, "docker")),
    _tar(
        "python-build-standalone", "a python-build-standalone archive",
        "Object files of the full archives are listed as files; which of them a later link takes is not known.",
    ),
    _tar(
        "conda-pack", "an environment packed by conda-pack",
        "Prefixes that conda-unpack rewrites after extraction are read as they lie in the archive.",
    ),
    _tar(
        "conda-package", "a conda package",
        "Libraries of the packages that it depends on are not there, and so count as missing.",
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
        _is_scie, _open_scie,
    ),
)  # fmt: skip
"""ELF programs that carry archives; in front of the readers of plain programs."""

DIRECTORY_READERS = (
    DirectoryReader("oci", "an OCI image layout", _OF_IMAGES, _is_image_layout, _open_image_layout),
    DirectoryReader("flatpak-build", "a Flatpak build directory", _OF_FLATPAK, _is_flatpak_build, _open_flatpak_build),
    DirectoryReader(
        "ostree", "an OSTree repository",
        (*_OF_FLATPAK, *_OF_OSTREE, "Of several branches one is read, an application's first; the others are named."),
        _is_ostree, _open_ostree,
    ),
)  # fmt: skip
