"""Thin Lightning modules around the plain models: batches, losses and validation figures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from can_train.config.schema import TrainingConfig, VgaeConfig
from can_train.evaluation.scoring import ALPHAS, SCORING_BATCH, attack_probability
from can_train.models.batch import GraphBatch
from can_train.models.feed import GraphFeed
from can_train.models.gat import GAT
from can_train.models.q_network import QNetwork
from can_train.models.vgae import VGAE
from can_train.training.distillation import (
    gat_distillation_loss,
    vgae_distillation_loss,
    with_teacher_signal,
)
from can_train.training.losses import LossTerms, VgaeLossWeights, gat_task_loss, vgae_task_loss
from can_train.training.teacher import GatTeacher, VgaeTeacher

LARGEST_AUTOMATIC_BATCH: Final = 64
LEAST_STEPS_PER_EPOCH: Final = 50
SMALLEST_AUTOMATIC_BATCH: Final = 8
FINAL_LEARNING_RATE: Final = 0.05
"""Share of the peak learning rate that the cosine schedule ends with."""

EpochWindows = Callable[[int], NDArray[np.int64]]
"""Windows of an epoch, in training order; a pure function of the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Validation figures of an epoch.

    Attributes:
        metrics: Named figures; the first is shown as progress.
        key: Higher is better, compared from left to right.
    """

    metrics: dict[str, float]
    key: tuple[float, ...]


def automatic_batch_size(windows: int) -> int:
    """64 windows per step, fewer where an epoch would have under 50 steps, at least 8."""
    fitting = windows // LEAST_STEPS_PER_EPOCH
    return max(SMALLEST_AUTOMATIC_BATCH, min(LARGEST_AUTOMATIC_BATCH, fitting))


def shuffled(windows: NDArray[np.int64], seed: int) -> EpochWindows:
    """All of `windows` each epoch, in an order that depends on (seed, epoch) alone."""
    return lambda epoch: np.random.default_rng([seed, epoch]).permutation(windows)


def drawn(windows: EpochWindows, most: int | None, seed: int) -> EpochWindows:
    """At most `most` of the windows of each epoch, drawn from (seed, epoch), order kept."""
    if most is None:
        return windows

    def epoch_windows(epoch: int) -> NDArray[np.int64]:
        found = windows(epoch)
        if len(found) <= most:
            return found
        generator = np.random.default_rng([seed, epoch, most])
        return found[np.sort(generator.choice(len(found), most, replace=False))]

    return epoch_windows


class _Batches(Dataset[GraphBatch]):
    """One ready batch per item."""

    def __init__(self, feed: GraphFeed, windows: NDArray[np.int64], size: int) -> None:
        self._feed = feed
        self._parts = [windows[i : i + size] for i in range(0, len(windows), size)]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, item: int) -> GraphBatch:
        return self._feed.batch(self._parts[item])


@dataclass(slots=True, kw_only=True)
class _Means:
    """Running sums of named terms in float64, weighted by batch size."""

    sums: dict[str, float] = field(default_factory=dict)
    weight: float = 0.0

    def add(self, values: dict[str, float], weight: int) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * weight
        self.weight += weight

    def take(self) -> dict[str, float]:
        means = {name: value / self.weight for name, value in self.sums.items()}
        self.sums, self.weight = {}, 0.0
        return means


class StageModule(lightning.LightningModule):
    """What all stages share: seeding, optimiser, schedule, epoch means.

    Args:
        model: The network to train.
        training: Optimisation settings.
        seed: With epoch and step it decides every random number of that step.
    """

    def __init__(self, model: nn.Module, training: TrainingConfig, seed: int) -> None:
        super().__init__()
        self.model = model
        self.settings = training
        self.seed = seed
        self.train_means: dict[str, float] = {}
        self.validation = Validation(metrics={}, key=())
        self._means = _Means()

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
        """Seeds every generator from (seed, epoch, step), so that a resumed run repeats them.

        Per step and not per epoch, since a loader may draw from the global generator in between.
        """
        state = np.random.SeedSequence([self.seed, self.current_epoch, batch_idx])
        torch.manual_seed(int(state.generate_state(1)[0]))

    def close_epoch(self) -> None:
        """Turns the epoch's sums into `train_means`."""
        self.train_means = self._means.take()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with a cosine schedule per epoch (Loshchilov & Hutter, ICLR 2017 and 2019)."""
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            trained, lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        low = self.settings.learning_rate * FINAL_LEARNING_RATE
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, T_max=self.settings.epochs, eta_min=low
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "epoch"},
        }

    def _record(self, terms: LossTerms, weight: int) -> Tensor:
        self._means.add(terms.record(), weight)
        return terms.total


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWindows:
    """What a stage trains on and is judged by.

    Attributes:
        feed: Source of batches.
        epoch: Windows of each epoch.
        validation: Windows that are judged after each epoch.
    """

    feed: GraphFeed
    epoch: EpochWindows
    validation: NDArray[np.int64]


class GraphStage(StageModule):
    """A stage that trains on window graphs.

    Args:
        model: The network to train.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        windows: What it trains on.
    """

    def __init__(
        self,
        model: nn.Module,
        training: TrainingConfig,
        seed: int,
        windows: StageWindows,
    ) -> None:
        super().__init__(model, training, seed)
        self._windows = windows
        self._epoch = drawn(windows.epoch, training.windows_per_epoch, seed)
        self.batch_size = training.batch_size or automatic_batch_size(len(self._epoch(0)))

    def train_dataloader(self) -> DataLoader[GraphBatch]:
        """Batches of the current epoch."""
        windows = self._epoch(self.current_epoch)
        return DataLoader(_Batches(self._windows.feed, windows, self.batch_size), batch_size=None)

    def val_dataloader(self) -> DataLoader[GraphBatch]:
        """Batches of the validation windows."""
        part = _Batches(self._windows.feed, self._windows.validation, SCORING_BATCH)
        return DataLoader(part, batch_size=None)

    def transfer_batch_to_device(
        self, batch: GraphBatch, device: torch.device, dataloader_idx: int
    ) -> GraphBatch:
        """Moves a batch to the device that trains."""
        return batch.to(device)

    @abstractmethod
    def training_step(self, batch: GraphBatch) -> Tensor:
        """Loss of one batch."""


class VgaeStage(GraphStage):
    """Trains a VGAE on benign windows, optionally with a teacher's signal.

    Args:
        model: The VGAE.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        architecture: Holds the weights of the loss terms.
        teacher: The teacher's signal, or None.
        windows: What it trains on.
    """

    def __init__(
        self,
        model: VGAE,
        training: TrainingConfig,
        seed: int,
        windows: StageWindows,
        *,
        architecture: VgaeConfig,
        teacher: VgaeTeacher | None,
    ) -> None:
        super().__init__(model, training, seed, windows)
        self.vgae = model
        self._weights = VgaeLossWeights(
            id=architecture.id_weight,
            neighbour=architecture.neighbour_weight,
            kl=architecture.kl_weight,
        )
        self._validation_means = _Means()
        self.teacher = teacher
        self.projection = teacher.projection if teacher else None

    def training_step(self, batch: GraphBatch) -> Tensor:
        """Task loss from a latent sample; teacher signal from the latent means."""
        output = self.vgae(batch)
        task = vgae_task_loss(output, batch, self._weights)
        if self.teacher is None or self.projection is None:
            return self._record(task, batch.num_graphs)
        signal, config = self.teacher.signal(batch), self.teacher.config
        kd = vgae_distillation_loss(
            self.projection(output.mu),
            signal.mu,
            self.vgae.decode(output.mu),
            signal.reconstruction,
            latent_weight=config.latent_weight,
            reconstruction_weight=config.reconstruction_weight,
        )
        return self._record(with_teacher_signal(task, kd, config.alpha), batch.num_graphs)

    def validation_step(self, batch: GraphBatch) -> None:
        """Adds a batch of benign validation windows."""
        task = vgae_task_loss(self.vgae(batch), batch, self._weights)
        self._validation_means.add(task.record(), batch.num_graphs)

    def on_validation_epoch_end(self) -> None:
        """Judges the epoch by the benign validation loss."""
        loss = self._validation_means.take()["task"]
        self.validation = Validation(metrics={"val_loss": loss}, key=(-loss,))


class GatStage(GraphStage):
    """Trains a GAT to classify windows, optionally with a teacher's soft targets.

    Args:
        model: The GAT.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        teacher: The teacher's signal, or None.
        windows: What it trains on.
    """

    def __init__(
        self,
        model: GAT,
        training: TrainingConfig,
        seed: int,
        windows: StageWindows,
        *,
        teacher: GatTeacher | None,
    ) -> None:
        super().__init__(model, training, seed, windows)
        self.gat = model
        self.teacher = teacher
        self._scores: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._losses: list[Tensor] = []

    def training_step(self, batch: GraphBatch) -> Tensor:
        """Cross-entropy, blended with the soft-target loss when there is a teacher."""
        logits = self.gat(batch).logits
        task = gat_task_loss(logits, batch.y)
        if self.teacher is None:
            return self._record(task, batch.num_graphs)
        config = self.teacher.config
        kd = gat_distillation_loss(logits, self.teacher.signal(batch), config.temperature)
        return self._record(with_teacher_signal(task, kd, config.alpha), batch.num_graphs)

    def validation_step(self, batch: GraphBatch) -> None:
        """Collects scores of a batch of validation windows."""
        logits = self.gat(batch).logits
        self._scores.append(attack_probability(logits).cpu())
        self._labels.append(batch.y.cpu())
        self._losses.append(
            functional.cross_entropy(logits.double(), batch.y, reduction="none").cpu()
        )

    def on_validation_epoch_end(self) -> None:
        """Judges by PR-AUC where both classes occur, then by loss."""
        score, label = torch.cat(self._scores).numpy(), torch.cat(self._labels).numpy()
        loss = float(torch.cat(self._losses).mean())
        self._scores, self._labels, self._losses = [], [], []
        if not np.isfinite(score).all():
            self.validation = Validation(metrics={"val_loss": loss}, key=(float("nan"),))
        elif 0 < label.sum() < len(label):
            pr_auc = float(average_precision_score(label, score))
            metrics = {"val_pr_auc": pr_auc, "val_loss": loss}
            self.validation = Validation(metrics=metrics, key=(round(pr_auc, 4), -loss))
        else:
            self.validation = Validation(metrics={"val_loss": loss}, key=(-loss,))


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
        return DataLoader(_Rows(self._train_data, parts), batch_size=None)

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
