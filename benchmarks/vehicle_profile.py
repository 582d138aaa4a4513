"""What the profile of the training vehicles says about every recording of a dataset.

    python -m benchmarks.vehicle_profile --data-root data --dataset set_04

Fitted and calibrated as in a run, which isn't needed for it. Per file: whether the profile spoke,
ROC-AUC, F1 and false-alarm rate at its threshold. `--leave-out` fits it for each training recording
without that one: what it says there is what chose its settings.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.access import open_dataset
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.known_vehicle import KnownVehicles, known_vehicles
from can_train.evaluation.metrics import window_metrics
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore, open_store
from can_train.vehicle.profile import SILENT
from can_train.vehicle.state import BYTES_PER_ID, BYTES_PER_OTHER_ID

TARGET_FPR = 0.001
HEADER = f"{'recording':58} {'spoke':>6} {'ROC-AUC':>8} {'F1':>7} {'recall':>7} {'FPR':>7}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--leave-out", action="store_true")
    args = parser.parse_args()
    dataset = open_dataset("automotive", args.dataset, data_root=args.data_root)
    inputs = dataset.windows(WindowSpec(features="relational", window=100, stride=100))
    began = time.perf_counter()
    known = known_vehicles(inputs, TARGET_FPR)
    if known is None:
        sys.exit("no vehicle with enough regular IDs")
    seconds = time.perf_counter() - began
    for profile in known.profiles:
        size = sum(array.nbytes for array in profile.known)
        state = len(profile) * BYTES_PER_ID
        print(
            f"{profile.vehicle}: {len(profile)} IDs ({int(profile.known.core.sum())} core), "
            f"{size:,} bytes, state {state:,} bytes + {BYTES_PER_OTHER_ID} per ID on the bus"
        )
    print(f"fitted in {seconds:.1f} s; threshold {known.threshold.value:.3f}", HEADER, sep="\n")
    if args.leave_out:
        for number in range(len(inputs.manifest.train)):
            _left_out(inputs, number)
        return
    test = open_store(inputs.folder, inputs.manifest.test, inputs.store.spec)
    for number in range(len(test.recordings)):
        _row(known, test, number, inputs.folder)


def _left_out(inputs: DatasetWindows, number: int) -> None:
    sides = inputs.sides.copy()
    sides[inputs.store.recording == number] = -1
    known = known_vehicles(replace(inputs, sides=sides), TARGET_FPR)
    if known is not None:
        _row(known, inputs.store, number, inputs.folder)


def _row(known: KnownVehicles, store: GraphStore, number: int, folder: Path) -> None:
    windows = np.flatnonzero(store.recording == number)
    score = known.of_store(store, windows, folder)
    label: NDArray[np.uint8] = store.label[windows]
    found = window_metrics(label, score, known.threshold.value, 1.0)
    recording = store.recordings[number]
    cells = [
        f"{np.mean(score > SILENT):6.2f}",
        *(
            "n/a".rjust(width) if value is None else f"{value:{width}.4f}"
            for value, width in (
                (found.roc_auc, 8),
                (found.f1, 7),
                (found.recall, 7),
                (found.fpr, 7),
            )
        ),
    ]
    print(f"{recording.scenario[:7]} {recording.name:50}", *cells, flush=True)


if __name__ == "__main__":
    main()
