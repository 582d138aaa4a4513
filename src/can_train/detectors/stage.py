"""What every stage is made of: batches, optimiser, seeding and the judgement of an epoch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Final

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from can_train.config.schema import TEACHER, DistillationConfig, RunConfig, TrainingConfig
from can_train.config.spec import Role, spec_of
from can_train.dataset.windows import StageInputs
from can_train.detectors.base import Detector, Extras
from can_train.detectors.scoring import SCORING_BATCH
from can_train.distil.agreement import Agreement
from can_train.distil.losses import LossTerms, alpha_in_epoch
from can_train.errors import ArtifactError, TrainingError
from can_train.graphs.batch import GraphBatch
from can_train.graphs.feed import GraphFeed

LARGEST_AUTOMATIC_BATCH: Final = 64
LEAST_STEPS_PER_EPOCH: Final = 50
SMALLEST_AUTOMATIC_BATCH: Final = 8
FINAL_LEARNING_RATE: Final = 0.05
"""Share of the peak learning rate that the cosine schedule ends with."""


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
    inputs: StageInputs
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
                f"{int(label.sum())} attack windows on side {side} of split "
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

    module: StageModule
    agreement: Agreement | None = None
    experts: Mapping[str, Detector] = field(default_factory=dict)
    extras: Extras = field(default_factory=dict)


EpochWindows = Callable[[int], NDArray[np.int64]]
"""Windows of an epoch, in training order; a pure function of the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the validation windows say about an epoch.

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


class _StepsFrom(Sampler[int]):
    """Steps of one epoch from `first` on; its length counts those before as well.

    Lightning compares the length with its own count of steps, which a resumed run restores.
    """

    def __init__(self, first: int, batches: Sized) -> None:
        self._first = first
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._first, len(self._batches)))


class StageModule(lightning.LightningModule):
    """What all stages share: seeding, optimiser, schedule, epoch means.

    Args:
        model: The network to train.
        training: Optimisation settings.
        seed: With epoch and step it decides every random number of that step.
    """

    batch_size: int
    """Windows per step."""

    distillation: DistillationConfig | None = None
    """How a teacher's signal joins the loss; None without a teacher."""

    def __init__(self, model: nn.Module, training: TrainingConfig, seed: int) -> None:
        super().__init__()
        self.model = model
        self.settings = training
        self.seed = seed
        self.train_means: dict[str, float] = {}
        self.judgement = Judgement(metrics={}, key=())
        self.steps_done = 0
        self._resumed_epoch = -1
        self._means = Means()

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
        """Seeds every generator from (seed, epoch, step), so that a resumed run repeats them.

        Per step and not per epoch, since a loader may draw from the global generator in between.
        """
        state = np.random.SeedSequence([self.seed, self.current_epoch, batch_idx])
        torch.manual_seed(int(state.generate_state(1)[0]))

    def close_epoch(self) -> None:
        """Turns the epoch's sums into `train_means`."""
        self.train_means = self._means.take()
        if self.distillation is not None:
            self.train_means["alpha"] = self.alpha
        self.steps_done = 0

    @property
    def alpha(self) -> float:
        """Weight of the teacher's signal in the current epoch."""
        if self.distillation is None:
            return 0.0
        return alpha_in_epoch(self.distillation, self.current_epoch)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the position inside the epoch: steps done, and their sums so far."""
        checkpoint["position"] = {
            "steps_done": self.steps_done,
            "sums": dict(self._means.sums),
            "weight": self._means.weight,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the position back; the first epoch's batches begin there."""
        position = checkpoint["position"]
        self.steps_done = position["steps_done"]
        self._resumed_epoch = checkpoint["epoch"]
        self._means = Means(sums=dict(position["sums"]), weight=position["weight"])

    def training_batches(self, batches: Dataset[Any]) -> DataLoader[Any]:
        """Loader of the current epoch's batches, without those that a resumed run has seen."""
        first = self.steps_done if self.current_epoch == self._resumed_epoch else 0
        steps = _StepsFrom(first, batches)  # type: ignore[arg-type]  # datasets of ours have a length
        return DataLoader(batches, batch_size=None, sampler=steps)

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
        return self.training_batches(_Batches(self._windows.feed, windows, self.batch_size))

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
