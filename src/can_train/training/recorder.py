"""Records of a run: one JSON object per event, one CSV row and one log line per epoch."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from can_train.config.run_log import append_event
from can_train.files import write_text
from can_train.runs.events import EpochEnded, Event, RunInterrupted
from can_train.runs.layout import metrics_path
from can_train.runs.state import update_progress, update_step
from can_train.runs.stop import Stopped

STEP_S: Final = 1.0
"""Pause between two looks at the progress inside an epoch; each one writes a file."""

logger = logging.getLogger("can_train")


@contextlib.contextmanager
def telling_interruptions(run_dir: Path) -> Iterator[None]:
    """Records why what stands in the block ended before its time."""
    try:
        yield
    except BaseException as error:
        reason: Literal["stopped", "ended", "failed"] = "failed"
        if isinstance(error, Stopped):
            reason = "stopped"
        elif not isinstance(error, Exception):
            reason = "ended"
        append_event(run_dir, RunInterrupted(reason=reason, message=str(error)))
        raise


class Recorder:
    """Appends to `logs/run.jsonl` and `logs/metrics.csv` of a run.

    Args:
        run_dir: Folder of the run.
        epochs: Most epochs of the run.
    """

    def __init__(self, run_dir: Path, *, epochs: int) -> None:
        self.run_dir = run_dir
        self.epochs = epochs
        self._told = -STEP_S
        self._rows: list[dict[str, str]] | None = None
        self._ended: tuple[int, str, float | None] | None = None

    def event(self, event: Event) -> None:
        """Appends one event to `run.jsonl`."""
        append_event(self.run_dir, event)

    def step(self, epoch: int, step: int, steps: int) -> None:
        """Tells how far an epoch (counted from 0) is, at most once in `STEP_S`."""
        now = time.monotonic()
        if now - self._told >= STEP_S:
            self._told = now
            update_step(self.run_dir, epoch=epoch, epochs=self.epochs, step=step, steps=steps)

    def epoch(self, epoch: int, metrics: dict[str, float], *, best: bool) -> None:
        """Records the metrics of a finished epoch (counted from 0): of files only `run.jsonl`."""
        shown = {k: v for k, v in metrics.items() if math.isfinite(v)}
        self.event(EpochEnded(epoch=epoch, best=best, figures=shown))
        before = _rows_in(metrics_path(self.run_dir)) if self._rows is None else self._rows
        self._rows = [row for row in before if int(row["epoch"]) < epoch]
        self._rows.append({"epoch": str(epoch), **{k: repr(v) for k, v in metrics.items()}})
        text = " ".join(f"{name}={value:.5g}" for name, value in shown.items())
        mark = " *" if best else ""
        logger.info("epoch %d/%d %s%s", epoch + 1, self.epochs, text, mark)
        name, value = next(((k, v) for k, v in shown.items() if k.startswith("val")), ("", None))
        self._ended = epoch + 1, name, value

    def keep(self) -> None:
        """Writes what came since the last call: `metrics.csv`, and how far the run is.

        Both are written anew each time, so epochs of some milliseconds share it. Before a
        checkpoint: what follows a checkpoint is repeated by a run that goes on from there.
        """
        if self._ended is None or self._rows is None:
            return
        (epoch, name, value), self._ended = self._ended, None
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(columns := list(self._rows[-1]))
        writer.writerows([row.get(column, "") for column in columns] for row in self._rows)
        write_text(metrics_path(self.run_dir), text.getvalue())
        update_progress(self.run_dir, epoch=epoch, epochs=self.epochs, metric=name, value=value)


def _rows_in(path: Path) -> list[dict[str, str]]:
    """What an earlier attempt recorded; nothing where there was none."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class SilentRecorder(Recorder):
    """Records nothing: another process of the run does."""

    def event(self, event: Event) -> None:
        """Does nothing."""

    def step(self, epoch: int, step: int, steps: int) -> None:
        """Does nothing."""

    def epoch(self, epoch: int, metrics: dict[str, float], *, best: bool) -> None:
        """Does nothing."""

    def keep(self) -> None:
        """Does nothing."""
