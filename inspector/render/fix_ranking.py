"""Which fixes are worth most: errors first, then what breaks on most systems, then bytes saved.  Pure; printed elsewhere."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec import Struct

from inspector.model import SEVERITY_ORDER, ByteCount, Finding
from inspector.render.host_summary import systems_lacking
from inspector.result import Result

MISSING_LIBRARY, GLIBC_FLOOR = "missing-library", "glibc-floor"
FIXES_SHOWN = 3
_GLIBC_ABOVE_TARGET = "glibc-above-target"
_SIZE_OVER_BUDGET, _HOST_LIBRARY = "size-over-budget", "host-library-bundled"
SLIM_WRITES = frozenset(
    (
        "appimage-2",
        "appdir",
        "directory",
        "snap",
        "squashfs",
        "pyinstaller",
        "pyinstaller-folder",
        "nuitka-folder",
        "pyoxidizer-folder",
        "cx_freeze",
        "pex",
        "shiv",
        "zipapp",
    )
)
"""Formats for which ``inspect slim`` is worth typing; it writes others too (``inspect formats``), such as wheels, which their projects build."""
_LIBFUSE_RULE, _LIBFUSE = "runtime-needs-libfuse2", "libfuse.so.2"
_LOADING_FAMILIES = ("LIB", "FLR", "APP", "HRD")
"""Prefixes of the codes of rules whose warnings mean that something does not load or start somewhere."""


class RankedFix(Struct, frozen=True):
    """The fixes of one rule, by the one of them that is worth most.

    :ivar stopped: systems on which a program does not start for want of what :attr:`finding` names.
    :ivar systems: systems on which anything does not load for want of that.
    :ivar saves: bytes of all fixes of the rule; stored is 0 where it is not known or nothing.
    :ivar count: findings of the rule that have a fix.
    """

    finding: Finding
    text: str
    stopped: int
    systems: int
    saves: ByteCount
    count: int


def wasted_bytes(result: Result) -> dict[str, tuple[str, ByteCount]]:
    """By the rule that speaks of it: the name of a kind of bytes that could go, and how many there are.  Kinds overlap."""
    sizes = result.sizes
    spare = next((row for row in sizes.by_type if row.name == "Python bytecode (optimised)"), None)
    return {
        "tests-shipped": ("tests", sizes.test_bytes),
        "spare-bytecode-shipped": (
            "spare bytecode",
            ByteCount(raw=spare.raw, stored=spare.stored) if spare is not None else ByteCount(),
        ),
        "duplicate-files": ("duplicates", sizes.duplicate_bytes),
        "static-library-shipped": ("static libraries", sizes.static_library_bytes),
        "debug-information-shipped": ("debug information", sizes.debug_bytes),
    }


def rank_fixes(result: Result) -> list[RankedFix]:
    """One fix a rule, the most valuable first; a note that saves no byte is left out, and what fixes before it do already."""
    lacking = systems_lacking(result)
    needed = Counter(need.name for row in result.libraries for need in row.needed if need.origin == "missing")
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        if finding.suppressed is None and finding.fix is not None:
            groups[finding.rule].append(finding)
    if _GLIBC_ABOVE_TARGET in groups:  # the floor is the highest of these, and to mend them mends it
        groups.pop(GLIBC_FLOOR, None)
    ranked = [_rank(result, group, lacking, needed) for group in groups.values()]
    worth = [
        fix for fix in ranked if _stops_something(result, fix) or fix.saves.raw or fix.finding.severity == "warning"
    ]
    chosen: list[RankedFix] = []
    texts: set[str] = set()
    over_budget = any(
        finding.rule == _SIZE_OVER_BUDGET and finding.severity == "error" and finding.suppressed is None
        for finding in result.findings
    )
    for fix in sorted(worth, key=lambda fix: (_mends_no_failure(fix, over_budget=over_budget), _value(result, fix))):
        of_rule = {finding.fix.text for finding in groups[fix.finding.rule] if finding.fix is not None}
        if not of_rule <= texts:  # two rules may ask for one thing, such as to remove a library
            chosen.append(fix)
        texts |= of_rule
    return chosen


def next_command(result: Result, fixes: Sequence[RankedFix]) -> tuple[str, str] | None:
    """What to type next for the sake of these fixes, and what it is for; None where there is nothing to mend.

    The artifact's path is quoted for a shell, and not yet made safe for a screen.
    """
    artifact = shlex.quote(result.artifact.path)
    by_slim = [number for number, fix in enumerate(fixes, 1) if _slim_does(result, fix)]
    if by_slim and result.artifact.format in SLIM_WRITES and result.slim is None:
        option = " --fix portability" if any(fix.finding.rule == _HOST_LIBRARY for fix in fixes) else ""
        numbers = " and ".join(map(str, by_slim)) if len(by_slim) < 3 else "all of it"
        return f"inspect slim {artifact}{option}", f"does {numbers} on a copy"
    if not fixes:
        return None
    if fixes[0].finding.rule == MISSING_LIBRARY:
        return f"inspect why {artifact} {shlex.quote(fixes[0].finding.subject)}", "who needs it"
    return f"inspect explain {fixes[0].finding.rule}", "what it means, what to do"


def _slim_does(result: Result, fix: RankedFix) -> bool:
    return bool(fix.saves.raw) and (fix.finding.rule in wasted_bytes(result) or fix.finding.rule == _HOST_LIBRARY)


def _rank(
    result: Result, group: Sequence[Finding], lacking: dict[str, tuple[int, int]], needed: Counter[str]
) -> RankedFix:
    def within(finding: Finding) -> tuple[int | str, ...]:
        saves = finding.fix.saves if finding.fix is not None else 0
        return (
            SEVERITY_ORDER[finding.severity],
            *(-count for count in _systems(result, finding, lacking)),
            -needed[finding.subject],
            -saves,
            finding.subject,
        )

    first = min(group, key=within)
    stopped, systems = _systems(result, first, lacking)
    raw = sum(finding.fix.saves for finding in group if finding.fix is not None)
    _, wasted = wasted_bytes(result).get(first.rule, ("", ByteCount()))
    return RankedFix(
        finding=first,
        text=first.fix.text if first.fix is not None else "",
        stopped=stopped,
        systems=systems,
        saves=ByteCount(raw=raw, stored=wasted.stored),
        count=len(group),
    )


def _systems(result: Result, finding: Finding, lacking: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """On how many systems a program does not start, and on how many anything fails, for want of what the finding names."""
    name = finding.subject
    if finding.rule in (GLIBC_FLOOR, _GLIBC_ABOVE_TARGET):
        floor = result.floors.get("GLIBC")
        name = f"GLIBC_{floor.host_version}" if floor is not None else ""
    elif finding.rule == _LIBFUSE_RULE:
        name = _LIBFUSE
    return lacking.get(name, (0, 0))


def _stops_something(result: Result, fix: RankedFix) -> bool:
    if fix.finding.severity == "error" or fix.systems:
        return True
    info = result.rules.get(fix.finding.rule)
    loading = info is not None and info.code.startswith(_LOADING_FAMILIES)
    return fix.finding.severity == "warning" and loading


def _mends_no_failure(fix: RankedFix, *, over_budget: bool) -> bool:
    return fix.finding.severity != "error" and not (over_budget and fix.saves.raw)


def _value(result: Result, fix: RankedFix) -> tuple[bool, int, int, bool, bool, int, int, int, str]:
    """The smaller, the better; a finding about the whole artifact goes before one about a part of it."""
    stops = _stops_something(result, fix)
    stored_once = fix.finding.rule == "duplicate-files" and not fix.saves.stored and result.sizes.total.stored
    return (
        fix.finding.severity != "error",
        -fix.stopped,
        -fix.systems,
        not stops,
        bool(stops and fix.finding.subject),
        -fix.count if stops else 0,
        0 if stored_once else -fix.saves.raw,
        SEVERITY_ORDER[fix.finding.severity],
        fix.finding.rule,
    )
