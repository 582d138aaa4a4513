"""Trains the fusion agent: regresses the reward of every fusion weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from can_train.config.schema import TrainingConfig
from can_train.detectors.base import Detector
from can_train.detectors.fusion.detector import fused_by_weight, standardised
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.scoring import score_windows
from can_train.detectors.stage import (
    Judgement,
    Prepared,
    StageModule,
    StageTask,
    automatic_batch_size,
    drawn,
    shuffled,
)
from can_train.distil.losses import LossTerms

SMALLEST_STATE_SCALE: Final = 1e-3
"""Unit of a state number that hardly varies where the agent is fitted."""


def build(task: StageTask) -> Prepared:
    """The stage that `task` describes: fitted on windows that the experts weren't fitted on.

    Raises:
        TrainingError: A class of windows is missing.
    """
    inputs, config = task.inputs, task.config
    held_out = inputs.windows("fusion")
    task.require_both_classes(
        "fusion needs benign and attack windows that the experts weren't fitted on",
        "fusion",
        held_out,
    )
    anomaly, probability = task.expert("anomaly"), task.expert("probability")
    views = [
        _view(anomaly, probability, task, windows)
        for windows in (held_out, inputs.windows("validation"))
    ]
    mean = views[0].state.mean(axis=0)
    scale = np.maximum(views[0].state.std(axis=0), SMALLEST_STATE_SCALE)
    train, validation = (view.windows(mean, scale) for view in views)
    module = FusionStage(
        cast(QNetwork, task.network),
        config.training,
        config.seed,
        train=train,
        validation=validation,
    )
    experts = {detector.config.model: detector for detector in (anomaly, probability)}
    return Prepared(
        module=module, experts=experts, extras={"state_mean": mean, "state_scale": scale}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionWindows:
    """Windows as the fusion agent sees them.

    Attributes:
        states: Standardised states [B, 15], float32.
        rewards: Reward of every action [B, 21], float32.
    """

    states: Tensor
    rewards: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """B windows as both experts see them.

    Attributes:
        state: What they show the agent [B, S], float64.
        anomaly, probability: Their scores [B], float64.
        label: 1 for attack windows [B], uint8.
    """

    state: NDArray[np.float64]
    anomaly: NDArray[np.float64]
    probability: NDArray[np.float64]
    label: NDArray[np.uint8]

    def windows(self, mean: NDArray[np.float64], scale: NDArray[np.float64]) -> FusionWindows:
        """The same as the agent is trained on it."""
        state, m, s = (torch.from_numpy(array) for array in (self.state, mean, scale))
        return FusionWindows(
            states=standardised(state, m, s),
            rewards=fusion_rewards(self.anomaly, self.probability, self.label),
        )


def _view(
    anomaly: Detector, probability: Detector, task: StageTask, windows: NDArray[np.int64]
) -> _View:
    store = task.inputs.store
    scores = score_windows([anomaly, probability], store, windows)
    one, other = scores[anomaly.config.model], scores[probability.config.model]
    return _View(
        state=np.concatenate([one.state, other.state], axis=1),
        anomaly=one.score,
        probability=other.score,
        label=store.label[windows],
    )


def fusion_rewards(
    anomaly: NDArray[np.float64], p_attack: NDArray[np.float64], label: NDArray[np.uint8]
) -> Tensor:
    """Reward r(alpha) = 1 - (fused - y)^2 of each of the 21 actions [B, 21], float32."""
    fused = fused_by_weight(anomaly, p_attack)
    return torch.from_numpy((1.0 - (fused - label[:, None]) ** 2).astype(np.float32))


class _Rows(Dataset[Sequence[Tensor]]):
    def __init__(self, data: FusionWindows, parts: Sequence[NDArray[np.int64]]) -> None:
        self._data, self._parts = data, parts

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, item: int) -> Sequence[Tensor]:
        rows = torch.from_numpy(self._parts[item])
        return self._data.states[rows], self._data.rewards[rows]


class FusionStage(StageModule):
    """Regresses the Q-values of all actions at once: one window is one episode (gamma = 0).

    Args:
        model: The Q-network.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        train: Windows on which the experts weren't fitted.
        validation: Windows that are judged after each epoch.
    """

    def __init__(
        self,
        model: QNetwork,
        training: TrainingConfig,
        seed: int,
        *,
        train: FusionWindows,
        validation: FusionWindows,
    ) -> None:
        super().__init__(model, training, seed)
        self._train_data = train
        self._validation_data = validation
        order = shuffled(np.arange(len(train.states)), seed)
        self._epoch = drawn(order, training.windows_per_epoch, seed)
        self.batch_size = training.batch_size or automatic_batch_size(len(self._epoch(0)))

    def train_dataloader(self) -> DataLoader[Sequence[Tensor]]:
        """Batches of the current epoch."""
        rows = self._epoch(self.current_epoch)
        parts = [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        return self.training_batches(_Rows(self._train_data, parts))

    def val_dataloader(self) -> DataLoader[Sequence[Tensor]]:
        """All validation windows as one batch."""
        part = np.arange(len(self._validation_data.states))
        return DataLoader(_Rows(self._validation_data, [part]), batch_size=None)

    def training_step(self, batch: Sequence[Tensor]) -> Tensor:
        """Mean squared error of the Q-values against the rewards."""
        states, rewards = batch
        loss = functional.mse_loss(self.model(states), rewards)
        return self._record(LossTerms(total=loss, task=loss), len(states))

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        """Reward of the greedy actions."""
        states, rewards = batch
        values = self.model(states)
        reward = rewards.gather(1, values.argmax(1, keepdim=True)).double().mean()
        loss = functional.mse_loss(values.double(), rewards.double())
        self.judgement = Judgement(
            metrics={"val_reward": float(reward), "val_loss": float(loss)},
            key=(round(float(reward), 6), -float(loss)),
        )
