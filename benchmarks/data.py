"""Recordings that the benchmarks work on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest, split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.frames.frame import COLUMNS, Frames
from can_train.frames.store import load_frames

NAME: Final = "bench"
WINDOW: Final = 100


def training_dataset(root: Path) -> DatasetManifest:
    """hcrl_sa from `$CAN_TRAIN_RECORDINGS`, or synthetic traffic, stored below `root`."""
    recordings = os.environ.get("CAN_TRAIN_RECORDINGS")
    if recordings:
        source = Path(recordings) / "parquet" / "hcrl_sa"
    else:
        sys.stderr.write("CAN_TRAIN_RECORDINGS isn't set: synthetic traffic instead of hcrl_sa\n")
        source = root / "synthetic"
        generate(source, seed=0, scale=4.0)
    prepare(source, root)
    return load_manifest(root, "automotive", NAME)


def prepare(source: Path, root: Path) -> None:
    """Imports the folder `source` as the dataset that the benchmarks use."""
    request = PrepareRequest(modality="automotive", dataset=NAME, data_root=root, source=source)
    prepare_dataset(request, report=lambda _: None)


def training_frames(root: Path, manifest: DatasetManifest) -> list[Frames]:
    """Its training recordings."""
    return [load_frames(dataset_dir(root, "automotive", NAME), r) for r in manifest.train]


def training_windows(root: Path, manifest: DatasetManifest, **data: int) -> DatasetWindows:
    """Its graphs, cut into sides; `data` are settings of the windows."""
    window = data.get("window", WINDOW)
    settings: dict[str, Any] = {
        "dataset_digest": manifest.digest,
        "split_digest": split_digest(manifest.digest, "time", window),
        **data,
    }
    return open_windows(root, manifest.ref, DataConfig(**settings))


def repeated(recordings: Sequence[Frames], count: int) -> Frames:
    """`count` frames: one recording after the other, again and again, on one rising clock."""
    columns = {c.name: np.concatenate([c.of(r) for r in recordings]) for c in COLUMNS}
    length = len(columns["label"])
    rows = np.arange(count) % length
    taken = {name: column[rows] for name, column in columns.items()}
    taken["timestamp"] = np.arange(count) * 5e-4
    return Frames(**taken)
