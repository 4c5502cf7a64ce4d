"""What is printed, and which bars hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from corpus.strip.contenders import Measured

LEAST_FILES = 1000
LEAST_SHARE = 0.95
"""Of the bytes that GNU strip saves on the files that it does not break."""

Computations = Sequence[Sequence[tuple[str, bool, str]]]
_MOST_LINES = 60


def share_of_gnu(rows: Iterable[Measured]) -> tuple[int, int, int]:
    """On the files that GNU strip neither breaks nor refuses: how many, bytes saved by ours, bytes saved by GNU.

    A file that GNU strip makes larger counts as one on which it saves nothing: nobody keeps such an output.
    """
    fair = [row for row in rows if not row.gnu_breaks and row.gnu_refused is None]
    return len(fair), sum(row.size - row.ours for row in fair), sum(max(row.size - row.gnu, 0) for row in fair)


def print_report(rows: Sequence[Measured], trees: int, gnu_version: str) -> None:
    """The table by architecture, what happened to loaders' answers, why files were left, and what was broken."""
    members = sum(len(row.members) for row in rows)
    print(f"\n{len(rows):,} different ELF files ({members:,} with copies) of {trees} trees")
    print(f"control: {gnu_version}, --strip-unneeded\n")
    _print_architectures(rows)
    count, ours, gnu = share_of_gnu(rows)
    print(
        f"\non the {count:,} files that GNU strip does not break: ours saves {ours:,} bytes, GNU {gnu:,}: {ours / max(gnu, 1):.2%}"
    )
    larger = sum(row.gnu > row.size for row in rows)
    print(
        f"GNU strip makes {larger:,} files larger, and changes what {sum(row.gnu_changed is not None for row in rows):,} have in memory"
    )
    _print_answers(rows)
    bytes_read = sum(row.size for row in rows)
    slowest = max((row.seconds for row in rows), default=0)
    times = {
        "reading once": sum(row.read_seconds for row in rows),
        "ours": sum(row.seconds for row in rows),
        "GNU": sum(row.gnu_seconds for row in rows),
    }
    for name, seconds in times.items():
        print(f"time, {name}: {seconds:.1f} s, {bytes_read / max(seconds, 0.001) / 1e6:,.0f} MB/s")
    print(f"slowest file of ours: {slowest:.2f} s")
    print("\nleft as they are:")
    for reason, number in Counter(row.left for row in rows if row.left is not None).most_common():
        print(f"  {number:>5,}  {reason}")
    _print_broken("GNU strip broke", [(row, row.gnu_broken, 2) for row in rows if row.gnu_breaks])
    _print_broken("ours broke", [(row, row.ours_broken, 1) for row in rows if row.ours_breaks])


def _print_architectures(rows: Sequence[Measured]) -> None:
    print(
        f"{'architecture':<14}{'files':>7}{'bytes':>15}{'ours saved':>14}{'GNU saved':>14}{'ours broke':>12}{'GNU broke':>11}"
        f"{'GNU refused':>13}"
    )
    for name in [*sorted({row.architecture for row in rows}), "all"]:
        part = [row for row in rows if name in (row.architecture, "all")]
        print(
            f"{name:<14}{len(part):>7,}{sum(row.size for row in part):>15,}{sum(row.size - row.ours for row in part):>14,}"
            f"{sum(max(row.size - row.gnu, 0) for row in part if not row.gnu_breaks):>14,}{sum(row.ours_breaks for row in part):>12,}"
            f"{sum(row.gnu_breaks for row in part):>11,}{sum(row.gnu_refused is not None for row in part):>13,}"
        )


def _print_answers(rows: Sequence[Measured]) -> None:
    print("\ndlopen(RTLD_NOW)         asked   load before   same after ours   same after GNU")
    asked = [row for row in rows if row.answers]
    for name in sorted({_loader_of(row) for row in asked}):
        part = [row for row in asked if _loader_of(row) == name]
        print(
            f"{name:<20}{len(part):>10,}{sum(row.answers[0] == 'ok' for row in part):>14,}"
            f"{sum(row.answers[0] == row.answers[1] for row in part):>18,}{sum(row.answers[0] == row.answers[2] for row in part):>17,}"
        )


def _loader_of(row: Measured) -> str:
    return f"{row.architecture}, {'musl' if row.is_for_musl else 'glibc'}"


def _print_broken(title: str, broken: Sequence[tuple[Measured, str | None, int]]) -> None:
    if broken:
        print(f"\n{title}:")
    for row, words, which in broken[:_MOST_LINES]:
        answer = (row.gnu_alone if which == 2 else row.answers[which] if row.ours_broken is None else None) or ""
        print(f"  {row.members[0].path.name} ({row.architecture}): {words or ''} {answer}".rstrip()[:200])
    if len(broken) > _MOST_LINES:
        print(f"  … and {len(broken) - _MOST_LINES} more")


def print_computations(results: Computations) -> None:
    """Which packages and programs work, before and after each strip."""
    if not results:
        return
    print(f"\n{'import and compute, run':<26}{'before':>10}{'ours':>10}{'GNU':>10}")
    for (name, *before), (_, *ours), (_, *gnu) in zip(*results, strict=True):
        words = [_word(result, before) for result in (before, ours, gnu)]
        print(f"{name:<26}{words[0]:>10}{words[1]:>10}{words[2]:>10}" + ("" if gnu[0] else f"   {str(gnu[1])[-110:]}"))


def _word(result: list[bool | str], before: list[bool | str]) -> str:
    return "fails" if not result[0] else "works" if result == before else "differs"


def bars_broken(rows: Sequence[Measured], results: Computations) -> list[str]:
    """The bars that do not hold, a sentence each."""
    broken = []
    ours_broke = sum(row.ours_breaks for row in rows)
    if ours_broke:
        broken.append(f"our strip broke {ours_broke} files")
    _, ours, gnu = share_of_gnu(rows)
    if ours < LEAST_SHARE * gnu:
        broken.append(f"ours saves {ours / gnu:.1%} of what GNU strip saves")
    if not results:
        return broken
    if len(rows) < LEAST_FILES:
        broken.append(f"{len(rows)} files, fewer than {LEAST_FILES}")
    broken += [f"{name} does not work before" for name, works, _ in results[0] if not works]
    broken += [
        f"{before[0]} says something else after our strip"
        for before, after in zip(results[0], results[1], strict=True)
        if before != after
    ]
    if not any(before[1] and not control[1] for before, control in zip(results[0], results[2], strict=True)):
        broken.append("the control shows no failure: the computations do not bite")
    return broken
