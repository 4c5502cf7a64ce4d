"""Rule family sizes: bytes that a release carries and no user needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.facts.sizes import SPARE_BYTECODE, STATIC_LIBRARIES, FileFact
from inspector.model import ByteCount, Finding, Fix
from inspector.quantities import format_size

RULES = (
    "debug-information-shipped",
    "static-library-shipped",
    "tests-shipped",
    "spare-bytecode-shipped",
    "duplicate-files",
)

_LEAST = 64 * 1024  # raw bytes below which a release is not worth a word about them
_MOST_NAMED = 5


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    yield from _debug(facts)
    yield from _files(
        facts,
        "static-library-shipped",
        "static libraries and object files",
        "remove-static-libraries",
        lambda file: file.kind == STATIC_LIBRARIES,
        safe=True,
    )
    yield from _files(facts, "tests-shipped", "test suites", "remove-tests", lambda file: file.is_test, safe=False)
    yield from _files(
        facts,
        "spare-bytecode-shipped",
        "bytecode of optimisation levels that nothing starts",
        "remove-spare-bytecode",
        lambda file: file.kind == SPARE_BYTECODE,
        safe=True,
    )
    yield from _duplicates(facts)


def _debug(facts: Facts) -> Iterator[Finding]:
    worst = sorted(((file.debug, path) for path, file in facts.files.items() if file.debug), reverse=True)
    total = facts.sizes.debug_bytes
    if total.raw >= _LEAST:
        yield finding(
            "debug-information-shipped",
            "",
            f"{len(worst)} ELF files carry {_amount(total)} of debug information",
            evidence=[f"{path}: {format_size(count)}" for count, path in worst[:_MOST_NAMED]],
            fix=Fix(
                text="strip it, keeping the segments as they are", action="strip-debug", saves=total.raw, safe=True
            ),
        )


def _files(
    facts: Facts, rule: str, what: str, action: str, belongs: Callable[[FileFact], bool], *, safe: bool
) -> Iterator[Finding]:
    found = sorted(((file.raw, path) for path, file in facts.files.items() if belongs(file)), reverse=True)
    raw = sum(size for size, _ in found)
    if raw < _LEAST:
        return
    total = ByteCount(raw=raw, stored=sum(facts.files[path].stored for _, path in found))
    yield finding(
        rule,
        "",
        f"{len(found)} files of {what} take {_amount(total)}",
        evidence=[f"{path}: {format_size(size)}" for size, path in found[:_MOST_NAMED]],
        fix=Fix(text=f"remove the {what}", action=action, saves=raw, safe=safe),
    )


def _duplicates(facts: Facts) -> Iterator[Finding]:
    wasted = facts.sizes.duplicate_bytes
    if wasted.raw >= _LEAST:
        free = (
            ""
            if wasted.stored
            else "; the image stores them once, so they cost memory and time at run time, not download"
        )
        yield finding(
            "duplicate-files",
            "",
            f"copies of files take {_amount(wasted)}{free}",
            evidence=[
                f"{group.count} x {format_size(group.size)}: {group.paths[0]}"
                for group in facts.sizes.duplicates[:_MOST_NAMED]
            ],
            fix=Fix(text="replace the copies by links", action="deduplicate", saves=wasted.raw, safe=False),
        )


def _amount(count: ByteCount) -> str:
    return (
        format_size(count.raw)
        if count.raw == count.stored
        else f"{format_size(count.raw)} ({format_size(count.stored)} stored)"
    )
