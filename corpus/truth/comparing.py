"""Pairs of answers, real and model's, and where they differ."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpus.truth.asking import PROBES, Answer, Question
from corpus.truth.model import ModelAnswer

_NOT_COMPARED = ("linux-vdso.so.1", "linux-gate.so.1")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which the loader and the model do not agree.

    :ivar about: "libraries", "missing libraries", "missing versions", "undefined symbols", "failure", "verdict".
    """

    about: str
    real: Any
    model: Any


@dataclass(frozen=True, slots=True)
class Pair:
    """One object on one system, asked twice."""

    system: str
    bundle: str
    question: Question
    differences: tuple[Difference, ...]


def compare(question: Question, real: Answer, model: ModelAnswer) -> tuple[Difference, ...]:
    """Everything on which the two answers differ."""
    trace = real.trace
    if real.error is not None:
        return () if model.failure is not None else (Difference("failure", real.error, None),)
    stopped = trace.fatal or trace.preload
    if stopped or model.failure:
        if stopped and model.failure:
            return ()
        return (Difference("failure", stopped, model.failure),)
    differences = []
    if trace.missing != model.missing:
        differences.append(
            Difference(
                "missing libraries", sorted(trace.missing - model.missing), sorted(model.missing - trace.missing)
            )
        )
    elif difference := _resolved(question, trace.resolved, model.resolved):
        differences.append(difference)
    if model.versions is not None and trace.versions != model.versions:
        differences.append(
            Difference(
                "missing versions", sorted(trace.versions - model.versions), sorted(model.versions - trace.versions)
            )
        )
    if model.symbols is not None and not trace.missing and trace.symbols != model.symbols:
        differences.append(
            Difference(
                "undefined symbols", sorted(trace.symbols - model.symbols), sorted(model.symbols - trace.symbols)
            )
        )
    return tuple(differences)


def _resolved(question: Question, real: Mapping[str, str], model: Mapping[str, str]) -> Difference | None:
    """Which file each name led to; a name may be listed once only, so those that one side does not name are left out."""
    wrong = {
        name: (path, model[name])
        for name, path in real.items()
        if name in model
        and name not in _NOT_COMPARED
        and not path.startswith(PROBES)
        and _same(path) != _same(model[name])
    }
    # The loader lists objects, the model needs: every file of the one must be in the other.
    files = {_same(path) for name, path in real.items() if not path.startswith(PROBES) and name not in _NOT_COMPARED}
    lacking = sorted(
        files - {_same(path) for path in model.values()} - {_same(question.object), _same(question.program or "")}
    )
    lacking = [path for path in lacking if "/ld-linux" not in path]
    if not wrong and not lacking:
        return None
    return Difference(
        "libraries",
        {**{name: pair[0] for name, pair in wrong.items()}, "": lacking},
        {name: pair[1] for name, pair in wrong.items()},
    )


def _same(path: str) -> str:
    """A path for comparing: /lib is /usr/lib in all trees, and the loader does not tidy what it puts together."""
    tidy = posixpath.normpath(path) if path else ""
    return tidy.removeprefix("/usr") if tidy.startswith("/usr/lib") else tidy
