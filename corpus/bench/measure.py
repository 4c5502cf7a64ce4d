"""Interleaved rounds over the contenders of one subject."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from corpus.bench.child import Run, RunFailed, run_child
from corpus.bench.contenders import Contender, Subject

SLOW_SECONDS = 10.0
"""A contender other than Inspector whose first run takes longer runs in the first ``SLOW_ROUNDS`` measured rounds only."""
SLOW_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """All measured runs of one subject."""

    subject: Subject
    runs: dict[str, list[Run]]
    """By contender, one run a round; a slow one has fewer, those of the first rounds."""
    failures: dict[str, str]
    """Contenders that failed, with what they said."""

    def seconds(self, name: str) -> list[float]:
        """Wall times of a contender, in the order of the rounds."""
        return [run.seconds for run in self.runs[name]]

    def median_seconds(self, name: str) -> float:
        """Median wall time."""
        return median(self.seconds(name))

    def peak_bytes(self, name: str) -> int:
        """Largest peak of all rounds."""
        return max(run.peak_bytes for run in self.runs[name])

    def ratio(self, name: str, other: str) -> float:
        """Median over the rounds of the first contender's time divided by the other's in the same round."""
        return median(one / two for one, two in zip(self.seconds(name), self.seconds(other), strict=False))


def compare(subject: Subject, rounds: int) -> Comparison:
    """Run every contender once to warm the caches, then ``rounds`` times in alternating order."""
    runs: dict[str, list[Run]] = {}
    failures: dict[str, str] = {}
    wanted_rounds: dict[str, int] = {}
    for position, contender in enumerate(subject.contenders):
        try:
            first = _run(contender)
        except RunFailed as failure:
            failures[contender.name] = str(failure)
            continue
        runs[contender.name] = []
        slow = position > 0 and first.seconds > SLOW_SECONDS
        wanted_rounds[contender.name] = min(rounds, SLOW_ROUNDS) if slow else rounds
    for number in range(rounds):
        ready = [contender for contender in subject.contenders if wanted_rounds.get(contender.name, 0) > number]
        for contender in ready if number % 2 == 0 else reversed(ready):
            try:
                runs[contender.name].append(_run(contender))
            except RunFailed as failure:
                failures[contender.name] = str(failure)
                wanted_rounds[contender.name] = 0
    return Comparison(
        subject, {name: found for name, found in runs.items() if found and name not in failures}, failures
    )


def _run(contender: Contender) -> Run:
    if contender.before is not None:
        contender.before()
    return run_child(contender.command, contender.accepted, contender.environment)
