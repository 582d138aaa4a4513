"""A small prepared dataset, and recordings to prepare others from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl

from can_train.dataset.manifest import DatasetManifest, DatasetRef
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.frames.frame import Frames
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore, open_store
from can_train.vocab import FeatureSet
from tests.unit.frames_for_tests import random_frames

REF = DatasetRef(modality="automotive", dataset="small")


def write_csv(path: Path, frames: Frames) -> None:
    """Writes frames with standard IDs in the can-train-and-test layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hexed = [bytes(p[:d]).hex().upper() for p, d in zip(frames.payload, frames.dlc, strict=True)]
    pl.DataFrame(
        {
            "timestamp": [f"{t:.6f}" for t in frames.timestamp],
            "arbitration_id": [f"{i:03X}" for i in frames.arbitration_id],
            "data_field": hexed,
            "attack": frames.label,
        }
    ).write_csv(path, quote_style="never")


def with_attack(frames: Frames, begin: int, end: int) -> Frames:
    label = np.zeros(len(frames), np.uint8)
    label[begin:end:3] = 1
    return dataclasses.replace(frames, label=label)


def two_vehicles(source: Path, root: Path) -> DatasetManifest:
    """Two vehicles, two attacks; attack stretches at different places."""
    files = {
        "train_01_attack_free/attack-free-kia": with_attack(some_frames(1), 0, 0),
        "train_01_attack_free/attack-free-sonata": with_attack(some_frames(2), 0, 0),
        "train_02_with_attacks/DoS-kia": with_attack(some_frames(3), 2000, 5000),
        "train_02_with_attacks/fuzzing-sonata": with_attack(some_frames(4), 6000, 9000),
        "test_01_known_vehicle_known_attack/DoS-sonata": with_attack(some_frames(5), 3000, 5000),
    }
    for name, frames in files.items():
        write_csv(source / f"{name}.csv", frames)
    request = PrepareRequest(
        modality=REF.modality, dataset=REF.dataset, data_root=root, source=source
    )
    return prepare_dataset(request)


def some_frames(seed: int) -> Frames:
    return random_frames(12_000, seed=seed, extended=False)


def store_of(root: Path, manifest: DatasetManifest, stride: int = 20) -> GraphStore:
    return open_store(REF.folder(root), manifest.train, spec_of(20, stride))


def spec_of(window: int, stride: int, features: FeatureSet = "relational") -> WindowSpec:
    return WindowSpec(features=features, window=window, stride=stride)
