"""From a planned tree to a container of the input's format: a directory, or a type 2 AppImage.  Other containers get a clear message."""

from __future__ import annotations

from pathlib import Path

from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.limits import Limits
from inspector.progress import SILENT, Progress
from inspector.slim.options import SlimOptions
from inspector.slim.planned_tree import PlannedTree
from inspector.slim.rebuild_options import RebuildOptions, RebuildOutcome
from inspector.slim.unpacked_tree import write_tree

_DIRECTORIES = ("appdir", "directory")


class UnsupportedRebuild(UsageError):
    """The format can be planned for, but not written."""


def check_rebuildable(artifact: Artifact, options: RebuildOptions) -> None:
    """Whether the output can be written at all; asked before any work.

    :raises UnsupportedRebuild: for a format that cannot be written.
    :raises UsageError: where an option does not fit the format.
    """
    becomes_appimage = options.runtime is not None
    if artifact.format in _DIRECTORIES:
        if not becomes_appimage:
            given = {"--sign": options.sign, "--recompress": options.recompress}
            for name, value in given.items():
                if value is not None:
                    raise UsageError(
                        f"{name} is for AppImages, and {artifact.path} is a directory",
                        "make an AppImage of it with --runtime FILE",
                    )
            return
    elif becomes_appimage:
        raise UsageError("--runtime makes an AppImage of an AppDir; an AppImage keeps its own", "leave it out")
    if artifact.format in _DIRECTORIES or artifact.format == "appimage-2":
        from inspector.slim.appimage_rebuild import check_appimage_options

        check_appimage_options(artifact, options)
        return
    raise UnsupportedRebuild(
        f"inspect can plan for this format but not write it: {artifact.path} is {_described(artifact.format)}",
        f"see what could go with: inspect slim {artifact.path} --dry-run",
    )


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
    :raises FormatError: where a member cannot be read or written.
    :raises OSError: where the medium fails or is full.
    """
    if artifact.format in _DIRECTORIES and options.runtime is None:
        problems = write_tree(planned, path, exact=True, progress=progress)
        return RebuildOutcome(tuple(f"{problem.subject}: {problem.message}" for problem in problems))
    from inspector.slim.appimage_rebuild import rebuild_appimage

    return rebuild_appimage(artifact, planned, path, options, final_name=final_name, limits=limits, progress=progress)


def rebuild_options(options: SlimOptions, runtime: str | None, sign: str | None) -> RebuildOptions:
    """What of a request concerns the container."""
    return RebuildOptions(recompress=options.recompress, runtime=runtime, sign=sign)


def _described(format_name: str) -> str:
    names = {"appimage-1": "a type 1 AppImage (an ISO 9660 image)", "elf": "one ELF file"}
    return names.get(format_name, f"of the format {format_name}")
