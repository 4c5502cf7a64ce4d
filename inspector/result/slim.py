"""What ``inspect slim`` did, or would do."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.model import ByteCount


class SlimAction(Struct, frozen=True, kw_only=True):
    """What slim did, or would do, to some files; the plan document has their paths.

    :ivar saves: an estimate for each action; what the whole came to is measured.
    """

    rule: str
    level: Literal["safe", "moderate", "aggressive"]
    kind: str
    subject: str
    files: int
    saves: ByteCount = ByteCount()
    reasons: tuple[str, ...] = ()
    refuted_by: str = ""


class SlimKept(Struct, frozen=True, kw_only=True):
    """What a rule would have taken, and why it stayed; or an action that was left out, because a check failed with it."""

    rule: str
    subject: str
    reason: str
    bytes: ByteCount = ByteCount()


class SlimRow(Struct, frozen=True, kw_only=True):
    """A component before and after."""

    name: str
    before: ByteCount
    after: ByteCount


class SlimCheck(Struct, frozen=True, kw_only=True):
    """One proof that the output works, or why there is none."""

    name: Literal["tree", "audit", "hosts", "imports", "smoke"]
    outcome: Literal["passed", "failed", "not checked"]
    detail: str = ""


class SlimInfo(Struct, frozen=True, kw_only=True):
    """What ``inspect slim`` did to the artifact, or would do.

    :ivar input: path of what was slimmed; ``output`` of what was written, None where nothing was.
    :ivar closed: whether the bundle was taken as an application whose modules are known; False: as an open interpreter, or as
        something whose programs are not known.
    :ivar interpreter: whether there is a Python at all.
    :ivar roots: what it was taken to start from, or why everything that can be imported stays; at most twenty clauses.
    :ivar size_before: bytes of the artifact's file, or of all files of a directory; ``size_after`` like it, and None where nothing was written.
    :ivar before: raw and stored bytes of all files.
    :ivar after: the same of the output; where nothing was written, what the plan predicts.
    """

    input: str
    level: Literal["safe", "moderate", "aggressive"]
    bytecode: Literal["keep", "hot", "none"] = "keep"
    closed: bool = False
    interpreter: bool = False
    roots: tuple[str, ...] = ()
    output: str | None = None
    size_before: int = 0
    size_after: int | None = None
    before: ByteCount = ByteCount()
    after: ByteCount = ByteCount()
    actions: tuple[SlimAction, ...] = ()
    kept: tuple[SlimKept, ...] = ()
    left_out: tuple[SlimKept, ...] = ()
    by_component: tuple[SlimRow, ...] = ()
    checks: tuple[SlimCheck, ...] = ()
    notices: tuple[str, ...] = ()
