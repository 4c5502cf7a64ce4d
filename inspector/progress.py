"""How the work tells somebody that it advances, without knowing who listens or whether anybody prints.

The command line shows a bar, a survey may count artifacts, a library user sees nothing: :data:`SILENT` is the default everywhere.
Nothing here prints, and nothing measures time; an observer may do both.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """An observer of one piece of work.  Its methods must be cheap, must not raise, and are called from one thread."""

    def stage(self, text: str, total: int | None = None) -> None:
        """A new stage begins, and the one before has ended.

        :param text: a few words in the progressive form, without a full stop ("Reading ELF files").
        :param total: how many steps the stage has, or None where nobody knows.
        """

    def advance(self, steps: int = 1) -> None:
        """That many steps of the current stage are done.  Call it for every few hundred files or every MiB, not for every byte."""


class SilentProgress:
    """Takes every report and shows none."""

    def stage(self, text: str, total: int | None = None) -> None:
        """Ignore the stage."""

    def advance(self, steps: int = 1) -> None:
        """Ignore the steps."""


SILENT: Progress = SilentProgress()
