"""What a stage trains on: windows of one packed store, by side of the stored split."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.config.schema import UNIVERSE_VERSION, DataConfig
from can_train.dataset.fitted import Fitted, open_fitted
from can_train.dataset.manifest import DatasetManifest, DatasetRef, load_manifest
from can_train.dataset.splits import SIDES, audit, open_split, thinned, windows_on
from can_train.dataset.universe import SplitUniverse
from can_train.errors import DataError
from can_train.graphs.identity import WindowSpec
from can_train.graphs.scaling import (
    FeatureScaler,
    IdVocabulary,
    fit_scaler,
    fit_vocabulary,
)
from can_train.graphs.store import GraphStore, open_store

logger = logging.getLogger("can_train")

TRAINING: Final = ("train", "synthetic_train")
VALIDATION: Final = ("validation", "synthetic_validation")
FUSION: Final = ("fusion", "synthetic_fusion")
THRESHOLD: Final = ("threshold", "synthetic_threshold")
"""Sides of real and synthetic windows that serve the same purpose."""

_SYNTHETIC: Final = np.array([side.startswith("synthetic") for side in SIDES])


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetWindows:
    """Training recordings of one dataset as graphs, cut into sides.

    Attributes:
        manifest: The dataset.
        folder: Where the dataset is stored.
        data: Which windows were asked for.
        store: Graphs of its training recordings.
        sides: Side of each window [B], int8.
        scaler: Fitted on benign training windows.
        vocabulary: Fitted on benign training windows.
    """

    manifest: DatasetManifest
    folder: Path
    data: DataConfig
    store: GraphStore
    sides: NDArray[np.int8]
    scaler: FeatureScaler
    vocabulary: IdVocabulary

    def windows(self, *sides: str, benign: bool = False) -> NDArray[np.int64]:
        """Windows on any of `sides`, optionally only those without an attack frame."""
        found = windows_on(self.sides, sides)
        return found[self.store.label[found] == 0] if benign else found

    def undisturbed(self, *sides: str) -> NDArray[np.int64]:
        """Benign windows on any of `sides` that don't come right after an attack window."""
        found = self.windows(*sides, benign=True)
        before = np.maximum(found - 1, 0)
        same = self.store.recording[before] == self.store.recording[found]
        disturbed: NDArray[np.bool_] = same & (self.store.label[before] == 1)
        return found[~disturbed]

    def synthetic(self, windows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of `windows` [B] are of synthetic recordings [B]."""
        found: NDArray[np.bool_] = _SYNTHETIC[self.sides[windows]]
        return found


def open_windows(
    data_root: Path, ref: DatasetRef, data: DataConfig, training_digest: str | None = None
) -> DatasetWindows:
    """Opens (or builds) store and split, and audits the split.

    Args:
        data_root: Root of all stored datasets.
        ref: Which dataset.
        data: Feature set, window, split, and the digests that were frozen.
        training_digest: Digest of the training recordings that was noted beside them, if it was:
            with these the dataset is the same, whatever else it holds.

    Raises:
        DataError: The training recordings changed since the config was frozen, or a side that
            training needs is empty.
    """
    dataset, folder = ref.dataset, ref.folder(data_root)
    manifest = load_manifest(data_root, ref.modality, dataset)
    manifest = manifest.known_as(data.dataset_digest, training_digest)
    _require_same_training(manifest, data)
    split = open_split(data_root, manifest, name=data.split, window=data.window)
    if split.digest != data.split_digest:
        raise DataError(
            f"split {data.split} of {dataset} has digest {split.digest[:12]}, frozen "
            f"{data.split_digest[:12]}. Plan the run again"
        )
    universe = None
    if data.augment:
        if data.universe != UNIVERSE_VERSION:
            raise DataError(
                f"augment: this run was frozen with version {data.universe} of the synthetic "
                f"recordings, this can-train makes version {UNIVERSE_VERSION}. Plan the run again"
            )
        universe = SplitUniverse(
            folder=folder, manifest=manifest, split=split, size=data.augment, window=data.window
        )
    store = open_store(folder, manifest.train, WindowSpec.of(data), universe)
    sides = split.sides(store)
    audit(store, sides)
    sides = thinned(sides, store.label, data.windows_per_side)
    real, all_cars = (
        windows[store.label[windows] == 0]
        for windows in (windows_on(sides, ["train"]), windows_on(sides, TRAINING))
    )
    fitted = open_fitted(
        folder,
        lambda: Fitted(scaler=fit_scaler(store, all_cars), vocabulary=fit_vocabulary(store, real)),
        store=store.key,
        split=split.digest,
        most=data.windows_per_side,
    )
    inputs = DatasetWindows(
        manifest=manifest,
        folder=folder,
        data=data,
        store=store,
        sides=sides,
        scaler=fitted.scaler,
        vocabulary=fitted.vocabulary,
    )
    for side in ("train", "validation", "threshold"):
        if not len(inputs.windows(side, benign=True)):
            raise DataError(
                f"dataset {dataset}: no benign window on side {side} of split "
                f"{data.split} at --window {data.window}. Record more benign traffic, or use "
                f"a smaller --window"
            )
    return inputs


def _require_same_training(manifest: DatasetManifest, data: DataConfig) -> None:
    """Refuses other training recordings; that only test files changed is told in one line."""
    frozen, dataset = data.dataset_digest, manifest.dataset
    if manifest.identity != frozen:
        raise DataError(
            f"the training recordings of dataset {dataset} changed since this run was frozen "
            f"(digest {manifest.identity[:12]}, frozen {frozen[:12]}; changed test files wouldn't "
            f"matter). Plan the run again, or prepare the recordings of before: can-train data "
            f"prepare --modality {manifest.modality} --dataset {dataset} --source DIR --force"
        )
    if manifest.digest != frozen:
        logger.info(
            "dataset %s: test files changed since this run was frozen (digest %s, frozen %s); "
            "its training recordings are the same",
            dataset,
            manifest.digest[:12],
            frozen[:12],
        )
