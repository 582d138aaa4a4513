"""How the progress of a stage is shown: a bar on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from can_train.jobs.job import Job
from can_train.runs.log_format import json_line, log_format
from can_train.runs.state import RunStatus

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


BAR_WIDTH: Final = 16
"""Leaves room for the words beside it on 80 columns."""


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

    def progress(self, job: Job, status: RunStatus) -> None:
        """Shows how far a stage is."""


class PlainDisplay:
    """Lines on stdout, and one line per epoch on stderr."""

    def __init__(self, out: TextIO, talk: TextIO) -> None:
        self._out = out
        self._talk = talk
        self._shown: dict[int, int] = {}

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

    def progress(self, job: Job, status: RunStatus) -> None:
        """Writes one line to stderr for each new epoch."""
        if status.epoch and status.epoch != self._shown.get(job.number):
            self._shown[job.number] = status.epoch
            epoch = f"epoch {status.epoch}/{status.epochs}"
            self._talk.write(f"{job.title}: {epoch}{_figure(status)}\n")
            self._talk.flush()


class JsonDisplay(PlainDisplay):
    """JSON lines on stderr: what happens to stages, and their epochs."""

    def line(self, text: str) -> None:
        """Writes one line of lasting text."""
        self._write(text, {})

    def progress(self, job: Job, status: RunStatus) -> None:
        """Writes one line for each new epoch."""
        if status.epoch and status.epoch != self._shown.get(job.number):
            self._shown[job.number] = status.epoch
            more = {
                "run": job.run_dir.name,
                "epoch": status.epoch,
                "epochs": status.epochs,
                "metric": status.metric,
                "value": status.value,
            }
            self._write(job.title, more)

    def _write(self, text: str, more: Mapping[str, object]) -> None:
        self._talk.write(f"{json_line(time.time(), 'info', text, more)}\n")
        self._talk.flush()


class TerminalDisplay:
    """A rich progress bar per stage, which moves inside an epoch."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        words = (TextColumn("{task.description}"), BarColumn(BAR_WIDTH), TimeElapsedColumn())
        self._bars: Progress = Progress(*words, TextColumn("{task.fields[where]}"))
        self._tasks: dict[int, TaskID] = {}

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

    def progress(self, job: Job, status: RunStatus) -> None:
        """Moves the bar of the stage."""
        if job.number not in self._tasks:
            label = f"stage {job.number} {job.name}"
            self._tasks[job.number] = self._bars.add_task(label, total=None, where="")
        inside = status.step / status.steps if status.steps else 0.0
        self._bars.update(
            self._tasks[job.number],
            total=status.epochs or None,
            completed=status.epoch + inside,
            where=where(status),
        )


def where(status: RunStatus) -> str:
    """Where a stage is, in words: `epoch 3/10, step 41/120 val_loss 0.31`."""
    if not status.epochs:
        return "preparing"
    words = [f"epoch {min(status.epoch + 1, status.epochs)}/{status.epochs}"]
    if status.step:
        words.append(f"step {status.step}/{status.steps}")
    return ", ".join(words) + _figure(status)


def display_for(out: TextIO, talk: TextIO) -> Display:
    """Bars if `out` is the terminal, lines otherwise; JSON where that was asked for."""
    if log_format() == "json":
        return JsonDisplay(out, talk)
    return TerminalDisplay() if out is sys.stdout and out.isatty() else PlainDisplay(out, talk)


def _figure(status: RunStatus) -> str:
    if not status.metric or status.value is None:
        return ""
    return f" {status.metric} {status.value:.5g}"
