"""What tests of the rebuild share: a small AppDir and AppImage, and a rebuild from a path to a path."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.formats.squashfs import InodeKind
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.writer import write_image
from inspector.limits import Limits
from inspector.slim.making.planned_tree import PlannedTree, unchanged_tree
from inspector.slim.proving.verification import compare_trees
from inspector.slim.rebuilding.output import PendingOutput
from inspector.slim.rebuilding.rebuild import check_rebuildable, rebuild
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome
from inspector.source import BytesSource
from tests.appimage_builder import runtime

TIME = 1_600_000_000


def sections(update: str = "", signature: bytes = b"", digest: bytes = b"") -> dict[str, bytes]:
    """The sections of a runtime, filled."""
    return {
        ".digest_md5": digest.ljust(16, b"\0"),
        ".upd_info": update.encode().ljust(1024, b"\0"),
        ".sha256_sig": signature.ljust(1024, b"\0"),
        ".sig_key": bytes(8192),
    }


def write_appimage(
    path: Path,
    files: Mapping[str, bytes],
    *,
    filled: Mapping[str, bytes] | None = None,
    text: bytes = b"",
    compressor: str = "zstd",
    appended: bytes = b"",
) -> Path:
    """An AppImage with these files; its runtime is one of no known kind, unless ``text`` says otherwise."""
    entries = [
        ImageEntry(name.encode(), InodeKind.FILE, 0o755, mtime=TIME, content=BytesSource(content))
        for name, content in files.items()
    ]
    directories = {posixpath.dirname(name) for name in files} - {""}
    entries += [
        ImageEntry(name.encode(), InodeKind.DIRECTORY, 0o755, mtime=TIME) for name in _with_parents(directories)
    ]
    with path.open("xb") as stream:
        stream.write(runtime(filled or sections(), text=text))
        write_image(entries, stream, compressor=compressor, mkfs_time=TIME)
        stream.write(appended)
    path.chmod(0o755)
    return path


def _with_parents(directories: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for directory in directories:
        while directory:
            found.add(directory)
            directory = posixpath.dirname(directory)
    return found


def plan_without(
    artifact: Artifact, gone: Iterable[str] = (), changed: Mapping[str, bytes] | None = None
) -> PlannedTree:
    """The artifact's tree without some paths, and with new contents."""
    entries = {
        path: entry
        for path, entry in unchanged_tree(artifact.tree).entries.items()
        if not any(path == name or path.startswith(f"{name}/") for name in gone)
    }
    for path, content in (changed or {}).items():
        entries[path] = replace(entries[path], content=BytesSource(content), size=len(content))
    return PlannedTree(entries)


def rebuilt(
    source: Path,
    output: Path,
    *,
    gone: Iterable[str] = (),
    changed: Mapping[str, bytes] | None = None,
    also: Callable[[Artifact, PlannedTree, Path], None] | None = None,
    **options: object,
) -> RebuildOutcome:
    """Rebuild ``source`` as ``output``; the tree that is read back must be the planned one.

    :param also: what is done before the output has its name.
    """
    wanted = RebuildOptions(**options)  # type: ignore[arg-type]
    with open_artifact(source) as artifact:
        check_rebuildable(artifact, wanted)
        planned = plan_without(artifact, gone, changed)
        pending = PendingOutput(output, inputs=[source], force=wanted.force)
        with pending as path:
            outcome = rebuild(artifact, planned, path, wanted, final_name=output.name, limits=Limits())
            with open_artifact(path) as written:
                assert compare_trees(planned, written.tree) == []
            if also is not None:
                also(artifact, planned, path)
            outcome.finish(pending.commit())
    return outcome
