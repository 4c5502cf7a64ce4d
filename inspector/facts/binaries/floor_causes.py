"""Why an object asks for a symbol version, and what lowers it: symbol by symbol, from ``rules/floors/causes.toml``.

Knowledge about toolchains, never about one artifact; the figures of an artifact are collected elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from msgspec import Struct

from inspector.patterns import glob_pattern
from inspector.resources import load_table

_TABLE = "floors/causes.toml"
_NAMED = 3  # symbols that a sentence names before it counts the rest


class FloorReason(Struct, frozen=True):
    """Why some symbols carry a version.

    :ivar symbols: the symbols asked about that it explains.
    :ivar why: one clause; None where the functions are simply new in that version.
    :ivar remedy: a clause in the imperative, or None where only the general remedy of the namespace helps.
    """

    symbols: tuple[str, ...]
    why: str | None
    remedy: str | None


class _Cause(Struct, frozen=True):
    pattern: re.Pattern[str]
    why: str | None
    remedy: str | None


def floor_reasons(namespace: str, version: str, symbols: Iterable[str]) -> list[FloorReason]:
    """The known reasons for ``namespace_version``, each with those of the symbols that it explains; symbols nobody knows are left out.

    :param version: without the namespace ("2.34", "ABI_DT_RELR", "PRIVATE").
    """
    causes = _causes().get((namespace, version), ())
    explained: dict[int, list[str]] = {}
    for symbol in symbols:
        for index, cause in enumerate(causes):
            if cause.pattern.fullmatch(symbol):
                explained.setdefault(index, []).append(symbol)
                break
    return [
        FloorReason(tuple(names), causes[index].why, causes[index].remedy)
        for index, names in sorted(explained.items(), key=lambda row: (-len(row[1]), row[0]))
    ]


def remedy_for(namespace: str, version: str, symbols: Sequence[str]) -> str | None:
    """One or a few sentences: why the version is asked for, and how to lower it; None where nothing is known of the namespace.

    :param version: without the namespace ("2.34").
    :param symbols: those that ask for it; may be empty, or a selection.
    """
    sentences = []
    origin = _origin(namespace, version)
    if origin is not None:
        sentences.append(f"{namespace}_{version} came with {origin}")
    reasons = floor_reasons(namespace, version, symbols)
    sentences += [f"{_listed(reason.symbols)}: {reason.why}" for reason in reasons if reason.why is not None]
    general: str | None = load_table(_TABLE)["general"].get(namespace)
    steps = [reason.remedy for reason in reasons if reason.remedy is not None]
    explained = sum(len(reason.symbols) for reason in reasons if reason.remedy is not None)
    if general is not None and (not steps or explained < len(symbols)):
        steps.append(general)
    if not steps:
        return None
    sentences += [step[0].upper() + step[1:] for step in dict.fromkeys(steps)]  # each step once, in order
    return ". ".join(sentences) + "."


def marker_meaning(name: str) -> str | None:
    """What a version that is no number means ("GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"), or None for a name that is not known."""
    meaning: str | None = load_table(_TABLE)["markers"].get(name)
    return meaning


def glibc_release_date(version: str) -> str | None:
    """The day (ISO 8601) on which a glibc was released ("2.34"), or None for one that is not in the data."""
    date = load_table(_TABLE)["glibc_releases"].get(version)
    return None if date is None else str(date)


def gcc_release(namespace: str, version: str) -> str | None:
    """The first GCC whose libstdc++ defines ``GLIBCXX`` or ``CXXABI`` of this version; for versions in between, the next one that is known."""
    releases = load_table(_TABLE)["gcc_releases"].get(namespace)
    if releases is None:
        return None
    exact: str | None = releases.get(version)
    if exact is not None:
        return exact
    wanted = _numbers(version)
    later: list[tuple[tuple[int, ...], str]] = [
        (_numbers(known), gcc) for known, gcc in releases.items() if wanted and _numbers(known) > wanted
    ]
    return min(later)[1] if later else None


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _origin(namespace: str, version: str) -> str | None:
    if namespace == "GLIBC":
        date = glibc_release_date(version)
        return None if date is None else f"glibc {version} of {date}"
    gcc = gcc_release(namespace, version)
    return None if gcc is None else f"GCC {gcc}"


def _listed(symbols: Sequence[str]) -> str:
    named = ", ".join(symbols[:_NAMED])
    return named if len(symbols) <= _NAMED else f"{named} and {len(symbols) - _NAMED} more"


@cache
def _causes() -> dict[tuple[str, str], tuple[_Cause, ...]]:
    grouped: dict[tuple[str, str], list[_Cause]] = {}
    for row in load_table(_TABLE)["cause"]:
        why = None if row["why"] == "new" else row["why"]
        grouped.setdefault((row["namespace"], row["version"]), []).append(
            _Cause(glob_pattern(row["symbols"]), why, row.get("remedy"))
        )
    return {key: tuple(causes) for key, causes in grouped.items()}
