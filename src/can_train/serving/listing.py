"""The runs as a page lists them, and the reports that lie beside them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.jobs.board import board_of
from can_train.pipeline.stored import all_stages, listed_plans
from can_train.runs.layout import iter_runs, status_path

REPORT: Final = "report.html"
"""Name of a report in the folder of its run."""

MOST_REPORT_BYTES: Final = 20_000_000
MOST_RUNS: Final = 500
FRESH_S: Final = 2.0
"""A list is given again for so long, however often it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A run as a page lists it.

    Attributes:
        name: Its id.
        state, reason: How it stands, and why.
        dataset, model, size, strategy, distillation: What it is.
        figure: Its validation figure so far; empty: none yet.
        progress: Epochs done and to do; empty: none yet.
        reported: Whether it has a report.
    """

    name: str
    state: str
    reason: str
    dataset: str
    model: str
    size: str
    strategy: str
    distillation: str
    figure: str
    progress: str
    reported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunListing:
    """The latest runs, newest first, and how many there are."""

    rows: tuple[ListedRun, ...]
    total: int


class RunList:
    """The runs of one folder.

    Args:
        root: Where they lie.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._looking = asyncio.Lock()
        self._listing = RunListing(rows=(), total=0)
        self._at = -FRESH_S

    async def rows(self) -> RunListing:
        """How the runs stand; looked up once where many ask."""
        async with self._looking:
            if time.monotonic() - self._at >= FRESH_S:
                self._listing = await asyncio.to_thread(self._looked_up)
                self._at = time.monotonic()
            return self._listing

    async def report(self, name: str) -> bytes | None:
        """The report of the run with that id, if it has one."""
        return await asyncio.to_thread(self._report, name)

    def _looked_up(self) -> RunListing:
        stages = all_stages(self._root, listed_plans(self._root))
        board = board_of([stage.job for stage in stages])
        found = sorted(
            zip(stages, board.rows, strict=True),
            key=lambda pair: _changed_at(pair[0].job.run_dir),
            reverse=True,
        )
        rows = tuple(
            ListedRun(
                name=row.job.run_dir.name,
                state=row.state,
                reason=row.reason,
                dataset=stage.dataset,
                model=stage.job.name,
                size=stage.model_size,
                strategy=stage.training_strategy,
                distillation=stage.distillation,
                figure="" if row.value is None else f"{row.metric} {row.value:.4g}",
                progress=f"{row.epoch} of {row.epochs}" if row.epochs else "",
                reported=_report_of(row.job.run_dir) is not None,
            )
            for stage, row in found[:MOST_RUNS]
        )
        return RunListing(rows=rows, total=len(stages))

    def _report(self, name: str) -> bytes | None:
        """What was asked for is compared with the runs there are, and is part of no path."""
        found = (run for run in iter_runs(self._root) if run.name == name)
        reports = (path for run in found if (path := _report_of(run)) is not None)
        path = next(reports, None)
        return None if path is None else path.read_bytes()


def _report_of(run: Path) -> Path | None:
    """The report beside a run, unless it is a link or larger than one is."""
    path = run / REPORT
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_REPORT_BYTES:
        return None
    return path


def _changed_at(run: Path) -> float:
    path = status_path(run)
    return path.stat().st_mtime if path.is_file() else 0.0
