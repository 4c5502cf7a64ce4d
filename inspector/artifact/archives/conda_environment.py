"""Conda environments that conda-pack wrote as ZIP archives; those in tar archives are a flavour of these."""

from __future__ import annotations

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.conda_layout import holds_environment, interpreters
from inspector.errors import FormatError

FORMAT = "conda-pack"


def is_zip_of_environment(candidate: Candidate) -> bool:
    """Whether a ZIP archive holds an environment."""
    archive = candidate.zip
    if candidate.is_elf or isinstance(archive, FormatError):
        return False
    names = (entry.name.decode("utf-8", "backslashreplace") for entry in archive.entries)
    return holds_environment(names, lambda name: name.encode() in archive)


def open_zip_of_environment(candidate: Candidate) -> Artifact:
    """Open it.

    :raises FormatError: where the archive cannot be read.
    :raises NothingInspected: where it holds no file.
    """
    from inspector.artifact.archives.zip_artifacts import open_zip

    artifact = open_zip(candidate, FORMAT, RuntimeLayout())
    artifact.layout = interpreters(artifact.tree)
    return artifact
