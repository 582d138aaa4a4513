"""What a student GAT learns from its teacher, and how far it agrees with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import DistillationConfig
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.base import Detector
from can_train.detectors.frame_scorer import SCORING_BATCH
from can_train.detectors.gat.detector import attack_probability
from can_train.detectors.gat.network import GAT
from can_train.detectors.signal import WindowRows
from can_train.distil.agreement import MOST_WINDOWS, Agreement, evenly
from can_train.distil.losses import make_projection
from can_train.distil.outputs import teacher_outputs
from can_train.graphs.batch import GraphBatch
from can_train.graphs.feed import GraphFeed


@dataclass(frozen=True, slots=True, kw_only=True)
class GatSignal:
    """A teacher GAT's outputs for the windows of one batch.

    Attributes:
        logits: [B, 2], float32.
        embedding: Pooled embedding [B, D], float32; None where the student doesn't learn it.
    """

    logits: Tensor
    embedding: Tensor | None


class GatTeacher:
    """Logits of a teacher GAT, and its pooled embeddings where they have a weight.

    Args:
        teacher: The teacher; not kept.
        inputs: The student's data.
        windows: Windows that the student will train on.
        config: Temperature and weights.
        channels: Width of the student's pooled embedding.
        seed: Of the projection.
    """

    def __init__(
        self,
        teacher: Detector,
        inputs: DatasetWindows,
        windows: NDArray[np.int64],
        config: DistillationConfig,
        *,
        channels: int,
        seed: int,
    ) -> None:
        names = ("logits", "embedding") if config.feature_weight > 0 else ("logits",)
        arrays = teacher_outputs(teacher, inputs, windows, names).arrays
        self.config = config
        self._rows = WindowRows(inputs.store, windows)
        self._logits = arrays["logits"]
        self._embedding = arrays.get("embedding")
        self.projection: nn.Module | None = None
        if self._embedding is not None:
            self.projection = make_projection(channels, self._embedding.shape[1], seed)

    def signal(self, batch: GraphBatch) -> GatSignal:
        """The teacher's outputs for the windows of `batch`."""
        embedding = None
        if self._embedding is not None:
            embedding = self._rows.of_windows(self._embedding, batch)
        return GatSignal(logits=self._rows.of_windows(self._logits, batch), embedding=embedding)


class PredictionAgreement(Agreement):
    """Share of windows that both put into the same class, and how far p(attack) is apart.

    Args:
        student: The student's network.
        feed: What the student sees.
        teacher: The teacher; not kept.
        inputs: At most 1,000 of its validation windows are compared, evenly spread.
    """

    def __init__(
        self, student: GAT, feed: GraphFeed, teacher: Detector, inputs: DatasetWindows
    ) -> None:
        self._windows = evenly(inputs.windows("validation"), MOST_WINDOWS)
        self._student = student
        self._feed = feed
        logits = teacher_outputs(teacher, inputs, self._windows, ("logits",)).arrays["logits"]
        self._teacher_logits = torch.from_numpy(np.array(logits))

    @torch.no_grad()
    def figures(self, when: str) -> dict[str, float]:
        """`teacher_agreement` and `teacher_probability_difference` (mean absolute)."""
        gat = self._student
        training = gat.training
        gat.eval()
        batches = self._feed.batches(self._windows, SCORING_BATCH)
        logits = torch.cat([gat(batch).logits for batch in batches])
        gat.train(training)
        same = logits.argmax(dim=1) == self._teacher_logits.argmax(dim=1)
        apart = attack_probability(logits) - attack_probability(self._teacher_logits)
        return {
            f"teacher_agreement_{when}": float(same.double().mean()),
            f"teacher_probability_difference_{when}": float(apart.abs().mean()),
        }
