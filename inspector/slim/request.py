"""What is asked of one run of ``inspect slim``, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from inspector.result import Result
from inspector.slim.options import SlimOptions
from inspector.slim.planning.plan import Plan


class SlimRequest(Struct, frozen=True, kw_only=True):
    """What is asked of one run.

    :ivar output: where the copy goes; None: NAME-slim beside the input.
    :ivar force: whether what is there is replaced.
    :ivar plan_file: where the plan is written; ``apply_file``: a written plan that is done instead of making one.
    :ivar undo_file: where what :func:`inspector.slim.undoing.undo.unslim` needs is written.
    :ivar runtime: an AppImage runtime, or an AppImage that has it, for an AppDir that becomes an AppImage.
    :ivar sign: the GPG key that signs the output.
    :ivar hosts: systems for the audits, as for :func:`inspector.pipeline.audit`.
    """

    path: str
    output: str | None = None
    force: bool = False
    dry_run: bool = False
    plan_file: str | None = None
    apply_file: str | None = None
    undo_file: str | None = None
    runtime: str | None = None
    sign: str | None = None
    options: SlimOptions = field(default_factory=SlimOptions)
    hosts: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class SlimOutcome(Struct, frozen=True):
    """What came of it.

    :ivar result: of the output, with ``slim``; where nothing was written, of the input.
    :ivar passed: whether everything that was asked for was done and proved.
    """

    result: Result
    plan: Plan
    passed: bool
