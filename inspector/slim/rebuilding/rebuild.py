"""From a planned tree to a container: which module writes which format.  Formats that none writes get a plan and a clear message.

A further container is a row of :data:`_REBUILDERS` and a module with the two functions of :class:`Rebuilder`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.limits import Limits
from inspector.progress import SILENT, Progress
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.options import SlimOptions
from inspector.slim.rebuilding.output import writing_to
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome

_DIRECTORY, _APPIMAGE = "inspector.slim.rebuilding.directory_rebuild", "inspector.slim.rebuilding.appimage_rebuild"
_ZIP = "inspector.slim.rebuilding.zip_rebuild"
_SQUASHFS = "inspector.slim.rebuilding.squashfs_rebuild"
_REBUILDERS = {
    "appdir": _DIRECTORY,
    "directory": _DIRECTORY,
    "pyinstaller-folder": _DIRECTORY,
    "pyoxidizer-folder": _DIRECTORY,
    "nuitka-folder": _DIRECTORY,
    "cx_freeze": _DIRECTORY,
    "pex-directory": _DIRECTORY,
    "appimage-2": _APPIMAGE,
    "xar": _SQUASHFS,
    "snap": _SQUASHFS,
    "squashfs": _SQUASHFS,
    "wheel": _ZIP,
    "zipapp": _ZIP,
    "pex": _ZIP,
    "shiv": _ZIP,
    "pyinstaller": "inspector.slim.rebuilding.pyinstaller_rebuild",
}
"""Module by the artifact's format."""

_DESCRIBED = {
    "appimage-1": "a type 1 AppImage, an ISO 9660 image",
    "elf": "one ELF file",
    "nuitka": "a Nuitka one-file program; slim the folder that it is made from",
    "pyoxidizer": "a PyOxidizer program",
    "deb": "a Debian package; slim what it is built of",
    "rpm": "an RPM package; slim what it is built of",
    "oci": "a container image; slim what its layers are built of",
    "docker": "a container image; slim what its layers are built of",
    "flatpak": "a Flatpak bundle; slim the directory files of its build directory",
    "flatpak-build": "a Flatpak build directory; slim the directory files in it",
    "ostree": "an OSTree repository; slim what is committed into it",
    "makeself": "a makeself archive; slim the directory that it is made of",
    "conda-pack": "an environment packed by conda-pack; slim the environment, and pack it again",
    "frozen-python": "a program with frozen Python modules",
}


def rewritten_formats() -> frozenset[str]:
    """Names of the formats that can be written."""
    return frozenset(_REBUILDERS)


class UnsupportedRebuild(UsageError):
    """The format can be planned for, but not written."""


class Rebuilder(Protocol):
    """What a module that writes a format offers."""

    def check(self, artifact: Artifact, options: RebuildOptions) -> None:
        """Refuse what cannot be done, before any work.

        :raises UsageError: naming the option that does not fit.
        """

    def write(
        self,
        artifact: Artifact,
        planned: PlannedTree,
        path: Path,
        options: RebuildOptions,
        *,
        final_name: str,
        limits: Limits,
        progress: Progress,
    ) -> RebuildOutcome:
        """See :func:`rebuild`."""
        ...


def check_rebuildable(artifact: Artifact, options: RebuildOptions) -> None:
    """Whether the output can be written at all; asked before any work.

    :raises UnsupportedRebuild: for a format that cannot be written.
    :raises UsageError: where an option does not fit the format.
    """
    _rebuilder(artifact, options).check(artifact, options)


def rebuild(
    artifact: Artifact,
    planned: PlannedTree,
    path: Path,
    options: RebuildOptions,
    *,
    final_name: str,
    limits: Limits,
    progress: Progress = SILENT,
) -> RebuildOutcome:
    """Write the planned tree to ``path``, which is not there.

    :param final_name: the file name that the output will have.
    :raises UsageError: as :func:`check_rebuildable` does, where signing fails, and where the medium fails or is full.
    :raises FormatError: where a member cannot be read or written.
    """
    with writing_to(path.with_name(final_name)):
        return _rebuilder(artifact, options).write(
            artifact, planned, path, options, final_name=final_name, limits=limits, progress=progress
        )


def rebuild_options(
    options: SlimOptions, runtime: str | None, sign: str | None, *, force: bool = False
) -> RebuildOptions:
    """What of a request concerns the container."""
    return RebuildOptions(recompress=options.recompress, runtime=runtime, sign=sign, force=force)


def _rebuilder(artifact: Artifact, options: RebuildOptions) -> Rebuilder:
    module = _REBUILDERS.get(artifact.format)
    if module is None:
        raise UnsupportedRebuild(
            f"inspect can plan this format but not rewrite it: {artifact.path} is {_described(artifact.format)}",
            f"see what could go with: inspect slim {artifact.path} --dry-run",
        )
    if options.runtime is not None:
        if module == _APPIMAGE:
            raise UsageError("--runtime makes an AppImage of an AppDir; an AppImage keeps its own", "leave it out")
        module = _APPIMAGE
    return cast("Rebuilder", import_module(module))


def _described(format_name: str) -> str:
    return _DESCRIBED.get(format_name, f"of the format {format_name}")
