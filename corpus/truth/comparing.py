"""Pairs of answers, real and model's, and where they differ."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from corpus.truth.asking import PROBES, Answer, Question
from corpus.truth.loader_output import MissingVersion, Opening, Trace
from corpus.truth.model import ModelAnswer

_NOT_COMPARED = ("linux-vdso.so.1", "linux-gate.so.1")
_OF_THE_PROBE = ("libdl.so.2", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which the loader and the model do not agree.

    :ivar about: "libraries", "missing libraries", "missing versions", "undefined symbols", "failure", "verdict".
    """

    about: str
    real: Any
    model: Any


@dataclass(frozen=True, slots=True)
class Message:
    """The first line of what a user sees."""

    real: str
    model: str

    @property
    def is_same(self) -> bool:
        """Word by word."""
        return self.real == self.model


@dataclass(frozen=True, slots=True)
class Pair:
    """One object on one system, asked twice.

    :ivar message: where both say that it fails: in which words.
    """

    system: str
    bundle: str
    question: Question
    differences: tuple[Difference, ...]
    message: Message | None = None


def messages(real: Answer, model: ModelAnswer) -> Message | None:
    """Both first lines, where both sides say that it fails and the loader had a chance to say something."""
    said = real.opening.message if real.opening is not None else real.start
    if said is None or model.message is None or said.startswith("signal "):
        return None
    return Message(said.splitlines()[0], model.message.splitlines()[0])


def compare(question: Question, real: Answer, model: ModelAnswer, alone: Answer | None) -> tuple[Difference, ...]:
    """Everything on which the two answers differ.

    :param alone: the answer about the program alone, where it is known and the question is about a library.
    """
    if real.error is not None:
        return () if model.failure is not None else (Difference("failure", real.error, None),)
    if real.opening is not None and (real.trace.silent or (alone is not None and _displaces(real.trace, alone.trace))):
        return _compare_opening(question, real.opening, model)
    if model.failure is not None and not (real.trace.fatal or real.trace.preload) and _died(real):
        return ()  # of what only really loading it brings to light, a trace says nothing
    if model.symbols is None and real.trace.symbols and not (real.trace.fatal or real.trace.preload):
        return _compare_trace(
            question, real.trace, replace(model, failure=None)
        )  # the loader stops there, where nobody judges
    return (*_compare_trace(question, real.trace, model), *_compare_verdict(real, model))


def _died(real: Answer) -> bool:
    """Whether the object was traced without complaint and the process ended by a signal when it was really loaded."""
    message = real.opening.message if real.opening is not None else real.start
    return message is not None and message.startswith("signal ") and not (real.trace.missing or real.trace.versions)


def _displaces(trace: Trace, alone: Trace) -> bool:
    """Whether the object, as it was preloaded, took the place of a library that the program itself finds elsewhere or not at all.

    A library that is opened later cannot do that, so what the trace says of such a process is not what happens.
    """
    if trace.fatal or trace.preload:
        return False
    return (
        bool(alone.missing - trace.missing)
        or any(name in trace.resolved and trace.resolved[name] != path for name, path in alone.resolved.items())
        or any(
            name not in trace.resolved and name not in trace.missing
            for name in alone.resolved
            if name not in _NOT_COMPARED
        )
    )


def _compare_trace(question: Question, trace: Trace, model: ModelAnswer) -> tuple[Difference, ...]:
    stopped = trace.fatal or trace.preload
    if stopped or model.failure:
        return () if stopped and model.failure else (Difference("failure", stopped, model.failure),)
    differences: list[Difference | None] = []
    if trace.unread:
        differences.append(Difference("lines that the harness does not understand", trace.unread, None))
    if trace.missing != model.missing:
        differences.append(_sets("missing libraries", trace.missing, model.missing))
    else:
        differences.append(_resolved(question, trace.resolved, model.resolved))
    if model.versions is not None:
        versions = (
            {MissingVersion(row.library, row.version, _same(row.needed_by)) for row in side}
            for side in (trace.versions, model.versions)
        )
        differences.append(_sets("missing versions", *versions))
    if (
        model.symbols is not None and not trace.missing
    ):  # with a library missing, the loader may crash before it has looked up everything
        symbols = ({(name, _same(path)) for name, path in side} for side in (trace.symbols, model.symbols))
        differences.append(_sets("undefined symbols", *symbols))
    return tuple(difference for difference in differences if difference is not None)


def _sets(about: str, real: set[Any], model: set[Any]) -> Difference | None:
    return None if real == model else Difference(about, sorted(real - model), sorted(model - real))


def _compare_verdict(real: Answer, model: ModelAnswer) -> tuple[Difference, ...]:
    """Whether the program really started, or the library was really opened."""
    if model.versions is None or model.symbols is None:
        return ()
    message = real.opening.message if real.opening is not None else real.start
    return () if (message is not None) == model.fails else (Difference("verdict", message, model.complaint),)


def _compare_opening(question: Question, opening: Opening, model: ModelAnswer) -> tuple[Difference, ...]:
    if opening.message is None:
        if model.fails:
            return (Difference("verdict", None, model.complaint),)
        real = {path: path for path in opening.objects if path.rpartition("/")[2] not in _OF_THE_PROBE}
        difference = _resolved(question, real, model.resolved)
        return () if difference is None else (difference,)
    if model.versions is None and ("version `" in opening.message or "undefined symbol" in opening.message):
        return ()
    return () if model.fails else (Difference("verdict", opening.message, None),)


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
    lacking = [path for path in lacking if "/ld-linux" not in path and "/ld-musl" not in path]
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
