"""How the progress of a stage is shown: a bar on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from can_train.runs.state import RunStatus

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Display(Protocol):
    """Shows stages; used as a context."""

    def __enter__(self) -> Display:
        """Starts showing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops showing."""

    def line(self, text: str) -> None:
        """Shows one line of lasting text."""

    def progress(self, title: str, status: RunStatus) -> None:
        """Shows the progress of the stage called `title`."""


class PlainDisplay:
    """Lines on stdout, and one line per epoch on stderr."""

    def __init__(self, out: TextIO, talk: TextIO) -> None:
        self._out = out
        self._talk = talk
        self._shown: dict[str, int] = {}

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._talk.flush()

    def line(self, text: str) -> None:
        """Writes one line to stdout."""
        self._out.write(f"{text}\n")
        self._out.flush()

    def progress(self, title: str, status: RunStatus) -> None:
        """Writes one line to stderr for each new epoch."""
        if status.epoch and status.epoch != self._shown.get(title):
            self._shown[title] = status.epoch
            self._talk.write(f"{title}: epoch {status.epoch}/{status.epochs}{_figure(status)}\n")
            self._talk.flush()


class TerminalDisplay:
    """A rich progress bar per stage."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        figure = TextColumn("{task.fields[figure]}")
        self._bars: Progress = Progress(*columns, figure, Elapsed())
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> TerminalDisplay:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def line(self, text: str) -> None:
        """Prints one line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def progress(self, title: str, status: RunStatus) -> None:
        """Moves the bar of the stage."""
        if title not in self._tasks:
            self._tasks[title] = self._bars.add_task(title, total=None, figure="")
        self._bars.update(
            self._tasks[title],
            total=status.epochs or None,
            completed=status.epoch,
            figure=_figure(status),
        )


def display_for(out: TextIO, talk: TextIO) -> Display:
    """Bars if `out` is the terminal, lines otherwise."""
    return TerminalDisplay() if out is sys.stdout and out.isatty() else PlainDisplay(out, talk)


def _figure(status: RunStatus) -> str:
    if not status.metric or status.value is None:
        return ""
    return f" {status.metric} {status.value:.5g}"
