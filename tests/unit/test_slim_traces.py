"""What traces do to a plan: what was used stays, bytecode is hot, untraced modules go at the level aggressive alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.artifact import Artifact
from inspector.errors import UsageError
from inspector.slim.planning.target_digest import target_digest
from inspector.slim.tracing.trace import Trace, TraceTarget, trace_json
from tests.slim_bundles import (
    CLOSED,
    LIB,
    SCRIPT,
    SITE,
    actions,
    cached,
    kept_reasons,
    library,
    plan_of,
    pyc,
    python_bundle,
    removed,
)

SOURCE = b"X = 1\n"


def bundle() -> Artifact:
    """An application with modules that are reached and used, reached, or neither."""
    files: dict[str, bytes | str] = {
        SCRIPT: "import used\ndef later():\n    import reached\n",
        "usr/include/read.h": "x",
        "usr/include/unread.h": "x",
        "usr/lib/libopened.so.1": library("libopened.so.1"),
        "usr/lib/libspare.so.1": library("libspare.so.1"),
    }
    for name in ("used", "reached", "spare", "hidden"):
        files |= {f"{SITE}/{name}.py": SOURCE, cached(f"{SITE}/{name}.py"): pyc(SOURCE)}
    return python_bundle(files, apprun=CLOSED)


def trace_of(
    artifact: Artifact, place: Path, *modules: str, files: tuple[str, ...] = (), libraries: tuple[str, ...] = ()
) -> str:
    """A file with one trace; modules are run from their bytecode."""
    opened = tuple(cached(f"{SITE}/{name}.py") for name in modules)
    target = TraceTarget(path=artifact.path, format=artifact.format, digest=target_digest(artifact))
    trace = Trace(tool="test", target=target, modules=modules, files=(*opened, *files), libraries=libraries)
    path = place / f"{'-'.join(modules) or 'empty'}.json"
    path.write_bytes(trace_json(trace))
    return str(path)


def gone(plan: object) -> set[str]:
    """Names of the modules of site-packages that go."""
    return {Path(path).stem for path in removed(plan) if path.startswith(SITE) and path.endswith(".py")}  # type: ignore[arg-type]


def test_what_a_run_used_stays_and_absence_alone_removes_nothing(tmp_path: Path) -> None:
    artifact = bundle()
    assert gone(plan_of(artifact)) == {"spare", "hidden"}
    trace = trace_of(
        artifact, tmp_path, "used", "hidden", files=("usr/include/read.h",), libraries=("usr/lib/libopened.so.1",)
    )
    plan = plan_of(artifact, traces=(trace,))
    assert gone(plan) == {"spare"}
    paths = removed(plan)
    assert "usr/include/unread.h" in paths
    assert "usr/include/read.h" not in paths
    assert kept_reasons(plan)["usr/include/read.h"] == "a traced run used it"
    assert "usr/lib/libopened.so.1" not in paths
    assert "usr/lib/libspare.so.1" in paths
    assert next(a.confidence for a in plan.actions if a.rule == "unreached-libraries") == "high"
    assert next(a.confidence for a in plan_of(artifact).actions if a.rule == "unreached-libraries") == "medium"


def test_the_level_aggressive_takes_what_no_run_imported(tmp_path: Path) -> None:
    artifact = bundle()
    one, other = trace_of(artifact, tmp_path, "used"), trace_of(artifact, tmp_path, "reached")
    assert gone(plan_of(artifact, level="aggressive", traces=(one,))) == {"spare", "hidden", "reached"}
    assert gone(plan_of(artifact, level="aggressive", traces=(one, other))) == {"spare", "hidden"}
    assert gone(plan_of(artifact, traces=(one,))) == {"spare", "hidden"}
    assert f"{LIB}/encodings/__init__.py" not in removed(plan_of(artifact, level="aggressive", traces=(one,)))


def test_hot_bytecode_is_that_of_traced_modules(tmp_path: Path) -> None:
    artifact = bundle()
    plan = plan_of(artifact, bytecode="hot", traces=(trace_of(artifact, tmp_path, "used"),))
    paths = removed(plan)
    assert cached(f"{SITE}/used.py") not in paths
    assert paths[cached(f"{SITE}/reached.py")] == "cold-bytecode"
    assert not [path for action in actions(plan, "compile") for path in action.paths if "reached" in path]


def test_a_trace_of_another_artifact_is_refused(tmp_path: Path) -> None:
    trace = trace_of(python_bundle({"other": "x"}), tmp_path)
    with pytest.raises(UsageError, match="of another artifact"):
        plan_of(bundle(), traces=(trace,))
    with pytest.raises(UsageError, match="cannot be read"):
        plan_of(bundle(), traces=(str(tmp_path / "missing.json"),))
