"""The progress bar: the only module of the command line that imports rich, and only once the work has taken a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from inspector.cli.color import in_continuous_integration
from inspector.render.escaping import escape

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from inspector.progress import Progress as Observer

_PATIENCE = 1.0  # seconds of silence before a bar appears: shorter work should leave nothing on the screen


@contextmanager
def observe_progress(*, shown: bool) -> Iterator[Observer]:
    """A progress bar where somebody watches stderr, else silence.

    :param shown: False where the options ask for silence.
    """
    if not shown or in_continuous_integration() or not sys.stderr.isatty():
        from inspector.progress import SILENT

        yield SILENT
        return
    with ProgressBar(sys.stderr) as bar:
        yield bar


class ProgressBar:
    """An ``inspector.progress.Progress`` on a terminal; it vanishes when its ``with`` block ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = monotonic()
        self._text = ""
        self._total: int | None = None
        self._done = 0
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, text: str, total: int | None = None) -> None:
        """Show another stage."""
        self._text, self._total, self._done = escape(text), total, 0
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, description=self._text, total=total)
        else:
            self._appear_when_due()

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        self._done += steps
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done)
        else:
            self._appear_when_due()

    def _appear_when_due(self) -> None:
        if monotonic() - self._began < _PATIENCE:
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        from inspector.cli.color import use_color

        # force_terminal: we were asked because stream is one; rich's own guess heeds FORCE_COLOR, which is no terminal
        console = Console(
            file=self._stream, force_terminal=True, no_color=not use_color(self._stream), markup=False, emoji=False
        )
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task(self._text, total=self._total, completed=self._done)
        self._bar.start()
