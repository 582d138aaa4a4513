"""Plans and runs as `status` shows them: the id first, and never cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from can_train.jobs.board import DAMAGED, Row, state_of
from can_train.pipeline.stored import ListedPlan, StoredStage
from can_train.runs.layout import evaluation_path, experiment_option
from can_train.tables import TableColumn, TableRow

PLAN_COLUMNS: Final = (
    TableColumn(title="plan"),
    TableColumn(title="state"),
    TableColumn(title="stages"),
    TableColumn(title="dataset", drop=2),
    TableColumn(title="models", drop=1),
)
RUN_COLUMNS: Final = (
    TableColumn(title="run"),
    TableColumn(title="state"),
    TableColumn(title="model"),
    TableColumn(title="size", drop=4),
    TableColumn(title="epoch", right=True),
    TableColumn(title="figure", drop=2),
    TableColumn(title="elapsed", drop=3, right=True),
    TableColumn(title="dataset", drop=5),
    TableColumn(title="strategy", drop=6),
    TableColumn(title="distillation", drop=7),
    TableColumn(title="job", drop=8),
    TableColumn(title="node", drop=9),
)
COLOURS: Final[Mapping[str, str]] = {
    "running": "cyan",
    "pending": "yellow",
    "finished": "green",
    "failed": "red",
    DAMAGED: "red",
    "blocked": "magenta",
    "cancelled": "magenta",
}
"""Of a row on a terminal; others have none."""


def plan_lines(
    plans: Sequence[ListedPlan], rows: Sequence[Row], experiment_root: Path
) -> Iterator[TableRow]:
    """A line for each plan, and below it what to type next.

    Args:
        plans: The plans.
        rows: How their runs stand, among others.
        experiment_root: Where they lie.
    """
    by_run = {row.job.run_dir: row for row in rows}
    for plan in plans:
        mine = [by_run[stage.job.run_dir] for stage in plan.stages if stage.job.run_dir in by_run]
        state = DAMAGED if plan.problem else state_of(mine)
        note = plan.problem or f"next: {next_command(plan, state, experiment_root)}"
        done = sum(row.state == "finished" for row in mine)
        cells = (
            plan.folder.name,
            state,
            "" if plan.problem else f"{done} of {len(mine)} done",
            _each_once(stage.dataset for stage in plan.stages),
            ",".join(stage.job.name for stage in plan.stages),
        )
        yield TableRow(cells=cells, style=COLOURS.get(state, ""), notes=(note,))


def next_command(plan: ListedPlan, state: str, experiment_root: Path) -> str:
    """What to type about a plan in that state."""
    option = experiment_option(experiment_root)
    if state in {"running", "pending"}:
        return f"can-train status {plan.folder.name} --watch{option}"
    if state != "finished":
        return f"can-train resume {plan.folder.name}{option}"
    last = plan.stages[-1].job.run_dir if plan.stages else plan.folder
    verb = "compare" if evaluation_path(last).is_file() else "evaluate"
    return f"can-train {verb} {last.name}{option}"


def run_lines(stages: Sequence[StoredStage], rows: Sequence[Row]) -> Iterator[TableRow]:
    """A line for each run, and below it why it stands as it does."""
    for stage, row in zip(stages, rows, strict=True):
        notes = (f"{row.job.run_dir.name}: {row.reason}",) if row.reason else ()
        yield TableRow(cells=_cells(stage, row), style=COLOURS.get(row.state, ""), notes=notes)


def _cells(stage: StoredStage, row: Row) -> tuple[str, ...]:
    return (
        row.job.run_dir.name,
        row.state,
        stage.job.name,
        stage.model_size,
        f"{row.epoch}/{row.epochs}" if row.epochs else "",
        f"{row.metric} {row.value:.4g}" if row.metric and row.value is not None else "",
        _clock(row.elapsed_s),
        stage.dataset,
        stage.training_strategy,
        stage.distillation,
        "" if row.worker_job is None else row.worker_job.job_id,
        row.node,
    )


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _each_once(words: Iterator[str]) -> str:
    return ",".join(dict.fromkeys(words))
