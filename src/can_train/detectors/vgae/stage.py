"""Trains a VGAE on benign windows, real and synthetic, with or without a teacher."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.config.schema import TrainingConfig
from can_train.dataset.windows import TRAINING, VALIDATION, DatasetWindows
from can_train.detectors.epochs import shuffled
from can_train.detectors.stage import GraphStage, Judgement, Means, StageWindows
from can_train.detectors.task import Prepared, StageTask
from can_train.detectors.vgae.losses import (
    COUNTED,
    counts,
    vgae_distillation_loss,
    vgae_task_loss,
)
from can_train.detectors.vgae.network import VGAE
from can_train.detectors.vgae.signal import LatentAgreement, VgaeTeacher
from can_train.detectors.vgae.spec import VgaeConfig
from can_train.detectors.vgae.terms import VgaeLossWeights
from can_train.distil.losses import with_teacher_signal
from can_train.graphs.batch import GraphBatch


def build(task: StageTask) -> Prepared:
    """The stage that `task` describes.

    Raises:
        ArtifactError: The teacher is of another model.
    """
    config, inputs, vgae = task.config, task.inputs, cast(VGAE, task.network)
    sizes = cast(VgaeConfig, config.architecture)
    windows = benign_windows(inputs, TRAINING)
    trained_on = StageWindows(
        feed=task.feed,
        epoch=shuffled(windows, config.seed),
        validation=benign_windows(inputs, VALIDATION),
    )
    weights = VgaeLossWeights(
        id=sizes.id_weight, neighbour=sizes.neighbour_weight, kl=sizes.kl_weight
    )
    teacher = agreement = None
    if config.distillation is not None:
        teacher = VgaeTeacher(
            task.teacher(), inputs, windows, config.distillation,
            channels=sizes.latent_channels, seed=config.seed,
        )  # fmt: skip
    module = VgaeStage(
        vgae,
        task.training_on(inputs.windows("train", benign=True)),
        config.seed,
        trained_on,
        weights=weights,
        teacher=teacher,
    )
    if teacher is not None:
        agreement = LatentAgreement(vgae, teacher.projection, task.feed, task.teacher(), inputs)
    return Prepared(module=module, agreement=agreement)


def benign_windows(inputs: DatasetWindows, sides: tuple[str, ...]) -> NDArray[np.int64]:
    """Benign windows of sides, but those right after an attack where a side has others."""
    calm = [inputs.undisturbed(side) for side in sides]
    found = [
        each if len(each) else inputs.windows(side, benign=True)
        for side, each in zip(sides, calm, strict=True)
    ]
    return np.sort(np.concatenate(found))


class VgaeStage(GraphStage):
    """Trains a VGAE on benign windows, optionally with a teacher's signal.

    Args:
        model: The VGAE.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        windows: What it trains on.
        weights: Weights of the loss terms.
        teacher: The teacher's signal, or None.
    """

    counted: ClassVar[tuple[str, ...]] = ("windows", *COUNTED)

    def __init__(
        self,
        model: VGAE,
        training: TrainingConfig,
        seed: int,
        windows: StageWindows,
        *,
        weights: VgaeLossWeights,
        teacher: VgaeTeacher | None,
    ) -> None:
        super().__init__(model, training, seed, windows)
        self._weights = weights
        self._validation_means = Means()
        self.teacher = teacher
        self.distillation = teacher.config if teacher else None
        self.projection = teacher.projection if teacher else None

    def training_step(self, batch: GraphBatch) -> Tensor:
        """Task loss from a latent sample; teacher signal from the latent means."""
        vgae, shares = cast(VGAE, self.model), None if self.shares is None else self.shares.of
        output = vgae(batch, noise=self._noise(batch))
        task = vgae_task_loss(output, batch, self._weights, shares)
        if self.teacher is None or self.projection is None:
            return self._record(task, batch.num_graphs)
        signal, config = self.teacher.signal(batch), self.teacher.config
        kd = vgae_distillation_loss(
            self.projection(output.mu),
            signal.mu,
            vgae.decode(output.mu),
            signal.reconstruction,
            latent_weight=config.latent_weight,
            reconstruction_weight=config.reconstruction_weight,
        )
        if shares is not None:
            kd = kd.scaled(shares["nodes"])
        return self._record(with_teacher_signal(task, kd, self.alpha), batch.num_graphs)

    def counts(self, batch: GraphBatch) -> tuple[int, ...]:
        """Windows, nodes, nodes with known IDs, and those of them next to a known ID."""
        return len(batch), *counts(batch)

    def _noise(self, batch: GraphBatch) -> Tensor | None:
        """This process's rows of the noise of the whole batch; None: it isn't shared."""
        if self.place is None or self.shares is None:
            return None
        windows, device = self.whole_batch(self._step), batch.x.device
        nodes = self.sizes_of(windows).nodes
        first = int(nodes[: self.place.part(len(windows)).start].sum())
        generator = torch.Generator(device).manual_seed(self._step_seed)
        shape = int(nodes.sum()), cast(VGAE, self.model).mean.out_features
        noise = torch.empty(shape, dtype=batch.x.dtype, device=device).normal_(generator=generator)
        return noise[first : first + len(batch.x)]

    def validation_step(self, batch: GraphBatch) -> None:
        """Adds a batch of benign validation windows."""
        task = vgae_task_loss(self.model(batch), batch, self._weights)
        self._validation_means.add(task.record(), batch.num_graphs)

    def judge(self) -> Judgement:
        """Judges the epoch by the benign validation loss."""
        loss = self._validation_means.take()["task"]
        return Judgement(metrics={"val_loss": loss}, key=(-loss,))
