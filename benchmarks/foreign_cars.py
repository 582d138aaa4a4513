"""What finished runs say about the training recordings of other datasets: cars they never saw.

    python -m benchmarks.foreign_cars --data-root data RUN [RUN ...] --datasets set_01 set_04

No official test has a part in it, so it may choose: architectures, epochs, threshold rules. Per
detector of each run and file: ROC-AUC, the best F1 that any threshold would give, and F1 and
false-alarm rate at the stored threshold and at that of real benign windows alone. The last line of
a detector holds the means over the files with attacks (of the rates: over all files).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from can_train.dataset.access import open_dataset
from can_train.detectors.calibration import Threshold
from can_train.evaluation.experts import Experts, load_experts, score_by_experts
from can_train.evaluation.metrics import window_metrics
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore
from can_train.runs.find import find_run
from can_train.runs.layout import roots_from

HEADER = (
    f"{'recording':44} {'attacks':>7} {'ROC-AUC':>8} {'best F1':>8} {'F1':>7} {'FPR':>7} "
    f"{'F1 real':>8} {'FPR real':>8}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One detector on one file; NaN where a class is missing."""

    name: str
    attacks: int
    figures: tuple[float, ...]

    @property
    def line(self) -> str:
        """The figures as a line of the table."""
        auc, best, f1, fpr, f1_real, fpr_real = self.figures
        return (
            f"{self.name[-44:]:44} {self.attacks:7,} {auc:8.4f} {best:8.4f} {f1:7.4f} {fpr:7.4f} "
            f"{f1_real:8.4f} {fpr_real:8.4f}"
        )


def main() -> None:
    """Prints the tables."""
    args = runs_and_datasets(__doc__)
    for name in args.runs:
        experts = load_experts(find_run(args.experiment_root, name))
        config = experts.frozen.config
        rows = [
            row for other in args.datasets for row in judged_files(experts, args.data_root, other)
        ]
        for scorer in dict.fromkeys(who for who, _ in rows):
            of_scorer = [judged for who, judged in rows if who == scorer]
            print(
                f"\n{name}: {scorer}, trained on {config.dataset} ({config.data.split})",
                HEADER,
                sep="\n",
            )
            print(*(judged.line for judged in of_scorer), _mean(of_scorer).line, sep="\n")


def runs_and_datasets(description: str | None) -> argparse.Namespace:
    """What was typed: `runs`, `datasets`, and the roots of both."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--experiment-root", type=Path, default=roots_from().experiments)
    parser.add_argument("--datasets", nargs="+", required=True, metavar="DATASET")
    return parser.parse_args()


def judged_files(experts: Experts, data_root: Path, dataset: str) -> Iterator[tuple[str, Judged]]:
    """Every scorer on every training file of another dataset, with the scorer's name."""
    spec = WindowSpec.of(experts.frozen.config.data)
    store = open_dataset("automotive", dataset, data_root=data_root).windows(spec).store
    for number, recording in enumerate(store.recordings):
        windows = np.flatnonzero(store.recording == number)
        # A vehicle's profile knows only its own car, and has no scores here.
        for scorer, score in score_by_experts(experts, store, windows).by_scorer.items():
            name = f"{dataset}/{recording.name}"
            yield scorer, _judged(name, store, windows, score, experts.thresholds[scorer])


def _judged(
    name: str,
    store: GraphStore,
    windows: NDArray[np.int64],
    score: NDArray[np.float64],
    threshold: Threshold,
) -> Judged:
    label = store.label[windows]
    stored = window_metrics(label, score, threshold.value, 1.0)
    real = window_metrics(label, score, threshold.real_value, 1.0)
    figures = (stored.roc_auc, best_f1(label, score), stored.f1, stored.fpr, real.f1, real.fpr)
    return Judged(
        name=name,
        attacks=stored.attacks,
        figures=tuple(np.nan if figure is None else figure for figure in figures),
    )


def best_f1(label: NDArray[np.uint8], score: NDArray[np.float64]) -> float:
    """The best F1 that any threshold would give; NaN where a class is missing."""
    if label.all() or not label.any():
        return np.nan
    precision, recall, _ = precision_recall_curve(label, score)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def _mean(rows: list[Judged]) -> Judged:
    figures = np.array([row.figures for row in rows])
    means = tuple(float(np.nanmean(column)) for column in figures.T)
    return Judged(name="mean", attacks=sum(row.attacks for row in rows), figures=means)


if __name__ == "__main__":
    main()
