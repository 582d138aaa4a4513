"""What every stage is: batches, optimiser, seeding and the judgement of an epoch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import DistillationConfig, TrainingConfig
from can_train.detectors.adamw import AdamW
from can_train.detectors.batching import BatchBudget, WindowSizes
from can_train.detectors.epochs import EpochWindows, automatic_batch_size, drawn
from can_train.detectors.frame_scorer import SCORING_BATCH
from can_train.detectors.part import BatchPlace, EpochOrder, Shares
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
    """A batch; its length is the number of its windows."""

    def __len__(self) -> int: ...

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""


Batch = TypeVar("Batch", bound=Movable)


def _go_on() -> None:
    """Nobody waits for it."""


class StageModule(nn.Module, ABC, Generic[Batch]):
    """What all stages share: seeding, optimiser, schedule, epoch means.

    The loop calls `begin_epoch`, then `learn` with `training_batch(0)`, … up to `steps`,
    then `validation_step` with each of `validation_batches`, then `judge`. Where memory runs out it
    calls `halve_batch` or `halve_validation` and repeats the batch; a step that failed leaves
    nothing behind.

    Where several processes train it, each computes its part of every batch (`place`), and of every
    term of the loss its share (`shares`): the parts add up to those of the whole batch.

    Args:
        model: The network to train.
        training: Optimisation settings.
        seed: With epoch and step it decides every random number of that step.
        windows: Windows of each epoch.

    Attributes:
        budget: What a batch holds.
        usual_batch_size: Windows per step where nobody asks for another number.
        validation_size: Windows per batch of validation.
        rate_scale: What the learning rate is multiplied by.
        place: Which of several processes this is; None: it is the only one.
        shares: How much of the current batch its part is; None: all of it.
    """

    counted: ClassVar[tuple[str, ...]] = ("windows",)
    """What the terms of the loss are means over; windows first."""

    solved: ClassVar[bool] = False
    """Whether it is solved at once, as one batch."""

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
        self.usual_batch_size = automatic_batch_size(len(self._chosen))
        self.validation_size = SCORING_BATCH
        self.rate_scale = 1.0
        self.place: BatchPlace | None = None
        self.shares: Shares | None = None
        self._step = self._step_seed = 0
        self.use_budget(
            BatchBudget(
                windows=training.batch_size or self.usual_batch_size,
                nodes=training.batch_nodes,
                edges=training.batch_edges,
            )
        )

    def begin_epoch(self, epoch: int) -> None:
        """Chooses the windows of `epoch`, counted from 0."""
        self.epoch = epoch
        self._chosen = self._of_epoch(epoch)
        self.use_budget(self.budget)

    def use_budget(self, budget: BatchBudget) -> None:
        """Cuts the windows of the current epoch into batches of `budget`, and those to come."""
        self.budget = budget
        self._cuts = budget.cuts(self.sizes_of(self._chosen))

    def halve_batch(self, step: int) -> bool:
        """From `step` of the current epoch on batches are half as large; whether they can be.

        Half of what the batch held: half of a budget that no batch reaches would change nothing.
        """
        held = int(self._cuts[step + 1] - self._cuts[step])
        half = replace(self.budget, windows=min(self.budget.windows, max(held, 2))).halved()
        if half is None:
            return False
        self.budget, at = half, self._cuts[step]
        rest = half.cuts(self.sizes_of(self._chosen[at:]))
        self._cuts = np.concatenate([self._cuts[:step], rest + at])
        return True

    def halve_validation(self) -> bool:
        """Batches of validation become half as large; whether they can be."""
        if self.validation_size < 2:
            return False
        self.validation_size //= 2
        return True

    def sizes_of(self, windows: NDArray[np.int64]) -> WindowSizes:
        """How large `windows` are; here each counts as one node."""
        ones = np.ones(len(windows), dtype=np.int64)
        return WindowSizes(nodes=ones, edges=np.zeros_like(ones))

    @property
    def batch_size(self) -> int:
        """Most windows per step."""
        return self.budget.windows

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Windows of the current epoch, in training order."""
        return self._chosen

    @property
    def epochs(self) -> int:
        """Most epochs."""
        return self.settings.epochs

    def left(self, step: int) -> int:
        """Windows of the current epoch from `step` on."""
        return len(self._chosen) - int(self._cuts[step])

    @property
    def steps(self) -> int:
        """Steps of the current epoch."""
        return len(self._cuts) - 1

    @property
    def order(self) -> EpochOrder:
        """What the current epoch trains on."""
        return EpochOrder(
            epoch=self.epoch,
            windows=self._chosen,
            cuts=self._cuts,
            budget=self.budget,
            rate_scale=self.rate_scale,
        )

    @order.setter
    def order(self, order: EpochOrder) -> None:
        self.epoch, self.budget, self.rate_scale = order.epoch, order.budget, order.rate_scale
        self._chosen, self._cuts = order.windows, order.cuts

    def whole_batch(self, step: int) -> NDArray[np.int64]:
        """Windows of one step of the current epoch, those of all processes."""
        return self._chosen[self._cuts[step] : self._cuts[step + 1]]

    def windows_of(self, step: int) -> NDArray[np.int64]:
        """Windows of one step that this process computes."""
        windows = self.whole_batch(step)
        return windows if self.place is None else windows[self.place.part(len(windows))]

    def training_batch(self, step: int) -> Batch:
        """Batch of one step of the current epoch, or this process's part of it."""
        return self.batch_of(self.windows_of(step))

    def counts(self, batch: Batch) -> tuple[int, ...]:
        """How many there are in `batch` of each of `counted`."""
        return (len(batch),)

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
    def validation_batches(self, first: int = 0) -> Iterator[Batch]:
        """Batches of all validation windows from `first` on."""

    @abstractmethod
    def validation_step(self, batch: Batch) -> None:
        """Takes in one of them."""

    @abstractmethod
    def judge(self) -> Judgement:
        """What was taken in, as figures; the next validation begins anew."""

    def seed_step(self, step: int) -> None:
        """Seeds every generator from (seed, epoch, step), so that a resumed run repeats them.

        Of several processes each but the first adds its number, so that their dropout differs.
        """
        self._step, self._step_seed = step, self._seed_of(step)
        rank = 0 if self.place is None else self.place.rank
        seed = self._seed_of(step, rank) if rank else self._step_seed
        torch.default_generator.manual_seed(seed)  # torch.manual_seed: slower by half a millisecond
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(seed)

    def _seed_of(self, *numbers: int) -> int:
        state = np.random.SeedSequence([self.seed, self.epoch, *numbers])
        return int(state.generate_state(1)[0])

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
        high, epochs = self.settings.learning_rate * self.rate_scale, self.settings.epochs
        low = high * FINAL_LEARNING_RATE
        return low + (high - low) * (1.0 + math.cos(math.pi * epoch / epochs)) / 2.0

    def _record(self, terms: LossTerms, weight: int) -> Tensor:
        """Takes in the terms of a batch of `weight` windows, or those of this process's part."""
        self._add(terms.record(), weight)
        return terms.total

    def _add(self, terms: dict[str, float], weight: int) -> None:
        self.means.add(terms, weight if self.shares is None else self.shares.windows)


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
        self._windows = windows
        super().__init__(model, training, seed, windows.epoch)
        self.validation_size = max(1, min(SCORING_BATCH, len(windows.validation)))

    def batch_of(self, windows: NDArray[np.int64]) -> GraphBatch:
        """The graphs of `windows`."""
        return self._windows.feed.batch(windows)

    def validation_batches(self, first: int = 0) -> Iterator[GraphBatch]:
        """Batches of the validation windows from `first` on."""
        windows = self._windows.validation[first:]
        return self._windows.feed.batches(windows, self.validation_size)

    def sizes_of(self, windows: NDArray[np.int64]) -> WindowSizes:
        """Nodes and edges of `windows`, from the store."""
        store = self._windows.feed.store
        return WindowSizes(
            nodes=store.node_ptr[windows + 1] - store.node_ptr[windows],
            edges=store.edge_ptr[windows + 1] - store.edge_ptr[windows],
        )
