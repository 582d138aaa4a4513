"""A teacher's outputs for the windows of one stage, computed once before training.

The teacher sees the windows through its own vocabulary and scaler, in eval mode and without
gradients. Only its outputs stay: it is never part of the student's module, optimiser or file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import DistillationConfig
from can_train.data.normalise import FeatureScaler
from can_train.data.store import GraphStore, rows_of
from can_train.errors import ArtifactError
from can_train.evaluation.scoring import SCORING_BATCH, feed_of
from can_train.models.batch import GraphBatch
from can_train.models.gat import GAT
from can_train.models.vgae import VGAE
from can_train.runs.checkpoint import Artifact
from can_train.training.distillation import make_projection


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeSignal:
    """A teacher VGAE's outputs for the nodes of one batch.

    Attributes:
        mu: Latent means [N, L_teacher], float32.
        reconstruction: Node features from those means, in the student's scaling [N, F], float32.
    """

    mu: Tensor
    reconstruction: Tensor


class GatTeacher:
    """Logits of a teacher GAT for the training windows.

    Args:
        artifact: The teacher.
        store: Graphs of the training recordings.
        windows: Windows that the student will train on.
        config: Temperature and weight.

    Raises:
        ArtifactError: The teacher isn't a GAT.
    """

    def __init__(
        self,
        artifact: Artifact,
        store: GraphStore,
        windows: NDArray[np.int64],
        config: DistillationConfig,
    ) -> None:
        model = artifact.model
        if not isinstance(model, GAT):
            raise ArtifactError(
                f"teacher of a gat stage must be a gat, not {artifact.config.model}"
            )
        self.config = config
        self._row = _row_of_window(len(store), windows)
        with torch.no_grad():
            model.eval()
            feed = feed_of(artifact, store)
            parts = [model(b).logits for b in feed.batches(windows, SCORING_BATCH)]
        self._logits = torch.cat(parts)

    def signal(self, batch: GraphBatch) -> Tensor:
        """Teacher logits [B, 2] for the windows of `batch`."""
        return self._logits[self._row[batch.window.cpu()]].to(batch.x.device)


class VgaeTeacher:
    """Latent means and reconstructions of a teacher VGAE for the training windows.

    Args:
        artifact: The teacher.
        store: Graphs of the training recordings.
        windows: Windows that the student will train on.
        config: Weights of the two signals.
        student: Latent width and scaler of the student, and the seed of the projection.

    Raises:
        ArtifactError: The teacher isn't a VGAE.
    """

    def __init__(
        self,
        artifact: Artifact,
        store: GraphStore,
        windows: NDArray[np.int64],
        config: DistillationConfig,
        *,
        student: tuple[int, FeatureScaler, int],
    ) -> None:
        model = artifact.model
        if not isinstance(model, VGAE):
            raise ArtifactError(
                f"teacher of a vgae stage must be a vgae, not {artifact.config.model}"
            )
        latent, scaler, seed = student
        self.config = config
        self._row = _row_of_window(len(store), windows)
        self._ptr = np.concatenate(
            [[0], np.cumsum(store.node_ptr[windows + 1] - store.node_ptr[windows])]
        )
        with torch.no_grad():
            model.eval()
            batches = feed_of(artifact, store).batches(windows, SCORING_BATCH)
            self._mu = torch.cat([model.encode(batch)[0] for batch in batches])
            reconstruction = torch.cat([model.decode(mu) for mu in torch.split(self._mu, 1 << 16)])
        self._reconstruction = _rescaled(reconstruction, artifact.scaler, scaler)
        self.projection: nn.Module = make_projection(latent, self._mu.shape[1], seed)

    def signal(self, batch: GraphBatch) -> VgaeSignal:
        """The teacher's outputs for the nodes of `batch`, in the batch's node order."""
        rows = rows_of(self._ptr, self._row[batch.window.cpu()].numpy())
        index = torch.from_numpy(rows)
        device = batch.x.device
        return VgaeSignal(
            mu=self._mu[index].to(device), reconstruction=self._reconstruction[index].to(device)
        )


def _row_of_window(total: int, windows: NDArray[np.int64]) -> Tensor:
    """Row of each window among `windows`; -1 for windows without a teacher signal."""
    row = torch.full((total,), -1, dtype=torch.int64)
    row[torch.from_numpy(windows)] = torch.arange(len(windows))
    return row


def _rescaled(x: Tensor, source: FeatureScaler, target: FeatureScaler) -> Tensor:
    """Node features in the scaling of `source`, expressed in the scaling of `target`."""
    raw = x * torch.from_numpy(source.node_scale) + torch.from_numpy(source.node_mean)
    return (raw - torch.from_numpy(target.node_mean)) / torch.from_numpy(target.node_scale)
