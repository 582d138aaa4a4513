"""What a detector's stage is built from, and what building it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from can_train.config.schema import AUGMENTED_EPOCH, TEACHER, RunConfig, TrainingConfig
from can_train.config.spec import Role, spec_of
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.base import Detector, Extras
from can_train.detectors.stage import StageModule
from can_train.distil.agreement import Agreement
from can_train.errors import ArtifactError, TrainingError, counted
from can_train.graphs.feed import GraphFeed


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTask:
    """What a detector's stage is built from.

    Attributes:
        config: Configuration of the run.
        inputs: Windows and sides.
        parents: Detectors that it consumes: `teacher`, and experts by name.
        network: What is trained, freshly initialised.
        feed: Source of batches.
    """

    config: RunConfig
    inputs: DatasetWindows
    parents: Mapping[str, Detector]
    network: nn.Module
    feed: GraphFeed

    def expert(self, role: Role) -> Detector:
        """The consumed detector of a role."""
        found = {spec_of(name).role: name for name in self.config.experts}
        return self.parents[found[role]]

    def teacher(self) -> Detector:
        """The teacher.

        Raises:
            ArtifactError: It is of another model.
        """
        teacher, model = self.parents[TEACHER], self.config.model
        if teacher.config.model != model:
            raise ArtifactError(
                f"teacher of a {model} stage must be a {model}, not a {teacher.config.model}"
            )
        return teacher

    def training_on(self, real: NDArray[np.int64]) -> TrainingConfig:
        """How it is trained, an epoch bounded by these windows if there are synthetic ones."""
        training = self.config.training
        if training.windows_per_epoch is not None or not self.config.data.augment:
            return training
        return replace(training, windows_per_epoch=math.ceil(AUGMENTED_EPOCH * len(real)))

    def require_both_classes(self, who: str, side: str, windows: NDArray[np.int64]) -> None:
        """Refuses windows that hold only one class.

        Args:
            who: What is needed by whom, for the message.
            side: Their side of the split.
            windows: Windows on that side.

        Raises:
            TrainingError: There are no benign or no attack windows.
        """
        label = self.inputs.store.label[windows]
        if not 0 < label.sum() < len(label):
            raise TrainingError(
                f"{who}; dataset {self.config.dataset} has {int((label == 0).sum())} benign and "
                f"{counted(int(label.sum()), 'attack window')} on side {side} of split "
                f"{self.config.data.split}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a detector's `stage.build` gives.

    Attributes:
        module: What is trained.
        agreement: Compares a student with its teacher; None without a teacher.
        experts: Detectors that its own scores are computed from, by name.
        extras: Arrays that the detector needs and that training doesn't change.
    """

    module: StageModule[Any]
    agreement: Agreement | None = None
    experts: Mapping[str, Detector] = field(default_factory=dict)
    extras: Extras = field(default_factory=dict)
