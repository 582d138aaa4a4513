"""What every stage is: batches, optimiser, seeding and the judgement of an epoch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import DistillationConfig, TrainingConfig
from can_train.detectors.adamw import AdamW
from can_train.detectors.epochs import EpochWindows, automatic_batch_size, drawn
from can_train.detectors.scoring import SCORING_BATCH
from can_train.distil.losses import LossTerms, alpha_in_epoch
from can_train.graphs.batch import GraphBatch
from can_train.graphs.feed import GraphFeed

FINAL_LEARNING_RATE: Final = 0.05
"""Share of the peak learning rate that the cosine schedule ends with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the validation windows say about an epoch.

    Attributes:
        metrics: Named figures; the first is shown as progress.
        key: Higher is better, compared from left to right.
    """

    metrics: dict[str, float]
    key: tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class Means:
    """Running sums of named terms in float64, weighted by batch size."""

    sums: dict[str, float] = field(default_factory=dict)
    weight: float = 0.0

    def add(self, values: dict[str, float], weight: int) -> None:
        """Adds the terms of one batch of `weight` windows."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * weight
        self.weight += weight

    def take(self) -> dict[str, float]:
        """The means; the sums begin anew."""
        means = {name: value / self.weight for name, value in self.sums.items()}
        self.sums, self.weight = {}, 0.0
        return means


class Movable(Protocol):
    """A batch."""

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""


Batch = TypeVar("Batch", bound=Movable)


def _go_on() -> None:
    """Nobody waits for it."""


class StageModule(nn.Module, ABC, Generic[Batch]):
    """What all stages share: seeding, optimiser, schedule, epoch means.

    The loop calls `begin_epoch`, then `learn` with `training_batch(0)`, … up to `steps`,
    then `validation_step` with each of `validation_batches`, then `judge`.

    Args:
        model: The network to train.
        training: Optimisation settings.
        seed: With epoch and step it decides every random number of that step.
        windows: Windows of each epoch.

    Attributes:
        batch_size: Windows per step.
    """

    distillation: DistillationConfig | None = None
    """How a teacher's signal joins the loss; None without a teacher."""

    def __init__(
        self, model: nn.Module, training: TrainingConfig, seed: int, windows: EpochWindows
    ) -> None:
        super().__init__()
        self.model = model
        self.settings = training
        self.seed = seed
        self.epoch = 0
        self.means = Means()
        self._of_epoch = drawn(windows, training.windows_per_epoch, seed)
        self._chosen = self._of_epoch(0)
        self.batch_size = training.batch_size or automatic_batch_size(len(self._chosen))

    def begin_epoch(self, epoch: int) -> None:
        """Chooses the windows of `epoch`, counted from 0."""
        self.epoch = epoch
        self._chosen = self._of_epoch(epoch)

    @property
    def epochs(self) -> int:
        """Most epochs."""
        return self.settings.epochs

    @property
    def windows(self) -> int:
        """Windows of the current epoch."""
        return len(self._chosen)

    @property
    def steps(self) -> int:
        """Steps of the current epoch."""
        return -(-len(self._chosen) // self.batch_size)

    def training_batch(self, step: int) -> Batch:
        """Batch of one step of the current epoch."""
        first = step * self.batch_size
        return self.batch_of(self._chosen[first : first + self.batch_size])

    @abstractmethod
    def batch_of(self, windows: NDArray[np.int64]) -> Batch:
        """Some of an epoch's windows as a batch."""

    @abstractmethod
    def training_step(self, batch: Batch) -> Tensor:
        """Loss of one batch; its terms go into the means of the epoch."""

    def learn(self, batch: Batch, forward_done: Callable[[], None] = _go_on) -> None:
        """Gradients of the loss of one batch.

        Args:
            batch: The batch.
            forward_done: Called when the loss is there, before its gradients are.
        """
        loss = self.training_step(batch)
        forward_done()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types

    @abstractmethod
    def validation_batches(self) -> Iterator[Batch]:
        """Batches of all validation windows."""

    @abstractmethod
    def validation_step(self, batch: Batch) -> None:
        """Takes in one of them."""

    @abstractmethod
    def judge(self) -> Judgement:
        """What was taken in, as figures; the next validation begins anew."""

    def seed_step(self, step: int) -> None:
        """Seeds every generator from (seed, epoch, step), so that a resumed run repeats them."""
        state = np.random.SeedSequence([self.seed, self.epoch, step])
        seed = int(state.generate_state(1)[0])
        torch.default_generator.manual_seed(seed)  # torch.manual_seed: slower by half a millisecond
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(seed)

    def take_means(self) -> dict[str, float]:
        """Means of the epoch's loss terms, and alpha where a teacher has a say."""
        means = self.means.take()
        return means if self.distillation is None else {**means, "alpha": self.alpha}

    @property
    def alpha(self) -> float:
        """Weight of the teacher's signal in the current epoch."""
        return 0.0 if self.distillation is None else alpha_in_epoch(self.distillation, self.epoch)

    def optimizer(self) -> AdamW:
        """The optimiser of everything that is trained."""
        return AdamW(
            [p for p in self.parameters() if p.requires_grad],
            rate=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
        )

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, from 0: a cosine (Loshchilov & Hutter, ICLR 2017)."""
        high, epochs = self.settings.learning_rate, self.settings.epochs
        low = high * FINAL_LEARNING_RATE
        return low + (high - low) * (1.0 + math.cos(math.pi * epoch / epochs)) / 2.0

    def _record(self, terms: LossTerms, weight: int) -> Tensor:
        self.means.add(terms.record(), weight)
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


class GraphStage(StageModule[GraphBatch]):
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
        super().__init__(model, training, seed, windows.epoch)
        self._windows = windows

    def batch_of(self, windows: NDArray[np.int64]) -> GraphBatch:
        """The graphs of `windows`."""
        return self._windows.feed.batch(windows)

    def validation_batches(self) -> Iterator[GraphBatch]:
        """Batches of the validation windows."""
        return self._windows.feed.batches(self._windows.validation, SCORING_BATCH)
