"""Artifacts: what a file is, and the tree of files that it carries.

::

    with open_artifact("MyApp.AppImage") as artifact:      # NothingInspected, with one line and a hint
        artifact.format, artifact.envelope, artifact.layout, artifact.problems, artifact.byte_map
        for node in artifact.tree.files_in_read_order():
            head = node.read_at(0, 64)                     # FormatError where this member is damaged

A new format is a module with a :class:`~inspector.artifact.reader.Reader`, added to the table in :mod:`inspector.artifact.opening`.
"""

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.opening import READERS, limitations, open_artifact
from inspector.artifact.reader import Candidate, Reader
from inspector.artifact.tree import Kind, Node, Tree

__all__ = [
    "READERS",
    "Artifact",
    "Candidate",
    "Kind",
    "Node",
    "Reader",
    "RuntimeLayout",
    "Tree",
    "limitations",
    "open_artifact",
]
