"""The pictures of an evaluation: ROC and precision-recall, and margins over time."""

from __future__ import annotations

from can_train.evaluation.compact import scenarios_of
from can_train.evaluation.judgement import controls_to_beat
from can_train.evaluation.pictures import EvaluationPictures
from can_train.evaluation.report import EvaluationRow, shown_name
from can_train.report.document import Block, Note, PageSection, Picture, SideBySide
from can_train.report.figures.curves import ScorerCurve, pr_drawing, roc_drawing
from can_train.report.figures.margin import MarginOfFile, buckets_for, margin_drawing
from can_train.report.records import RunRecords
from can_train.runs.layout import root_options, roots_from


def missing_pictures(records: RunRecords) -> PageSection:
    """What to type where there is nothing to draw."""
    why = (
        "It was evaluated by a version that kept no margins, curves and events"
        if records.evaluation is not None
        else "It wasn't evaluated, so there is nothing to draw"
    )
    return PageSection(
        name="pictures",
        title="Pictures of the evaluation",
        blocks=(
            Note(
                tone="care",
                text=f"{why}: margins over time, ROC, precision-recall, the slider, episodes and "
                "explained windows are missing. This makes them, and then the report again:",
                commands=(
                    f"can-train evaluate {records.run.name}{_root(records)}",
                    f"can-train report {records.run.name}{_root(records)}",
                ),
            ),
        ),
    )


def _root(records: RunRecords) -> str:
    return root_options(roots_from(experiments=records.experiment_root))


def margin_section(records: RunRecords, pictures: EvaluationPictures) -> PageSection:
    """A picture per file."""
    files, scorer = pictures.record.files, pictures.record.scorer
    thresholds = {row.scorer: row.threshold for rows in records.scenarios.values() for row in rows}
    at = thresholds[scorer]
    blocks: list[Block] = []
    for trace in files:
        windows = pictures.windows[trace.scenario, trace.file]
        shown = MarginOfFile(
            scorer=scorer,
            threshold=0.0 if at is None else at.value,
            trace=trace,
            windows=windows,
            buckets=buckets_for(len(files)),
        )
        drawing = margin_drawing(shown)
        blocks.append(Picture(drawing=drawing, caption=f"{trace.scenario}. {drawing.description}"))
    return PageSection(
        name="margins",
        title="Margin over time",
        lead="A window whose margin is above the threshold is suspicious; alarms ask for several. "
        "Of many windows each pixel shows the lowest and the highest, so no peak is lost. Shaded: "
        "labelled attacks; below, blue: alarm, grey: single windows above the threshold. To look "
        "closely use the buttons, or draw over a stretch with the mouse.",
        blocks=tuple(blocks),
    )


def curve_section(records: RunRecords, pictures: EvaluationPictures) -> PageSection:
    """ROC beside precision-recall of each scenario that has both classes."""
    blocks: list[Block] = []
    for scenario in records.scenarios:
        lines = _lines(records, pictures, scenario)
        if lines:
            pair = (roc_drawing(scenario, lines), pr_drawing(scenario, lines))
            blocks.append(
                SideBySide(title=scenario, pictures=tuple(Picture(drawing=each) for each in pair))
            )
    return PageSection(
        name="curves",
        title="ROC and precision-recall",
        lead="Rings mark the stored thresholds. The axis of false-alarm rates is logarithmic and "
        "begins at one in ten thousand: what matters on a bus lies at its left end.",
        blocks=tuple(blocks),
    )


def _lines(
    records: RunRecords, pictures: EvaluationPictures, scenario: str
) -> tuple[ScorerCurve, ...]:
    """Of the models, the own one last, and of the best controls."""
    assert records.evaluation is not None
    rows = {r.scorer: r for r in records.scenarios[scenario] if r.file is None}
    controls = controls_to_beat(dict(scenarios_of(records.evaluation))[scenario])
    wanted = [n for n, row in rows.items() if row.kind != "control" and n != records.scorer]
    wanted += [records.scorer, *(control.name for control in controls)]
    curves = {c.scorer: c for c in pictures.record.curves if c.scenario == scenario}
    return tuple(
        ScorerCurve(
            curve=curves[name],
            is_control=rows[name].kind == "control",
            label=shown_name(name, rows[name].kind),
            area=_area(rows[name]),
            at=_at(rows[name]),
        )
        for name in wanted
        if name in curves
    )


def _area(row: EvaluationRow) -> tuple[float | None, float | None]:
    found = row.metrics
    return (None, None) if found is None else (found.roc_auc, found.pr_auc)


def _at(row: EvaluationRow) -> tuple[float | None, float | None, float | None]:
    found = row.metrics
    return (None, None, None) if found is None else (found.fpr, found.recall, found.precision)
