"""Fits a fusion: in one go, or the agent by regressing the reward of every weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from can_train.config.schema import TrainingConfig
from can_train.dataset.windows import FUSION, VALIDATION
from can_train.detectors.adamw import AdamW
from can_train.detectors.batching import BatchBudget
from can_train.detectors.epochs import shuffled
from can_train.detectors.fusion.fitting import LinearFit, fit_linear
from can_train.detectors.fusion.policies import AgentFusion, LinearFusion, clipped
from can_train.detectors.fusion.regression import RewardRegression
from can_train.detectors.fusion.windows import (
    FusionWindows,
    Lessons,
    expert_view,
    fusion_windows,
)
from can_train.detectors.ranking import average_precision
from can_train.detectors.stage import Judgement, StageModule
from can_train.detectors.task import Prepared, StageTask
from can_train.distil.losses import LossTerms

SMALLEST_WEIGHT: Final = 1e-3
"""Of the largest excess: what tells nothing of the windows of the fit may still alarm on others."""

SMALLEST_STATE_SCALE: Final = 1e-3
"""Unit of a state number that hardly varies where the fusion is fitted."""


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
        expert_view(anomaly, probability, task, windows)
        for windows in (held_out, inputs.windows(*VALIDATION))
    ]
    mean = views[0].state.mean(axis=0)
    scale = np.maximum(views[0].state.std(axis=0), SMALLEST_STATE_SCALE)
    train, validation = (fusion_windows(view, mean, scale) for view in views)
    module: StageModule[Any]
    if isinstance(task.network, AgentFusion):
        module = AgentStage(
            task.network, config.training, config.seed, train=train, validation=validation
        )
    elif isinstance(task.network, LinearFusion):
        module = LinearStage(
            task.network, config.training, config.seed, train=train, validation=validation
        )
    else:
        raise TypeError(f"expected a fusion, got {type(task.network).__name__}")
    experts = {detector.config.model: detector for detector in (anomaly, probability)}
    return Prepared(
        module=module, experts=experts, extras={"state_mean": mean, "state_scale": scale}
    )


class Sliced(Protocol):
    """Windows of which some can be taken."""

    def __len__(self) -> int: ...

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""

    def rows(self, at: Tensor) -> Self:
        """Some of them, in the given order."""

    def parts(self, lengths: list[int]) -> list[Self]:
        """All of them in parts of so many, without a copy."""


Windows = TypeVar("Windows", bound=Sliced)


class _FusionStage(StageModule[Windows]):
    """What both ways of fitting share: no step draws a number, so none is seeded.

    Args:
        model: The network of the policy.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        train: Windows on which the experts weren't fitted.
        validation: Windows that are judged after each epoch.
        number: How many there are to train on.
    """

    def __init__(
        self,
        model: LinearFusion | AgentFusion,
        training: TrainingConfig,
        seed: int,
        *,
        train: Windows,
        validation: Windows,
        number: int,
    ) -> None:
        super().__init__(model, training, seed, shuffled(np.arange(number), seed))
        self._train_data = self._in_order = train
        self._parts: list[Windows] = []
        self._parts_cuts: NDArray[np.int64] | None = None
        self._validation_data = validation
        self._judged = Judgement(metrics={}, key=())

    def seed_step(self, step: int) -> None:
        """Nothing."""

    def begin_epoch(self, epoch: int) -> None:
        """Puts the windows in the epoch's order, all at once."""
        super().begin_epoch(epoch)
        self._in_order, self._parts_cuts = self.batch_of(self._chosen), None

    def training_batch(self, step: int) -> Windows:
        """The next of them."""
        if self._parts_cuts is not self._cuts:  # it is replaced where batches are halved
            self._parts = self._in_order.parts(np.diff(self._cuts).tolist())
            self._parts_cuts = self._cuts
        return self._parts[step]

    def batch_of(self, windows: NDArray[np.int64]) -> Windows:
        """Some of the windows that it is fitted on."""
        return self._train_data.rows(torch.from_numpy(windows))

    def validation_batches(self, first: int = 0) -> Iterator[Windows]:
        """All validation windows as one batch."""
        yield self._validation_data

    def halve_validation(self) -> bool:
        """It can't be: all validation windows are judged at once."""
        return False

    def judge(self) -> Judgement:
        """What the validation windows said."""
        return self._judged


class LinearStage(_FusionStage[FusionWindows]):
    """Solves a policy's convex problem when it is made; its one epoch only measures."""

    solved = True

    def __init__(
        self,
        model: LinearFusion,
        training: TrainingConfig,
        seed: int,
        *,
        train: FusionWindows,
        validation: FusionWindows,
    ) -> None:
        super().__init__(
            model, training, seed, train=train, validation=validation, number=len(train.label)
        )
        features = model.features(train.state, train.excess).numpy()
        weights = train.weights.numpy() / len(train.weights)
        fit = fit_linear(features, train.label.numpy().astype(np.int64), weights)
        least = SMALLEST_WEIGHT if model.policy == "maximum" else 0.0
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(np.maximum(fit.weight, least)))
            model.bias.fill_(fit.bias)
        self.use_budget(BatchBudget(windows=len(train.label)))

    @property
    def epochs(self) -> int:
        """One."""
        return 1

    def optimizer(self) -> AdamW:
        """One that changes nothing: the solution is there."""
        return AdamW([], rate=0.0, weight_decay=0.0)

    def training_step(self, batch: FusionWindows) -> Tensor:
        """Cross-entropy with the weights of the fit."""
        loss = _cross_entropy(self.model(batch.state, batch.excess), batch)
        return self._record(LossTerms(total=loss, task=loss), len(batch.label))

    def validation_step(self, batch: FusionWindows) -> None:
        """Takes in all validation windows."""
        score = self.model(batch.state, batch.excess)
        loss, label = float(_cross_entropy(score, batch)), batch.label.cpu().numpy()
        metrics = {"val_loss": loss}
        if 0 < label.sum() < len(label):
            pr_auc = average_precision(label.astype(np.int64), score.cpu().numpy())
            metrics = {"val_pr_auc": pr_auc, **metrics}
        self._judged = Judgement(metrics=metrics, key=(-loss,))


class AgentStage(_FusionStage[Lessons]):
    """Regresses the Q-values of all actions at once: one window is one episode (gamma = 0)."""

    def __init__(
        self,
        model: AgentFusion,
        training: TrainingConfig,
        seed: int,
        *,
        train: FusionWindows,
        validation: FusionWindows,
    ) -> None:
        middle = train.excess[:, :2].mean(dim=1, keepdim=True).numpy()
        weights = train.weights.numpy() / len(train.weights)
        squash = fit_linear(middle, train.label.numpy().astype(np.int64), weights)
        one, other = (lessons(windows, squash, model.alphas) for windows in (train, validation))
        super().__init__(
            model, training, seed, train=one, validation=other, number=len(train.label)
        )
        self._agent, self._regression = model.agent, RewardRegression(model.agent)

    def optimizer(self) -> AdamW:
        """One that moves all weights of the agent as one tensor."""
        return AdamW(
            [self._regression.joined()],
            rate=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            parts=self._regression.lengths,
        )

    def training_step(self, batch: Lessons) -> Tensor:
        """Mean squared error of the Q-values against the rewards, weighted by window."""
        errors = (self._agent(batch.state) - batch.reward).square().mean(dim=1)
        loss = (errors * batch.weights).mean()
        return self._record(LossTerms(total=loss, task=loss), len(batch.weights))

    def learn(self, batch: Lessons, forward_done: Callable[[], None] = lambda: None) -> None:
        """The same loss and its gradients, by hand and at once: all of it counts as forward."""
        loss = self._regression.learn(batch.state, batch.reward, batch.weights)
        forward_done()
        self._add({"total": loss, "task": loss}, len(batch.weights))

    def validation_step(self, batch: Lessons) -> None:
        """Reward of the greedy actions."""
        values, rewards = self._regression.values(batch.state), batch.reward
        of_greedy = rewards.gather(1, values.argmax(1, keepdim=True)).squeeze(1).double()
        reward = float((of_greedy * batch.weights).mean())
        loss = float(functional.mse_loss(values.double(), rewards.double()))
        self._judged = Judgement(
            metrics={"val_reward": reward, "val_loss": loss}, key=(round(reward, 6), -loss)
        )


def lessons(windows: FusionWindows, squash: LinearFit, alphas: Tensor) -> Lessons:
    """What an agent learns from `windows`: the reward r(alpha) = 1 - (p - y)^2 of every action.

    p is the calibrated probability behind a fused excess: log odds that are linear in the mean
    of both excesses, fitted once. Where both say much or both say little it is flat, so nothing
    hangs on the weight there.

    Args:
        windows: B windows.
        squash: Log odds of an attack by the mean of both excesses.
        alphas: Weight that each action stands for [A], float64.
    """
    one, other = windows.excess[:, :1], windows.excess[:, 1:2]
    fused = (1.0 - alphas) * one + alphas * other
    p = torch.sigmoid(fused * float(squash.weight[0]) + squash.bias)
    return Lessons(
        state=clipped(windows.state),
        reward=(1.0 - (p - windows.label[:, None]).square()).float(),
        weights=windows.weights.float(),
    )


def _cross_entropy(log_odds: Tensor, batch: FusionWindows) -> Tensor:
    """Mean over windows [B] by their weights, of log odds [B]."""
    return functional.binary_cross_entropy_with_logits(log_odds, batch.label, weight=batch.weights)
