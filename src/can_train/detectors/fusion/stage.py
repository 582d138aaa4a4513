"""The fusion stage: regresses the reward of every fusion weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from can_train.config.schema import TrainingConfig
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.losses import LossTerms
from can_train.detectors.scoring import ALPHAS
from can_train.detectors.stage import (
    StageModule,
    Validation,
    automatic_batch_size,
    drawn,
    shuffled,
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


def fusion_rewards(
    anomaly: NDArray[np.float64], p_attack: NDArray[np.float64], label: NDArray[np.uint8]
) -> Tensor:
    """Reward r(alpha) = 1 - (fused - y)^2 of each of the 21 actions [B, 21], float32."""
    fused = (1.0 - ALPHAS) * anomaly[:, None] + ALPHAS * p_attack[:, None]
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
        self.validation = Validation(
            metrics={"val_reward": float(reward), "val_loss": float(loss)},
            key=(round(float(reward), 6), -float(loss)),
        )
