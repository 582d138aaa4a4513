"""Trains the fusion agent: regresses the reward of every fusion weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from can_train.config.schema import TrainingConfig
from can_train.dataset.windows import FUSION, VALIDATION
from can_train.detectors.base import Detector
from can_train.detectors.epochs import shuffled
from can_train.detectors.fusion.detector import fused_by_weight, standardised
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.scoring import score_windows
from can_train.detectors.stage import Judgement, StageModule
from can_train.detectors.task import Prepared, StageTask
from can_train.distil.losses import LossTerms

SMALLEST_STATE_SCALE: Final = 1e-3
"""Unit of a state number that hardly varies where the agent is fitted."""


def build(task: StageTask) -> Prepared:
    """The stage that `task` describes: fitted on windows that the experts weren't fitted on.

    Raises:
        TrainingError: A class of windows is missing.
    """
    inputs, config = task.inputs, task.config
    held_out = inputs.windows(*FUSION)
    task.require_both_classes(
        "fusion needs benign and attack windows that the experts weren't fitted on",
        "fusion",
        held_out,
    )
    anomaly, probability = task.expert("anomaly"), task.expert("probability")
    views = [
        _view(anomaly, probability, task, windows)
        for windows in (held_out, inputs.windows(*VALIDATION))
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

    def to(self, device: torch.device | str) -> FusionWindows:
        """The same windows on another device."""
        return FusionWindows(states=self.states.to(device), rewards=self.rewards.to(device))

    def rows(self, windows: NDArray[np.int64]) -> FusionWindows:
        """Some of the windows, in the given order."""
        at = torch.from_numpy(windows)
        return FusionWindows(states=self.states[at], rewards=self.rewards[at])


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
    """Reward r(alpha) = 1 - (sigmoid(fused) - y)^2 of each of the 21 actions [B, 21], float32."""
    fused = 1.0 / (1.0 + np.exp(-fused_by_weight(anomaly, p_attack)))
    return torch.from_numpy((1.0 - (fused - label[:, None]) ** 2).astype(np.float32))


class FusionStage(StageModule[FusionWindows]):
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
        super().__init__(model, training, seed, shuffled(np.arange(len(train.states)), seed))
        self._train_data = train
        self._validation_data = validation
        self._judged = Judgement(metrics={}, key=())

    def batch_of(self, windows: NDArray[np.int64]) -> FusionWindows:
        """The states and rewards of `windows`."""
        return self._train_data.rows(windows)

    def training_step(self, batch: FusionWindows) -> Tensor:
        """Mean squared error of the Q-values against the rewards."""
        loss = functional.mse_loss(self.model(batch.states), batch.rewards)
        return self._record(LossTerms(total=loss, task=loss), len(batch.states))

    def validation_batches(self) -> Iterator[FusionWindows]:
        """All validation windows as one batch."""
        yield self._validation_data

    def validation_step(self, batch: FusionWindows) -> None:
        """Reward of the greedy actions."""
        values = self.model(batch.states)
        greedy = values.argmax(1, keepdim=True)
        reward = float(batch.rewards.gather(1, greedy).double().mean())
        loss = float(functional.mse_loss(values.double(), batch.rewards.double()))
        self._judged = Judgement(
            metrics={"val_reward": reward, "val_loss": loss}, key=(round(reward, 6), -loss)
        )

    def judge(self) -> Judgement:
        """Judges by the reward of the greedy actions, then by loss."""
        return self._judged
