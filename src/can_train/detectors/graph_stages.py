"""The stages that train on window graphs: VGAE and GAT, each with or without a teacher."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn import functional

from can_train.config.schema import TrainingConfig, VgaeConfig
from can_train.detectors.gat.network import GAT
from can_train.detectors.losses import VgaeLossWeights, gat_task_loss, vgae_task_loss
from can_train.detectors.scoring import attack_probability
from can_train.detectors.stage import GraphStage, Means, StageWindows, Validation
from can_train.detectors.teacher import GatTeacher, VgaeTeacher
from can_train.detectors.vgae.network import VGAE
from can_train.distil.losses import (
    gat_distillation_loss,
    vgae_distillation_loss,
    with_feature_signal,
    with_teacher_signal,
)
from can_train.graphs.batch import GraphBatch


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
        self._validation_means = Means()
        self.teacher = teacher
        self.distillation = teacher.config if teacher else None
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
        return self._record(with_teacher_signal(task, kd, self.alpha), batch.num_graphs)

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
        self.distillation = teacher.config if teacher else None
        self.projection = teacher.projection if teacher else None
        self._scores: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._losses: list[Tensor] = []

    def training_step(self, batch: GraphBatch) -> Tensor:
        """Cross-entropy, blended with the teacher's signal when there is one."""
        output = self.gat(batch)
        task = gat_task_loss(output.logits, batch.y)
        if self.teacher is None:
            return self._record(task, batch.num_graphs)
        signal, config = self.teacher.signal(batch), self.teacher.config
        kd = gat_distillation_loss(output.logits, signal.logits, config.temperature)
        if self.projection is not None and signal.embedding is not None:
            kd = with_feature_signal(
                kd, self.projection(output.embedding), signal.embedding, config.feature_weight
            )
        return self._record(with_teacher_signal(task, kd, self.alpha), batch.num_graphs)

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
