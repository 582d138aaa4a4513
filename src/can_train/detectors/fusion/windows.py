"""Windows as a fusion is fitted on them: what two experts say, and what is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.detectors.base import Detector
from can_train.detectors.fusion.fitting import balanced_weights
from can_train.detectors.fusion.rhythm import rhythm_in
from can_train.detectors.scoring import score_windows
from can_train.detectors.task import StageTask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpertView:
    """B windows as both experts see them.

    Attributes:
        state: What they show a fusion [B, S], float64.
        excess: Of the anomaly detector, of the classifier and of the rhythm [B, 3], float64.
        label: 1 for attack windows [B], uint8.
        weights: Equal in total for each class of the real and of the synthetic windows [B]; sum 1.
    """

    state: NDArray[np.float64]
    excess: NDArray[np.float64]
    label: NDArray[np.uint8]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionWindows:
    """The same as a policy takes them.

    Attributes:
        state: Standardised [B, S], float64.
        excess: [B, 3], float64.
        label: 0 or 1 [B], float64.
        weights: [B], float64; their mean is 1.
    """

    state: Tensor
    excess: Tensor
    label: Tensor
    weights: Tensor

    def __len__(self) -> int:
        """B."""
        return len(self.label)

    def to(self, device: torch.device | str) -> FusionWindows:
        """The same windows on another device."""
        return FusionWindows(
            state=self.state.to(device),
            excess=self.excess.to(device),
            label=self.label.to(device),
            weights=self.weights.to(device),
        )

    def rows(self, at: Tensor) -> FusionWindows:
        """Some of the windows, in the given order."""
        return FusionWindows(
            state=self.state[at],
            excess=self.excess[at],
            label=self.label[at],
            weights=self.weights[at],
        )

    def parts(self, lengths: list[int]) -> list[FusionWindows]:
        """All of them in parts of so many, without a copy."""
        tensors = self.state, self.excess, self.label, self.weights
        split = (torch.split(tensor, lengths) for tensor in tensors)
        return [
            FusionWindows(state=state, excess=excess, label=label, weights=weights)
            for state, excess, label, weights in zip(*split, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """B windows as an agent learns from them.

    Attributes:
        state: Standardised and clipped [B, S], float32.
        reward: Of each action [B, A], float32.
        weights: [B], float32; their mean is 1.
    """

    state: Tensor
    reward: Tensor
    weights: Tensor

    def __len__(self) -> int:
        """B."""
        return len(self.weights)

    def to(self, device: torch.device | str) -> Lessons:
        """The same on another device."""
        if self.weights.device == device:
            return self
        return Lessons(
            state=self.state.to(device),
            reward=self.reward.to(device),
            weights=self.weights.to(device),
        )

    def rows(self, at: Tensor) -> Lessons:
        """Some of them, in the given order."""
        return Lessons(state=self.state[at], reward=self.reward[at], weights=self.weights[at])

    def parts(self, lengths: list[int]) -> list[Lessons]:
        """All of them in parts of so many, without a copy."""
        tensors = self.state, self.reward, self.weights
        split = (torch.split(tensor, lengths) for tensor in tensors)
        return [
            Lessons(state=state, reward=reward, weights=weights)
            for state, reward, weights in zip(*split, strict=True)
        ]


def expert_view(
    anomaly: Detector, probability: Detector, task: StageTask, windows: NDArray[np.int64]
) -> ExpertView:
    """What both experts say of `windows`."""
    inputs = task.inputs
    said = score_windows([anomaly, probability], inputs.store, windows)
    one, other = said[anomaly.config.model], said[probability.config.model]
    label = inputs.store.label[windows]
    synthetic = inputs.synthetic(windows)
    return ExpertView(
        state=np.concatenate([one.state, other.state], axis=1),
        excess=np.stack([one.excess, other.excess, rhythm_in(inputs.store, windows)], axis=1),
        label=label,
        weights=balanced_weights(label, synthetic.astype(np.int64)),
    )


def fusion_windows(
    view: ExpertView, mean: NDArray[np.float64], scale: NDArray[np.float64]
) -> FusionWindows:
    """`view` as a policy takes it.

    Args:
        view: What the experts say.
        mean: Of the states that it is fitted on [S].
        scale: Their standard deviation [S].
    """
    return FusionWindows(
        state=torch.from_numpy((view.state - mean) / scale),
        excess=torch.from_numpy(view.excess),
        label=torch.from_numpy(view.label.astype(np.float64)),
        weights=torch.from_numpy(view.weights * len(view.weights)),
    )
