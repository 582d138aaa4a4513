"""Records of a run: one JSON object per event, one CSV row and one log line per epoch."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import time
from pathlib import Path
from typing import Final

from can_train.files import write_text
from can_train.runs.layout import metrics_path, run_log
from can_train.runs.state import update_progress, update_step

STEP_S: Final = 1.0
"""Pause between two looks at the progress inside an epoch; each one writes a file."""

logger = logging.getLogger("can_train")


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
        run_log(run_dir).parent.mkdir(parents=True, exist_ok=True)

    def event(self, event: str, **fields: object) -> None:
        """Appends one event to `run.jsonl`."""
        line = json.dumps({"time": round(time.time(), 3), "event": event, **fields}, default=str)
        with run_log(self.run_dir).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def step(self, epoch: int, step: int, steps: int) -> None:
        """Tells how far an epoch (counted from 0) is, at most once in `STEP_S`."""
        now = time.monotonic()
        if now - self._told >= STEP_S:
            self._told = now
            update_step(self.run_dir, epoch=epoch, epochs=self.epochs, step=step, steps=steps)

    def epoch(self, epoch: int, metrics: dict[str, float], *, best: bool) -> None:
        """Records the metrics of a finished epoch (counted from 0)."""
        shown = {k: v for k, v in metrics.items() if math.isfinite(v)}
        self.event("epoch", epoch=epoch, best=best, **shown)
        self._csv_row(epoch, metrics)
        text = " ".join(f"{name}={value:.5g}" for name, value in shown.items())
        mark = " *" if best else ""
        logger.info("epoch %d/%d %s%s", epoch + 1, self.epochs, text, mark)
        name, value = next(((k, v) for k, v in shown.items() if k.startswith("val")), ("", None))
        update_progress(self.run_dir, epoch=epoch + 1, epochs=self.epochs, metric=name, value=value)

    def _csv_row(self, epoch: int, metrics: dict[str, float]) -> None:
        path = metrics_path(self.run_dir)
        rows: list[dict[str, str]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [r for r in csv.DictReader(file) if int(r["epoch"]) < epoch]
        rows.append({"epoch": str(epoch), **{k: repr(v) for k, v in metrics.items()}})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[-1]), restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        write_text(path, text.getvalue())
