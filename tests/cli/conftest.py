from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType

import pytest

from inspector.cli import color, main
from inspector.result import Result


@dataclass
class Run:
    code: int
    out: str
    err: str


@dataclass
class Pipeline:
    """Stands in for the pipeline, so that the command line is tested without an artifact: path to what it gives or raises."""

    answers: dict[str, Result | BaseException | type[BaseException]] = field(default_factory=dict)
    calls: list[tuple[str, bool]] = field(default_factory=list)
    runs: list[dict[str, object]] = field(default_factory=list)

    def audit(self, path, *, limits=None, list_files=False, progress=None, **run) -> Result:
        self.calls.append((str(path), list_files))
        self.runs.append(run)
        progress.stage("Reading", 10)
        progress.advance(3)
        answer = self.answers[str(path)]
        if isinstance(answer, Result):
            return answer
        raise answer


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    stand_in = Pipeline()
    module = ModuleType("inspector.pipeline")
    module.audit = stand_in.audit  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "inspector.pipeline", module)
    return stand_in


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    yield
    color.choose_color("auto")


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Run]:
    def call(*arguments: str) -> Run:
        try:
            code = main(arguments)
        except SystemExit as leaving:  # argparse's --help
            code = int(leaving.code or 0)
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Run(code, captured.out.decode(), captured.err.decode())

    return call
