"""``python -m corpus.truth [--system NAME]… [--bundle NAME]… [--json FILE] [--again]``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from corpus.recipe import Unavailable
from corpus.truth.asking import Answer, Question, ask
from corpus.truth.bundles import bundles
from corpus.truth.comparing import Difference, Pair, compare, messages
from corpus.truth.model import ModelAnswer, model_answers, read_bundle
from corpus.truth.trees import ARM64_SYSTEMS, MUSL_SYSTEMS, SYSTEMS, tree, why_impossible
from inspector.facts.hosts.capture import capture
from inspector.loader.host_profile import HostProfile

ALL_SYSTEMS = (*SYSTEMS, *MUSL_SYSTEMS, *ARM64_SYSTEMS)


def main(arguments: list[str] | None = None) -> int:
    """0 where every pair agrees, 1 where one does not, 2 for wrong usage; 0 and a sentence where nothing can be asked here."""
    parser = argparse.ArgumentParser(prog="python -m corpus.truth", description=sys.modules["corpus.truth"].__doc__)
    parser.add_argument(
        "--system", action="append", choices=ALL_SYSTEMS, metavar="NAME", help=f"of {', '.join(ALL_SYSTEMS)}; all"
    )
    parser.add_argument(
        "--bundle", action="append", choices=list(bundles()), metavar="NAME", help=f"of {', '.join(bundles())}; all"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="every pair and every difference")
    parser.add_argument("--again", action="store_true", help="ask the loaders even where their answers are known")
    parser.add_argument("--show", type=int, default=40, metavar="N", help="print at most so many differing pairs (40)")
    options = parser.parse_args(arguments)
    reason = why_impossible()
    if reason is not None:
        print(f"nothing was asked: {reason}")
        return 0
    pairs = run(options.system or ALL_SYSTEMS, options.bundle or list(bundles()), again=options.again)
    report(pairs, options.show)
    if options.json is not None:
        options.json.write_text(
            json.dumps([dataclasses.asdict(pair) for pair in pairs], indent=1, default=_plain), encoding="utf-8"
        )
    return 1 if any(pair.differences for pair in pairs) else 0


def run(systems: Sequence[str], names: Sequence[str], *, again: bool = False) -> list[Pair]:
    """Ask and compare; a tree or a bundle that cannot be made is named on standard error and left out."""
    pairs: list[Pair] = []
    profiles: dict[str, HostProfile] = {}
    for name in names:
        try:
            bundle = read_bundle(bundles()[name].path())
        except Unavailable as reason:
            print(f"{name}: left out: {reason}", file=sys.stderr)
            continue
        questions = bundle.questions()
        for system in (system for system in systems if system in bundles()[name].systems):
            started = time.monotonic()
            try:
                root = tree(system)
                real = ask(root, bundle.path, questions, bundle.environment, again=again)
            except Unavailable as reason:
                print(f"{name} on {system}: left out: {reason}", file=sys.stderr)
                continue
            asked = time.monotonic()
            if system not in profiles:
                profiles[system] = capture(root, id_=system)
            model = model_answers(bundle, profiles[system], questions, bundle.environment)
            done = time.monotonic()
            compared = [
                Pair(
                    system,
                    name,
                    question,
                    _differences(question, real, model),
                    messages(real[question], model[question]),
                )
                for question in questions
            ]
            agreeing = sum(not pair.differences for pair in compared)
            print(
                f"{name} on {system}: {agreeing} of {len(compared)} agree "
                f"(loader {asked - started:.1f} s, model {done - asked:.1f} s)",
                file=sys.stderr,
            )
            pairs += compared
    return pairs


def _differences(
    question: Question, real: Mapping[Question, Answer], model: Mapping[Question, ModelAnswer]
) -> tuple[Difference, ...]:
    program = None if question.is_program or question.program is None else Question(question.program, question.program)
    return compare(question, real[question], model[question], real.get(program) if program is not None else None)


def report(pairs: Sequence[Pair], show: int) -> None:
    """Print the totals, and the differing pairs, alike ones of one bundle once."""
    seen: Counter[str] = Counter()
    for pair in pairs:
        for difference in pair.differences:
            key = f"{pair.bundle} | {pair.question.object} | {difference.about}"
            seen[key] += 1
            if seen[key] == 1 and len(seen) <= show:
                print(f"{pair.system} | {key}\n    loader: {difference.real}\n    model:  {difference.model}")
    said = [pair.message for pair in pairs if pair.message is not None]
    print(
        f"{len(said)} failures with a message, {sum(message.is_same for message in said)} word by word the same in the first line"
    )
    agreeing = sum(not pair.differences for pair in pairs)
    systems, names = ({pair.system for pair in pairs}, {pair.bundle for pair in pairs})
    print(
        f"{len(pairs)} pairs of object and system compared, {agreeing} agree ({len(systems)} systems, {len(names)} bundles)"
    )


def _plain(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    sys.exit(main())
