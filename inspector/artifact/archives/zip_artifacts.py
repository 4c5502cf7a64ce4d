"""ZIP archives of every purpose, opened: members, byte map, and where the members lie at run time."""

from __future__ import annotations

import json
import posixpath

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.zip_tree import zip_byte_map, zip_tree
from inspector.errors import FormatError, NothingInspected
from inspector.limits import Limits
from inspector.model import Problem

PEX_PLACE = "a directory for each distribution, below PEX_ROOT (~/.cache/pex)"
"""Where a PEX unpacks its wheels to; seen with 2.105.  It is no beginning of a path: the directories are named after digests of the wheels."""
_SHIV_ROOT = "~/.shiv"  # shiv, "shiv.bootstrap": SHIV_ROOT, then the "root" of environment.json, then this
_LARGEST_JSON = 1 << 20  # bytes of PEX-INFO and environment.json


def open_zip(candidate: Candidate, format_name: str, layout: RuntimeLayout) -> Artifact:
    """A file that ends with a ZIP archive, as an artifact of that format.

    :raises FormatError: where the archive cannot be read.
    :raises NothingInspected: where it holds no file.
    """
    archive = candidate.zip
    if isinstance(archive, FormatError):
        raise archive
    problems: list[Problem] = []
    tree = zip_tree(archive, candidate.limits, problems)
    if not any(True for _ in tree.files()):
        cause = f": {problems[0].message}" if problems else ""
        raise NothingInspected(
            f"{candidate.path} is a ZIP archive without a readable file{cause}", "the archive may be damaged"
        )
    return Artifact(
        path=candidate.path,
        format=format_name,
        arch=None,
        size=candidate.source.size,
        tree=tree,
        layout=layout,
        source=candidate.source,
        problems=problems,
        byte_map=zip_byte_map(archive),
    )


def open_pex_directory(listed: Artifact, limits: Limits) -> Artifact:
    """A directory with a PEX-INFO: the loose layout, or the packed one, whose parts are archives."""
    del limits
    return replace(listed, format="pex-directory", layout=RuntimeLayout(members_at=PEX_PLACE))


def shiv_directory(candidate: Candidate) -> str:
    """Where a shiv file unpacks ``site-packages`` to at its first start: ``~/.shiv/<name>_<build_id>``."""
    archive = candidate.zip
    name = posixpath.basename(candidate.path)
    entry = None if isinstance(archive, FormatError) else archive.get(b"environment.json")
    if entry is None or isinstance(archive, FormatError):
        return f"{_SHIV_ROOT}/{name}"
    try:
        environment = json.loads(archive.open(entry).read_at(0, min(entry.size, _LARGEST_JSON)))
        root, build = environment.get("root"), environment.get("build_id")
    except (FormatError, ValueError, RecursionError, AttributeError):
        root = build = None
    root = root if isinstance(root, str) and root else _SHIV_ROOT
    return f"{root}/{name}_{build}" if isinstance(build, str) else f"{root}/{name}"
