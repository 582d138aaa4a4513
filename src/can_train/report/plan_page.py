"""The report of a plan: its stages side by side, and its last stage in full."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from can_train.comparison.runs import evaluation_of, load_compared, reports_of
from can_train.errors import counted
from can_train.evaluation.compact import share_text
from can_train.evaluation.judgement import short_name
from can_train.jobs.board import Row, board_of
from can_train.pipeline.stored import StoredPlan, StoredStage, load_plan
from can_train.report.document import (
    Block,
    Cell,
    Heading,
    Page,
    PageSection,
    PageTable,
    Picture,
    TableLine,
    Tile,
)
from can_train.report.figures.stages import StageFigures, stage_drawing
from can_train.report.parts.stages import stage_settings, stage_training
from can_train.report.records import RunRecords, records_of
from can_train.report.run_page import run_sections
from can_train.report.verdict import how_good, what_to_distrust
from can_train.runs.layout import summary_path
from can_train.vocab import WITH_KD

FIGURES: Final = (("roc_auc", "ROC-AUC"), ("f1", "F1"))

_NONE: Final = "–"


def plan_page(folder: Path) -> Page:
    """The report of the plan in a folder.

    Raises:
        ArtifactError: Its record, or that of one of its runs, is damaged.
    """
    root = folder.parents[1]
    plan = load_plan(root, folder)
    rows = board_of([stage.job for stage in plan.stages]).rows
    records = {
        row.job.run_dir: records_of(row.job.run_dir)
        for row in rows
        if summary_path(row.job.run_dir).is_file()
    }
    last = records.get(plan.stages[-1].job.run_dir)
    finished = [
        (f"{number} {title_of(stage)}", found)
        for number, stage in enumerate(plan.stages, start=1)
        if (found := records.get(stage.job.run_dir)) is not None
    ]
    return Page(
        kind="plan",
        title=f"Plan {plan.plan_id}",
        lead=_lead(plan, rows, last),
        tiles=_tiles(rows, records),
        sections=(
            _stages(plan, rows, records),
            *([stage_training(finished), stage_settings(finished)] if records else []),
            *([] if last is None else run_sections(last)),
        ),
    )


def _lead(
    plan: StoredPlan, rows: Sequence[Row], last: RunRecords | None
) -> tuple[tuple[str, str], ...]:
    datasets = ", ".join(dict.fromkeys(stage.dataset for stage in plan.stages))
    done = sum(row.state == "finished" for row in rows)
    order = " → ".join(title_of(stage) for stage in plan.stages)
    are = f"{done} of them finished" if done < len(rows) else "all have finished"
    what = f"{counted(len(plan.stages), 'stage')} on {datasets}: {order}; {are}."
    if last is None:
        return (("What was trained", what), ("How good it is", "Its last stage hasn't finished."))
    return (
        ("What was trained", what),
        ("How good it is", f"The last stage: {how_good(last)}"),
        ("What to distrust", what_to_distrust(last)),
    )


def title_of(stage: StoredStage) -> str:
    """Model, size and whether it is distilled."""
    distilled = "+KD" if stage.distillation == WITH_KD else ""
    return f"{stage.job.name.upper()} {stage.model_size}{distilled}"


def _tiles(rows: Sequence[Row], records: dict[Path, RunRecords]) -> tuple[Tile, ...]:
    seconds = [found.number("seconds") or 0.0 for found in records.values()]
    parameters = [found.number("parameters") or 0.0 for found in records.values()]
    return (
        Tile(value=f"{len(records)} / {len(rows)}", label="stages finished"),
        Tile(value=f"{sum(seconds) / 60:,.1f} min", label="training", note="all stages together"),
        Tile(value=f"{sum(parameters):,.0f}", label="parameters", note="all stages together"),
    )


def _stages(plan: StoredPlan, rows: Sequence[Row], records: dict[Path, RunRecords]) -> PageSection:
    scenarios, figures = _figures(plan, records)
    table = PageTable(
        name="stages",
        caption="Stages in their order; ROC-AUC on each scenario",
        headings=(
            Heading(title="stage", number=False), Heading(title="strategy, state", number=False),
            Heading(title="parameters"), Heading(title="epoch kept"), Heading(title="validation"),
            Heading(title="seconds"), *(Heading(title=short_name(s)) for s in scenarios),
        ),
        lines=tuple(
            _line(number, stage, row, records.get(row.job.run_dir), figures, scenarios)
            for number, (stage, row) in enumerate(zip(plan.stages, rows, strict=True), start=1)
        ),
    )  # fmt: skip
    blocks: list[Block] = [table]
    for name, title in FIGURES if scenarios else ():
        shown = [
            StageFigures(
                title=f"{number} {title_of(stage)}",
                value={
                    short_name(s): figures[stage.job.run_dir, name, s]
                    for s in scenarios
                    if (stage.job.run_dir, name, s) in figures
                },
            )
            for number, stage in enumerate(plan.stages, start=1)
            if any(key[0] == stage.job.run_dir for key in figures)
        ]
        drawing = stage_drawing(name, title, [short_name(s) for s in scenarios], shown)
        blocks.append(Picture(drawing=drawing))
    return PageSection(
        name="stages",
        title="Stages side by side",
        lead="Figures are those of each stage's own rows in the evaluations of this plan; stages "
        "without figures, such as teachers, have no such row.",
        blocks=tuple(blocks),
    )


_StageFigure = tuple[Path, str, str]
"""Run, figure and scenario."""


def _figures(
    plan: StoredPlan, records: dict[Path, RunRecords]
) -> tuple[list[str], dict[_StageFigure, float | None]]:
    """Scenarios, and the figures of each stage that was evaluated with some run of the plan."""
    reports = reports_of([stage.job.run_dir for stage in plan.stages])
    found: dict[_StageFigure, float | None] = {}
    for run in records:
        if evaluation_of(run, reports) is None:
            continue
        compared = load_compared(run, reports)
        for scenario in compared.metrics:
            for name, _ in FIGURES:
                found[run, name, scenario] = compared.value(scenario, name)
    return list(dict.fromkeys(scenario for _, _, scenario in found)), found


def _line(  # one row, of all that is known of a stage
    number: int,
    stage: StoredStage,
    row: Row,
    records: RunRecords | None,
    figures: dict[_StageFigure, float | None],
    scenarios: Sequence[str],
) -> TableLine:
    run = row.job.run_dir
    cells = [
        Cell(text=f"{number} {title_of(stage)}", note=run.name),
        Cell(text=stage.training_strategy, note=row.state),
        *_numbers(records),
    ]
    for scenario in scenarios:
        value = figures.get((run, "roc_auc", scenario))
        is_known = (run, "roc_auc", scenario) in figures
        cells.append(Cell(text=share_text(value) if is_known else _NONE, value=value))
    return TableLine(cells=tuple(cells), tone="plain" if records is not None else "control")


def _numbers(records: RunRecords | None) -> list[Cell]:
    """Parameters, epoch, validation and seconds."""
    if records is None:
        return [Cell(text=_NONE)] * 4
    parameters, seconds = records.number("parameters"), records.number("seconds")
    best, epochs = records.number("best_epoch"), records.number("epochs")
    value = records.number("validation_value")
    return [
        Cell(text=_NONE if parameters is None else f"{parameters:,.0f}", value=parameters),
        Cell(text=_NONE if best is None or epochs is None else f"{best + 1:.0f} of {epochs:.0f}"),
        Cell(
            text=_NONE if value is None else f"{value:.4g}",
            value=value,
            note=str(records.summary.get("validation_metric", "")),
        ),
        Cell(text=_NONE if seconds is None else f"{seconds:,.1f}", value=seconds),
    ]
