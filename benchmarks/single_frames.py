"""Whether single forged frames are found in real traffic of cars that a detector never saw.

    python -m benchmarks.single_frames --data-root data RUN [RUN ...] --datasets set_01 set_04

The hardest injection there is: one frame at a time, of a periodic ID, some tenths of a second
apart. Recorded attacks of that kind are rare outside of official tests, so here they are put into
benign training recordings of other datasets, one ID per episode: with one genuine payload again and
again, with one or two of its bytes forged, and with changing bytes. No official test has a part in
it. Printed per detector, recording and kind: attack windows, ROC-AUC, the best F1 that any
threshold would give, F1, recall and false-alarm rate at the stored threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.foreign_cars import best_f1, runs_and_datasets
from can_train.dataset.access import open_dataset
from can_train.dataset.augment.payloads import changing
from can_train.dataset.augment.streams import CarTraffic, by_time, join, take
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.evaluation.metrics import window_metrics
from can_train.frames.frame import Frames

HEADER: Final = (
    f"{'recording':34} {'payload':10} {'attacks':>7} {'ROC-AUC':>8} {'best F1':>8} {'F1':>7} "
    f"{'recall':>7} {'FPR':>7}"
)
PAYLOADS: Final = ("genuine", "forged", "changing")
LONGEST_S: Final = 120.0
QUIET_S: Final = 10.0
EPISODE_S: Final = 5.0
FASTEST_PERIOD_S, SLOWEST_PERIOD_S = 0.005, 0.05


def main() -> None:
    """Prints the tables."""
    args = runs_and_datasets(__doc__)
    for name in args.runs:
        scorer = load_detector(name, experiment_root=args.experiment_root)
        lines: dict[str, list[tuple[str, NDArray[np.float64]]]] = {}
        for dataset in args.datasets:
            for title, frames in benign_recordings(args.data_root, dataset):
                for payload in PAYLOADS:
                    _judge(
                        scorer, f"{title[-34:]:34} {payload:10}", attacked(frames, payload), lines
                    )
        for row, found in lines.items():
            print(f"\n{name}: {row}", HEADER, sep="\n")
            figures = np.array([line for _, line in found])
            for text, line in (*found, (f"{'mean':45}", np.nanmean(figures, axis=0))):
                print(text, f"{line[0]:7.0f}", *(f"{figure:8.4f}" for figure in line[1:]))


def benign_recordings(data_root: Path, dataset: str) -> Iterator[tuple[str, Frames]]:
    """Names and the first minutes of a dataset's benign training recordings."""
    opened = open_dataset("automotive", dataset, data_root=data_root)
    for recording in opened.recordings:
        if recording.is_train:
            frames = opened.frames(recording)
            if not frames.label.any():
                end = np.searchsorted(frames.timestamp, frames.timestamp[0] + LONGEST_S)
                yield f"{dataset}/{recording.name}", frames[: int(end)]


def attacked(frames: Frames, payload: str) -> Frames:
    """The recording with an episode of single frames every ten seconds, on an ID of its own."""
    rng = np.random.default_rng(0)
    car = CarTraffic.of(frames)
    start_s, end_s = float(car.frames.timestamp[0]) + QUIET_S, float(car.frames.timestamp[-1])
    periods = np.array([car.period_s(k) for k in range(len(car.ids))])
    victims = np.flatnonzero((periods >= FASTEST_PERIOD_S) & (periods <= SLOWEST_PERIOD_S))
    parts = [car.frames]
    for begin_s in np.arange(start_s, end_s - EPISODE_S, EPISODE_S + QUIET_S):
        victim = int(rng.choice(victims))
        gap_s = rng.uniform(0.1, 0.5)
        time_s = np.arange(begin_s, begin_s + EPISODE_S, gap_s) + rng.uniform(0, 0.05)
        parts.append(_forged(car, victim, time_s, payload, rng))
    return by_time(join(parts))


def _forged(
    car: CarTraffic,
    victim: int,
    time_s: NDArray[np.float64],
    payload: str,
    rng: np.random.Generator,
) -> Frames:
    one = take(car.frames, np.full(len(time_s), car.latest(victim, float(time_s[0]))))
    dlc, data = int(one.dlc[0]), one.payload.copy()
    if payload == "changing":
        data = changing(data[0], dlc, len(data), rng)
    elif payload == "forged" and dlc:
        data[:, rng.choice(dlc, min(2, dlc), replace=False)] = rng.integers(0, 256, min(2, dlc))
    return Frames(
        timestamp=time_s,
        arbitration_id=one.arbitration_id,
        dlc=one.dlc,
        payload=data,
        label=np.ones(len(time_s), np.uint8),
    )


def _judge(
    scorer: FrameScorer,
    title: str,
    frames: Frames,
    lines: dict[str, list[tuple[str, NDArray[np.float64]]]],
) -> None:
    windows = scorer.score(frames)
    for row, threshold in scorer.thresholds.items():
        score = windows.score[row]
        stored = window_metrics(windows.label, score, threshold.value, 1.0)
        best = best_f1(windows.label, score)
        figures = (stored.attacks, stored.roc_auc, best, stored.f1, stored.recall, stored.fpr)
        line = np.array([np.nan if figure is None else figure for figure in figures])
        lines.setdefault(row, []).append((title, line))


if __name__ == "__main__":
    main()
