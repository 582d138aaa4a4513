"""Every figure is drawn from what is stored, and tells the numbers that it shows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from can_train.evaluation.curves import DetectionCurve, ThresholdStep, ThresholdSweep
from can_train.evaluation.pictures import Reliability
from can_train.evaluation.trace_records import (
    ExplainedWindow,
    FileTrace,
    TracedEdge,
    TracedNode,
    TracedReason,
)
from can_train.report.figures.axis import AxisPoint, axis_drawing
from can_train.report.figures.curves import ScorerCurve, pr_drawing, roc_drawing
from can_train.report.figures.graph import graph_drawing
from can_train.report.figures.reliability import reliability_drawing
from can_train.report.figures.stages import StageFigures, stage_drawing
from can_train.report.figures.style import Drawing, page_svg
from can_train.report.figures.tradeoff import places_of, tradeoff_drawing
from can_train.report.figures.training import figures_by_kind, training_drawing
from can_train.runs.events import EpochEnded

CURVE = DetectionCurve(
    scenario="test_01", scorer="own", threshold=(2.0, 1.0, 0.0), fpr=(0.0, 0.01, 1.0),
    recall=(0.5, 0.9, 1.0), precision=(1.0, 0.95, 0.3),
)  # fmt: skip
LINES = (
    ScorerCurve(
        curve=CURVE, is_control=False, label="own", area=(0.97, 0.93), at=(0.01, 0.9, 0.95)
    ),
    ScorerCurve(curve=CURVE, is_control=True, label="trees", area=(None, None), at=(None,) * 3),
)  # fmt: skip


def step(threshold: float, recall: float, per_hour: float | None) -> ThresholdStep:
    return ThresholdStep(
        threshold=threshold, fpr=0.01, recall=recall, found=2, alarms_per_hour=per_hour,
        alarms_per_hour_upper=per_hour,
    )  # fmt: skip


SWEEP = ThresholdSweep(
    scenario="test_01", scorer="own", episodes=3, stored=1,
    steps=(step(0.5, 1.0, 120.0), step(1.5, 0.8, 12.0), step(2.5, 0.2, 0.0)),
)  # fmt: skip
WINDOW = ExplainedWindow(
    start_s=12.5, score=3.25, attack=True,
    reasons=(TracedReason(id="1A0", drop=2.5, feature="novelty", frames=(1, 2)),),
    nodes=(TracedNode(id="1A0", frames=60, drop=2.5), TracedNode(id="200", frames=40, drop=0.0)),
    edges=(TracedEdge(source=0, target=1, frames=39), TracedEdge(source=0, target=0, frames=20)),
)  # fmt: skip
TRACE = FileTrace(
    scenario="test_01", file="drive", windows=9, duration_s=20, judged=True, episodes=(),
    events=(), left_out=0, explained=WINDOW,
)  # fmt: skip
EPOCHS = tuple(
    EpochEnded(epoch=n, best=n < 2, figures={"total": 1.0 / (n + 1), "kl": 0.1, "val_pr_auc": 0.9})
    for n in range(3)
)
LINE = Reliability(scenario="test_01", scorer="own", windows=500, p=(1e-4, 0.01, 1.0),
                   share=(0.0, 0.025, 1.0))  # fmt: skip
POINTS = (AxisPoint(at=0, mean=0.5, half_width=0.1), AxisPoint(at=1, mean=0.75, half_width=None))

DRAWN = {
    "roc": (roc_drawing("test_01", LINES), "own: ROC-AUC 0.9700, at the stored threshold"),
    "pr": (pr_drawing("test_01", LINES), "recall 0.9 and precision 0.95; trees: average"),
    "tradeoff": (tradeoff_drawing(SWEEP), "stored one, 1.5: recall of attack windows 0.8000"),
    "reliability": (reliability_drawing("test_01", (LINE,)), "own 0.0250. Of 500 benign windows"),
    "training": (training_drawing("loss", ("total",), EPOCHS), "total from 1 to 0.3333, 0.5 in"),
    "graph": (graph_drawing(TRACE, WINDOW), "2 IDs and 2 pairs of one following the other in 100"),
    "stages": (
        stage_drawing("f1", "F1", ["test_01"], [StageFigures(title="1 X", value={"test_01": 0.5})]),
        "1 X test_01 0.5000",
    ),
    "axis": (
        axis_drawing("learning_rate", "x", "val_loss", ["1", "2"], POINTS),
        "0.5 at 1, 0.75 at 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_and_tells_its_numbers(name: str) -> None:
    drawing, told = DRAWN[name]
    assert told in drawing.description
    svg = str(page_svg(drawing))
    assert drawing.name in svg
    assert "mathdefault" not in svg
    assert len(re.findall(r"<path|<use", svg)) > 3


def test_losses_stand_together_and_their_parts_apart() -> None:
    kinds = figures_by_kind(EPOCHS)
    assert kinds == {
        "loss": ("total",), "parts of the loss": ("kl",), "val_pr_auc": ("val_pr_auc",),
    }  # fmt: skip


def test_a_loss_that_is_all_task_is_drawn_once() -> None:
    def told(kd: float) -> tuple[EpochEnded, ...]:
        figures = {"total": 1.0 + kd, "task": 1.0, "val_loss": 2.0}
        return tuple(EpochEnded(epoch=n, best=True, figures=figures) for n in range(2))

    assert figures_by_kind(told(0.0)) == {"loss": ("total", "val_loss")}
    assert figures_by_kind(told(0.5)) == {"loss": ("total", "task", "val_loss")}


def test_places_of_a_slider_lie_in_the_picture_and_follow_the_threshold() -> None:
    places = places_of(SWEEP)
    assert all(0 < x < 1 and 0 < y < 1 for x, y in places)
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x0 > x1 > x2  # fewer alarms, further left
    assert y0 < y1 < y2  # less recall, further down


def test_where_nothing_alarms_there_is_a_picture_all_the_same() -> None:
    calm = replace(SWEEP, stored=0, steps=(step(1.0, 0.0, None),))
    assert "n/a false alarms per hour" in tradeoff_drawing(calm).description
    assert isinstance(tradeoff_drawing(calm), Drawing)
    assert "<path" in str(page_svg(tradeoff_drawing(calm)))


def test_places_of_a_slider_are_those_of_the_dots() -> None:
    svg = str(page_svg(tradeoff_drawing(SWEEP)))
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    dots = re.findall(r'<use [^>]*?x="([\d.]+)" y="([\d.]+)"', svg)
    for x, y in places_of(SWEEP):
        place = (x * float(box[1]), y * float(box[2]))
        assert any((float(a), float(b)) == pytest.approx(place, abs=0.05) for a, b in dots)
