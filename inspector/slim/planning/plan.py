"""The plan: an ordered list of actions with their reasons, a document of its own (``inspector/plan/1``) that can be written, read and replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from inspector.documents import decode_document, encode_document, read_document
from inspector.model import ByteCount, Confidence

PLAN_SCHEMA = "inspector/plan/1"

ActionKind = Literal["remove", "strip", "compile", "share", "search-path", "rewrite"]
"""What is done to an action's paths: removed; an ELF file stripped; bytecode compiled or made valid; equal files made hard links of one
another (the first path is the one that stays); RPATH or RUNPATH repaired; a file's text rewritten (RECORD of a dist-info)."""


def action_key(rule: str, subject: str) -> str:
    """The name of an action: no two actions of a plan have the same rule and subject."""
    return f"{rule}:{subject}"


class Action(Struct, frozen=True, kw_only=True):
    """One thing that slim does.

    :ivar rule: the prune rule's name, in ``rules/prune/`` ("python-tests"); the guilty one is named by it when verification fails.
    :ivar level: the least level at which it is done unasked: "safe", "moderate", "aggressive".
    :ivar subject: what it is about, for a person: a distribution, a module, a directory.
    :ivar paths: tree paths of the files, links and directories that it concerns; a directory that becomes empty is named too.
    :ivar saves: raw and stored bytes that the artifact becomes smaller by; stored is an estimate (a file's share of its compressed unit).
    :ivar confidence: how sure it is that nothing misses it; a trace raises it.
    :ivar reasons: the chain by which it is known, one clause each ("no module imports it", "only numpy.testing imports it, which goes too").
    :ivar refuted_by: what would prove it wrong ("a program that loads plugins by a name it reads from a file").
    :ivar details: what a replay needs and the paths do not tell: the new RUNPATH by path, for instance.
    """

    rule: str
    level: Literal["safe", "moderate", "aggressive"]
    kind: ActionKind
    subject: str
    paths: tuple[str, ...]
    saves: ByteCount = ByteCount()
    confidence: Confidence = "high"
    reasons: tuple[str, ...] = ()
    refuted_by: str = ""
    details: dict[str, str] = {}

    @property
    def key(self) -> str:
        """What names the action in every plan for the same input: verification leaves it out by this."""
        return action_key(self.rule, self.subject)


class Kept(Struct, frozen=True, kw_only=True):
    """Something that a rule would have taken and a guard kept, and why."""

    rule: str
    subject: str
    reason: str
    paths: tuple[str, ...] = ()
    bytes: ByteCount = ByteCount()


class PlanTarget(Struct, frozen=True, kw_only=True):
    """The input that the plan was made for; another one is refused.

    :ivar digest: sha256 of the file; of a directory, of its manifest (path, kind, mode, size, content of every member).
    """

    path: str
    format: str
    digest: str
    size: ByteCount = ByteCount()


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that slim intends.

    :ivar level: the highest level that was allowed.
    :ivar closed: whether the bundle is an application: its Python modules are known, or it has no Python; False: an open interpreter, where every
        importable module is a root.
    :ivar interpreter: whether there is a Python at all.
    :ivar roots: what the application starts from, or why the interpreter is open, a clause each.
    :ivar notices: what the user ought to know before it is done ("the signature is dropped").
    :ivar predicted: raw and stored bytes afterwards.
    :ivar budget_gap: stored bytes by which the output stays above the budget that was asked for; 0 where it is met or there is none.
    """

    schema: Literal["inspector/plan/1"] = "inspector/plan/1"
    tool: str
    target: PlanTarget
    level: Literal["safe", "moderate", "aggressive"]
    bytecode: Literal["keep", "hot", "none"] = "keep"
    closed: bool = False
    interpreter: bool = False
    roots: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    kept: tuple[Kept, ...] = ()
    notices: tuple[str, ...] = ()
    predicted: ByteCount = ByteCount()
    budget_gap: int = 0


def plan_json(plan: Plan) -> bytes:
    """The document as indented UTF-8 JSON."""
    return encode_document(plan, indent=1, always=True)


def load_plan(path: str | Path) -> Plan:
    """Read a document that :func:`plan_json` wrote.

    :raises UsageError: where the file cannot be read or is not a plan.
    """
    advice = "write one with: inspect slim ARTIFACT --dry-run --plan plan.json"
    return decode_document(read_document(path), Plan, path, PLAN_SCHEMA, advice)
