"""Trains a GAT to classify windows, with or without a curriculum and a teacher."""

from __future__ import annotations

from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from can_train.config.schema import CurriculumConfig, TrainingConfig
from can_train.dataset.windows import TRAINING, VALIDATION
from can_train.detectors.counts import scoring_batch
from can_train.detectors.curriculum import epoch_windows
from can_train.detectors.epochs import EpochWindows, repeated, shuffled
from can_train.detectors.gat.detector import attack_probability
from can_train.detectors.gat.losses import (
    gat_distillation_loss,
    gat_task_loss,
    with_feature_signal,
)
from can_train.detectors.gat.network import GAT
from can_train.detectors.gat.signal import GatTeacher, PredictionAgreement
from can_train.detectors.ranking import average_precision
from can_train.detectors.scoring import score_windows
from can_train.detectors.stage import GraphStage, Judgement, StageWindows
from can_train.detectors.task import Prepared, StageTask
from can_train.distil.losses import LossTerms, with_teacher_signal
from can_train.graphs.batch import GraphBatch

SHORT_ATTACK_FRAMES: Final = 3
"""Windows with no more attack frames come twice in an epoch: a flood fills a hundred windows in
seconds, and would outweigh attacks of single frames (docs/models/results.md)."""


def build(task: StageTask) -> Prepared:
    """The stage that `task` describes.

    Raises:
        ArtifactError: The teacher is of another model.
        TrainingError: A class of windows is missing.
    """
    config, inputs, gat = task.config, task.inputs, cast(GAT, task.network)
    windows = inputs.windows(*TRAINING)
    task.require_both_classes(
        f"a {config.model} needs benign and attack windows to train on", "train", windows
    )
    teacher = agreement = None
    if config.distillation is not None:
        teacher = GatTeacher(
            task.teacher(), inputs, windows, config.distillation,
            channels=gat.embedding_channels, seed=config.seed,
        )  # fmt: skip
    trained_on = StageWindows(
        feed=task.feed, epoch=_epochs(task, windows), validation=inputs.windows(*VALIDATION)
    )
    training = task.training_on(inputs.windows("train"))
    module = GatStage(gat, training, config.seed, trained_on, teacher=teacher)
    if config.distillation is not None:
        agreement = PredictionAgreement(gat, task.feed, task.teacher(), inputs)
    return Prepared(module=module, agreement=agreement)


class GatStage(GraphStage):
    """Trains a GAT to classify windows, optionally with a teacher's soft targets.

    Args:
        model: The GAT.
        training: Optimisation settings.
        seed: Decides every random number together with the epoch.
        windows: What it trains on.
        teacher: The teacher's signal, or None.
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
        self.validation_size = min(self.validation_size, scoring_batch([model]))
        self.teacher = teacher
        self.distillation = teacher.config if teacher else None
        self.projection = teacher.projection if teacher else None
        self._scores: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._losses: list[Tensor] = []

    def training_step(self, batch: GraphBatch) -> Tensor:
        """Cross-entropy, blended with the teacher's signal when there is one."""
        output = self.model(batch)
        task = gat_task_loss(output.logits, batch.y)
        if self.teacher is None:
            return self._of_windows(task, batch.num_graphs)
        signal, config = self.teacher.signal(batch), self.teacher.config
        kd = gat_distillation_loss(output.logits, signal.logits, config.temperature)
        if self.projection is not None and signal.embedding is not None:
            kd = with_feature_signal(
                kd, self.projection(output.embedding), signal.embedding, config.feature_weight
            )
        return self._of_windows(with_teacher_signal(task, kd, self.alpha), batch.num_graphs)

    def _of_windows(self, terms: LossTerms, windows: int) -> Tensor:
        """Takes in terms that are all means over the windows of a batch."""
        if self.shares is not None:
            terms = terms.scaled(self.shares.of["windows"])
        return self._record(terms, windows)

    def validation_step(self, batch: GraphBatch) -> None:
        """Collects scores of a batch of validation windows."""
        logits = self.model(batch).logits
        losses = functional.cross_entropy(logits.double(), batch.y, reduction="none")
        found = attack_probability(logits).cpu(), batch.y.cpu(), losses.cpu()
        # All or nothing: a batch for which memory ran out comes again.
        for mine, new in zip((self._scores, self._labels, self._losses), found, strict=True):
            mine.append(new)

    def judge(self) -> Judgement:
        """Judges by PR-AUC where both classes occur, then by loss."""
        score, label = torch.cat(self._scores).numpy(), torch.cat(self._labels).numpy()
        loss = float(torch.cat(self._losses).mean())
        self._scores, self._labels, self._losses = [], [], []
        if not np.isfinite(score).all():
            return Judgement(metrics={"val_loss": loss}, key=(float("nan"),))
        if not 0 < label.sum() < len(label):
            return Judgement(metrics={"val_loss": loss}, key=(-loss,))
        pr_auc = average_precision(label, score)
        metrics = {"val_pr_auc": pr_auc, "val_loss": loss}
        return Judgement(metrics=metrics, key=(round(pr_auc, 4), -loss))


def _epochs(task: StageTask, windows: NDArray[np.int64]) -> EpochWindows:
    """Windows of each epoch: all of them, or those that the curriculum releases."""
    store = task.inputs.store
    attack_frames = np.rint(store.attack_fraction[windows] * store.spec.window)
    short = windows[(attack_frames > 0) & (attack_frames <= SHORT_ATTACK_FRAMES)]
    return repeated(_released(task, windows), short, task.config.seed)


def _released(task: StageTask, windows: NDArray[np.int64]) -> EpochWindows:
    config, inputs = task.config, task.inputs
    if config.training_strategy != "curriculum":
        return shuffled(windows, config.seed)
    pacing = config.curriculum or CurriculumConfig()
    expert = task.expert("anomaly")
    difficulty = score_windows([expert], inputs.store, windows)[expert.config.model].score
    label = inputs.store.label[windows]
    return lambda epoch: windows[epoch_windows(label, difficulty, epoch, config.seed, pacing)]
