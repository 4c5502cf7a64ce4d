"""The benchmark measures what it says: real runs, paired ratios, failures shown and not counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import corpus
from corpus.bench.child import Run, RunFailed, run_child
from corpus.bench.contenders import Contender, Subject, startup, subject
from corpus.bench.measure import Comparison, compare
from corpus.bench.report import as_json, bars_broken, print_comparison


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("corpus") is None:
        monkeypatch.setenv("INSPECTOR_CORPUS", str(tmp_path))


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_a_run_is_measured_in_time_and_memory() -> None:
    idle = run_child(python("import time; time.sleep(0.2)"), (0,))
    busy = run_child(python("block = b'x' * 80_000_000; sum(range(2_000_000))"), (0,))
    assert idle.seconds >= 0.2
    assert idle.processor_seconds <= idle.seconds - 0.2, "sleep is no work"
    assert idle.peak_bytes < 40_000_000, "the memory of the process that measures must not count"
    assert 80_000_000 <= busy.peak_bytes < 160_000_000


def test_an_unexpected_status_is_a_failure_with_the_last_words() -> None:
    assert run_child(python("raise SystemExit(4)"), (0, 4)).seconds > 0
    with pytest.raises(RunFailed, match="status 3: out of paper"):
        run_child(python("import sys; sys.exit(print('out of paper', file=sys.stderr) or 3)"), (0,))
    with pytest.raises(RunFailed, match="status -9"):
        run_child(python("import os; os.kill(os.getpid(), 9)"), (0,))
    with pytest.raises(RunFailed, match="could not be started"):
        run_child(["no-such-program"], (0,))


def test_rounds_are_paired_and_a_failing_contender_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    contenders = [
        Contender("slow", python("import time; time.sleep(0.3)")),
        Contender("quick", python("pass")),
        Contender("broken", python("raise SystemExit('cannot')")),
    ]
    comparison = compare(Subject("three", contenders, 1, 1, {"absent": "not installed"}), rounds=2)
    assert [len(runs) for runs in comparison.runs.values()] == [2, 2]
    assert min(comparison.seconds("slow")) >= 0.3
    pairs = zip(comparison.seconds("slow"), comparison.seconds("quick"), strict=True)
    assert comparison.ratio("slow", "quick") == pytest.approx(sum(slow / quick for slow, quick in pairs) / 2)
    assert list(comparison.failures) == ["broken"]
    print_comparison(comparison)
    printed = capsys.readouterr().out
    assert "broken               failed: python" in printed
    assert "absent               left out: not installed" in printed
    assert json.loads(as_json([comparison]))["subjects"][0]["contenders"][0]["name"] == "slow"


def test_a_broken_bar_is_told() -> None:
    def started(seconds: float) -> Comparison:
        runs = {"inspect --version": [Run(seconds, seconds, 1)], "python -c pass": [Run(0.1, 0.1, 1)]}
        return Comparison(Subject("start-up", [], 0, 0, {}), runs, {})

    (line,) = bars_broken([started(0.6)])
    assert "6.00 x python -c pass, at most 5 x" in line
    assert bars_broken([started(0.4)]) == []


@pytest.mark.timed
def test_starting_inspector_stays_within_its_bar() -> None:
    assert bars_broken([compare(startup(), rounds=5)]) == []


@pytest.mark.corpus
@pytest.mark.peer
def test_the_peers_of_an_appimage_do_their_work(tmp_path: Path) -> None:
    try:
        found = subject("layouts/linuxdeploy.AppImage", ("unsquashfs", "readelf loop", "libtree"), tmp_path)
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    for contender in found.contenders[1:]:
        run_child(contender.command, contender.accepted, contender.environment)
        if contender.name == "unsquashfs":
            assert (tmp_path / "again/usr/bin/sqlite3").is_file()
