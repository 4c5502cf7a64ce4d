"""What slim says of its work in the Result: actions, components before and after, checks."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.artifact.tree import Tree
from inspector.model import ByteCount
from inspector.result import SlimAction, SlimCheck, SlimInfo, SlimKept, SlimRow
from inspector.slim.planning.plan import Plan
from inspector.slim.planning.savings import Savings
from inspector.slim.planning.subjects import Subjects

MOST_ROOTS = 20


def slim_info(
    plan: Plan,
    *,
    path: str,
    size: int,
    checks: Iterable[SlimCheck] = (),
    left_out: Iterable[SlimKept] = (),
    notices: Iterable[str] = (),
) -> SlimInfo:
    """What the plan says, before anything is written.

    :param path: of the input.
    :param size: bytes of the input's file, or of all files of a directory.
    """
    return SlimInfo(
        input=path,
        level=plan.level,
        bytecode=plan.bytecode,
        closed=plan.closed,
        interpreter=plan.interpreter,
        roots=plan.roots[:MOST_ROOTS],
        size_before=size,
        before=plan.target.size,
        after=plan.predicted,
        actions=tuple(
            SlimAction(
                rule=action.rule,
                level=action.level,
                kind=action.kind,
                subject=action.subject,
                files=len(action.paths),
                saves=action.saves,
                reasons=action.reasons,
                refuted_by=action.refuted_by,
            )
            for action in plan.actions
        ),
        kept=tuple(
            SlimKept(rule=row.rule, subject=row.subject, reason=row.reason, bytes=row.bytes) for row in plan.kept
        ),
        left_out=tuple(left_out),
        checks=tuple(checks),
        notices=(*plan.notices, *notices),
    )


def component_rows(before: Tree, after: Tree, subjects: Subjects) -> tuple[SlimRow, ...]:
    """Components that became smaller or larger, by what they lost of stored bytes, the most first."""
    old, new = _by_component(before, subjects), _by_component(after, subjects)
    nothing = ByteCount()
    rows = [
        SlimRow(name=name, before=old.get(name, nothing), after=new.get(name, nothing)) for name in sorted({*old, *new})
    ]
    changed = [row for row in rows if row.before != row.after]
    return tuple(
        sorted(changed, key=lambda row: (row.after.stored - row.before.stored, row.after.raw - row.before.raw))
    )


def total_bytes(tree: Tree) -> ByteCount:
    """Raw bytes of all files, and what their contents take in the container, each once."""
    return Savings(tree).total


def _by_component(tree: Tree, subjects: Subjects) -> dict[str, ByteCount]:
    savings = Savings(tree)
    found: dict[str, list[int]] = {}
    for node in tree.files():
        row = found.setdefault(subjects.of(node.path), [0, 0])
        row[0] += node.size
        row[1] += savings.stored(node)
    return {name: ByteCount(raw=raw, stored=stored) for name, (raw, stored) in found.items()}
