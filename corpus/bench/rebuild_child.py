"""``python -m corpus.bench.rebuild_child APPIMAGE PLAN IMAGE REPORT``: plan, write the new image, and say in REPORT (JSON) how long planning took.

``python -m corpus.bench.rebuild_child APPIMAGE PLAN --unpack DIRECTORY`` writes what the plan changes instead: new contents below ``new/`` and the
paths that go in ``gone``, so that other programs can do the same.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from msgspec.structs import asdict

from corpus.bench.rebuild_plans import find_plan, touched_share
from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.image_settings import settings_of
from inspector.formats.squashfs.writer import write_image
from inspector.slim.making.planned_tree import PlannedTree, unchanged_tree
from inspector.slim.rebuilding.image_entries import image_entries, originals_of_image
from inspector.source import SliceSource


def main(arguments: list[str]) -> int:
    """See the module."""
    appimage, plan_name, first, second = arguments
    with open_artifact(appimage) as artifact:
        started, processor = time.perf_counter(), time.process_time()
        planned = find_plan(plan_name)(artifact)
        planning = {"planning": time.perf_counter() - started, "planning_processor": time.process_time() - processor}
        if first == "--unpack":
            _unpack(artifact, planned, Path(second))
        else:
            report = {**planning, **_rebuild(artifact, planned, Path(first))}
            Path(second).write_text(json.dumps(report), encoding="utf-8")
    return 0


def _rebuild(artifact: Artifact, planned: PlannedTree, path: Path) -> dict[str, float]:
    if artifact.source is None or artifact.envelope is None or artifact.envelope.offset is None:
        raise SystemExit(f"{artifact.path} is no AppImage with a squashfs image")
    image = SquashfsImage(SliceSource(artifact.source, artifact.envelope.offset))
    settings = asdict(settings_of(image))
    with path.open("wb") as target:
        written = write_image(image_entries(planned, originals_of_image(image)), target, **settings)
    return asdict(written)


def _unpack(artifact: Artifact, planned: PlannedTree, directory: Path) -> None:
    before = unchanged_tree(artifact.tree)
    gone = [path for path in before.entries if path not in planned]
    (directory / "gone").write_text("\0".join(gone), encoding="utf-8")
    for entry in planned:
        source = entry.source()
        if entry.is_unchanged or source is None:
            continue
        path = directory / "new" / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_at(0, source.size))
    (directory / "share").write_text(str(touched_share(before, planned)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
