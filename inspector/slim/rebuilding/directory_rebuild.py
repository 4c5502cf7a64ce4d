"""A directory from a planned tree: exact modes, times, names and hard links."""

from __future__ import annotations

from pathlib import Path

from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.limits import Limits
from inspector.progress import Progress
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.slim.rebuilding.image_entries import originals_of_directory
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome


def check(artifact: Artifact, options: RebuildOptions) -> None:
    """Refuse what is for AppImages only.

    :raises UsageError: where an option does not fit.
    """
    for name, value in {"--sign": options.sign, "--recompress": options.recompress}.items():
        if value is not None:
            raise UsageError(
                f"{name} is for AppImages, and {artifact.path} is a directory",
                "make an AppImage of it with --runtime FILE",
            )


def write(
    artifact: Artifact,
    planned: PlannedTree,
    path: Path,
    options: RebuildOptions,
    *,
    final_name: str,
    limits: Limits,
    progress: Progress,
) -> RebuildOutcome:
    """Write the directory; see :func:`inspector.slim.rebuilding.rebuild.rebuild`."""
    del options, final_name, limits
    originals = originals_of_directory(artifact.path)
    problems = write_tree(planned, path, exact=True, originals=originals, progress=progress)
    return RebuildOutcome(tuple(f"{problem.subject}: {problem.message}" for problem in problems))
