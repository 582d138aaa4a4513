"""The pictures of docs/concepts/pictures.md, from the runs of the demo.

    ./can-train demo
    python -m benchmarks.pictures

Other folders: --data-root, --experiment-root. The demo's runs are the same wherever they are made.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

import can_train
from can_train.runs.layout import metrics_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET: Final = Path(__file__).resolve().parents[1] / "docs" / "concepts"
RUNS: Final = "automotive/synthetic"
GAT: Final = "supervised/gat"
TEACHER: Final = f"{RUNS}/{GAT}/teacher/no_distillation/curriculum/latest"
STUDENT: Final = f"{RUNS}/{GAT}/student/distilled/curriculum/latest"
FUSION: Final = f"{RUNS}/rl_fusion/dqn/student/no_distillation/fusion/latest"
RECORDINGS: Final = "source/synthetic"
DRIVE: Final = "test_01_known_vehicle_known_attack/fuzzing-alpha.csv"
TESTS: Final = "test_0[1-4]_*/*.csv"
SCORERS: Final = ("vgae", "gat", "fusion")
STYLE: Final[Mapping[str, Any]] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "can-train",  # the same picture is the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
BLUE, RED, GREEN, SHADE = "#1b6ca8", "#c2571a", "#3a7d44", "#f2d5c4"
LINES: Final = ((BLUE, "-"), (GREEN, "-"), (RED, ":"))
"""Of the scorers; the last is dotted, since a fusion may lie upon one of the others."""

LEAST_RATE: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Windows of recordings with their labels and what each scorer says."""

    end_s: NDArray[np.float64]
    label: NDArray[np.uint8]
    score: Mapping[str, NDArray[np.float64]]


def columns_of(path: Path) -> dict[str, list[float]]:
    """A table of figures per epoch, by name; those that it lacks are left out."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if rows[0][name]}


def training_curves(
    teacher: Mapping[str, Sequence[float]], student: Mapping[str, Sequence[float]]
) -> Figure:
    """Loss terms of a student, and the validation figure of both, per epoch."""
    figure, (losses, judged) = _panels(2)
    for name, colour in (("total", BLUE), ("task", GREEN), ("kd", RED)):
        losses.plot(student["epoch"], student[name], color=colour, label=name)
    losses.set(xlabel="epoch", ylabel="loss of the student", yscale="log")
    for name, columns, colour in (("teacher", teacher, RED), ("student", student, BLUE)):
        figures = columns["val_pr_auc"]
        best = int(np.argmax(figures))
        judged.plot(columns["epoch"], figures, color=colour, label=name)
        judged.plot([columns["epoch"][best]], [figures[best]], "o", color=colour)
    judged.set(xlabel="epoch (dot: the best)", ylabel="PR-AUC on validation windows")
    for axes in (losses, judged):
        axes.legend(frameon=False)
    return figure


def score_over_time(scored: Scored, scorer: str, threshold: float) -> Figure:
    """Scores of one drive, the threshold, and the stretches that hold attack frames."""
    figure, (axes,) = _panels(1)
    for number, (begin, end) in enumerate(stretches(scored.label)):
        label = "" if number else "attack"
        axes.axvspan(scored.end_s[begin], scored.end_s[end], color=SHADE, lw=0, label=label)
    axes.plot(scored.end_s, scored.score[scorer], ".", ms=2, color=BLUE, label=f"score of {scorer}")
    axes.axhline(threshold, color=RED, lw=1, label="threshold")
    axes.set(xlabel="seconds", ylabel="score of a window")
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 1.15), ncols=3)
    return figure


def roc(scored: Scored) -> Figure:
    """Share of attack windows found over the share of false alarms, for each scorer."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, (axes,) = _panels(1)
    for name, (colour, style) in zip(SCORERS, LINES, strict=True):
        scores = scored.score[name]
        false, true, _ = roc_curve(scored.label, scores)
        area = roc_auc_score(scored.label, scores)
        axes.step(
            np.maximum(false, LEAST_RATE), true, where="post", color=colour, ls=style, lw=1.8,
            label=f"{name}: {area:.4f}",
        )  # fmt: skip
    axes.set(xscale="log", xlim=(LEAST_RATE, 1), ylim=(0, 1.02), xlabel="false-alarm rate")
    axes.set_ylabel("share of attack windows found")
    axes.legend(frameon=False, title="ROC-AUC", loc="lower right")
    return figure


def stretches(label: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """First and last window of each run of attack windows."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], label, [0])).astype(np.int8)))
    return [(int(begin), int(end) - 1) for begin, end in edges.reshape(-1, 2)]


def svg_of(figure: Figure) -> str:
    """A picture as text: the same for the same data, with nothing of the machine in it."""
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context(dict(STYLE)):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _panels(count: int) -> tuple[Figure, list[Any]]:
    import matplotlib as mpl
    from matplotlib.figure import Figure as NewFigure

    with mpl.rc_context(dict(STYLE)):
        figure = NewFigure(figsize=(7, 2.6), layout="constrained")
        return figure, [figure.add_subplot(1, count, number + 1) for number in range(count)]


def _scored(detector: can_train.FrameScorer, paths: Sequence[Path]) -> Scored:
    """All windows of some recordings, one after another."""
    parts = [detector.score(can_train.read_recording(path).frames) for path in paths]
    return Scored(
        end_s=np.concatenate([part.end_s - part.start_s[0] for part in parts]),
        label=np.concatenate([part.label for part in parts]),
        score={n: np.concatenate([part.score[n] for part in parts]) for n in detector.thresholds},
    )


def main(words: Sequence[str] | None = None) -> int:
    """Draws all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--experiment-root", type=Path, default=Path("experimentruns"))
    given = parser.parse_args(words)
    root, recordings = given.experiment_root, given.data_root / RECORDINGS
    detector = can_train.load_detector(root / FUSION)
    figures = [columns_of(metrics_path(root / run)) for run in (TEACHER, STUDENT)]
    threshold = detector.thresholds["fusion"].value
    drawn = {
        "training": training_curves(*figures),
        "score-over-time": score_over_time(
            _scored(detector, [recordings / DRIVE]), "fusion", threshold
        ),
        "roc": roc(_scored(detector, sorted(recordings.glob(TESTS)))),
    }
    for name, figure in drawn.items():
        path = TARGET / f"{name}.svg"
        path.write_text(svg_of(figure), encoding="utf-8")
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
