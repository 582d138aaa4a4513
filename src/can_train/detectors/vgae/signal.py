"""What a student VGAE learns from its teacher, and how far it agrees with it."""

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
from can_train.detectors.signal import WindowRows
from can_train.detectors.vgae.network import VGAE
from can_train.distil.agreement import (
    MOST_NODES,
    Agreement,
    evenly,
    linear_cka,
    mean_cosine,
)
from can_train.distil.losses import make_projection
from can_train.distil.outputs import teacher_outputs
from can_train.graphs.batch import GraphBatch
from can_train.graphs.feed import GraphFeed
from can_train.graphs.scaling import FeatureScaler


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeSignal:
    """A teacher VGAE's outputs for the nodes of one batch.

    Attributes:
        mu: Latent means [N, L_teacher], float32.
        reconstruction: Node features from those means, in the student's scaling [N, F], float32.
    """

    mu: Tensor
    reconstruction: Tensor


class VgaeTeacher:
    """Latent means and reconstructions of a teacher VGAE.

    Args:
        teacher: The teacher; not kept.
        inputs: The student's data.
        windows: Windows that the student will train on.
        config: Weights of the two signals.
        channels: Latent width of the student.
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
        arrays = teacher_outputs(teacher, inputs, windows, ("mu", "reconstruction")).arrays
        self.config = config
        self._rows = WindowRows(inputs.store, windows)
        self._mu, self._reconstruction = arrays["mu"], arrays["reconstruction"]
        self._source, self._target = teacher.scaler, inputs.scaler
        self.projection: nn.Module = make_projection(channels, self._mu.shape[1], seed)

    def signal(self, batch: GraphBatch) -> VgaeSignal:
        """The teacher's outputs for the nodes of `batch`, in the batch's node order."""
        reconstruction = self._rows.of_nodes(self._reconstruction, batch).cpu()
        return VgaeSignal(
            mu=self._rows.of_nodes(self._mu, batch),
            reconstruction=_rescaled(reconstruction, self._source, self._target).to(batch.x.device),
        )


class LatentAgreement(Agreement):
    """CKA of the latent means of nodes, and their cosine after the projection.

    Args:
        student: The student's network.
        projection: From its latent to the teacher's.
        feed: What the student sees.
        teacher: The teacher; not kept.
        inputs: Its benign validation windows are compared, thinned to some 5,000 nodes.
    """

    def __init__(
        self,
        student: VGAE,
        projection: nn.Module,
        feed: GraphFeed,
        teacher: Detector,
        inputs: DatasetWindows,
    ) -> None:
        windows = inputs.windows("validation", benign=True)
        ptr = inputs.store.node_ptr
        nodes = int((ptr[windows + 1] - ptr[windows]).sum())
        self._windows = evenly(windows, max(1, len(windows) * MOST_NODES // max(nodes, MOST_NODES)))
        self._student = student
        self._projection = projection
        self._feed = feed
        mu = teacher_outputs(teacher, inputs, self._windows, ("mu",)).arrays["mu"]
        self._teacher_mu = torch.from_numpy(np.array(mu))

    @torch.no_grad()
    def figures(self, when: str) -> dict[str, float]:
        """`latent_cka` and `latent_cosine`; encoding draws no random numbers."""
        student = self._student
        training = student.training
        student.eval()
        batches = self._feed.batches(self._windows, SCORING_BATCH)
        mu = torch.cat([student.encode(batch)[0] for batch in batches])
        student.train(training)
        return {
            f"latent_cka_{when}": linear_cka(mu, self._teacher_mu),
            f"latent_cosine_{when}": mean_cosine(self._projection(mu), self._teacher_mu),
        }


def _rescaled(x: Tensor, source: FeatureScaler, target: FeatureScaler) -> Tensor:
    """Node features in the scaling of `source`, expressed in the scaling of `target`."""
    raw = x * torch.from_numpy(source.node_scale) + torch.from_numpy(source.node_mean)
    return (raw - torch.from_numpy(target.node_mean)) / torch.from_numpy(target.node_scale)
