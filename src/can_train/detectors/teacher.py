"""A teacher's signal for the windows of a stage, from its stored outputs.

The teacher itself isn't here: it is never part of the student's module, optimiser or file, and its
memory is free while the student trains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import DistillationConfig
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.base import Artifact
from can_train.distil.losses import make_projection
from can_train.distil.outputs import teacher_outputs
from can_train.errors import ArtifactError
from can_train.graphs.batch import GraphBatch
from can_train.graphs.scaling import FeatureScaler
from can_train.graphs.store import rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class GatSignal:
    """A teacher GAT's outputs for the windows of one batch.

    Attributes:
        logits: [B, 2], float32.
        embedding: Pooled embedding [B, D], float32; None where the student doesn't learn it.
    """

    logits: Tensor
    embedding: Tensor | None


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
    """Logits of a teacher GAT, and its pooled embeddings where they have a weight.

    Args:
        artifact: The teacher; not kept.
        inputs: The student's data.
        windows: Windows that the student will train on.
        config: Temperature and weights.
        student: Width of the student's pooled embedding, and the seed of the projection.

    Raises:
        ArtifactError: The teacher isn't a GAT.
    """

    def __init__(
        self,
        artifact: Artifact,
        inputs: DatasetWindows,
        windows: NDArray[np.int64],
        config: DistillationConfig,
        *,
        student: tuple[int, int],
    ) -> None:
        _check_model(artifact, "gat")
        names = ("logits", "embedding") if config.feature_weight > 0 else ("logits",)
        arrays = teacher_outputs(artifact, inputs, windows, names).arrays
        self.config = config
        self._row = _row_of_window(len(inputs.store), windows)
        self._logits = arrays["logits"]
        self._embedding = arrays.get("embedding")
        self.projection: nn.Module | None = None
        if self._embedding is not None:
            width, seed = student
            self.projection = make_projection(width, self._embedding.shape[1], seed)

    def signal(self, batch: GraphBatch) -> GatSignal:
        """The teacher's outputs for the windows of `batch`."""
        rows = self._row[batch.window.cpu().numpy()]
        device = batch.x.device
        embedding = None if self._embedding is None else _taken(self._embedding, rows, device)
        return GatSignal(logits=_taken(self._logits, rows, device), embedding=embedding)


class VgaeTeacher:
    """Latent means and reconstructions of a teacher VGAE.

    Args:
        artifact: The teacher; not kept.
        inputs: The student's data.
        windows: Windows that the student will train on.
        config: Weights of the two signals.
        student: Latent width of the student, and the seed of the projection.

    Raises:
        ArtifactError: The teacher isn't a VGAE.
    """

    def __init__(
        self,
        artifact: Artifact,
        inputs: DatasetWindows,
        windows: NDArray[np.int64],
        config: DistillationConfig,
        *,
        student: tuple[int, int],
    ) -> None:
        _check_model(artifact, "vgae")
        arrays = teacher_outputs(artifact, inputs, windows, ("mu", "reconstruction")).arrays
        store = inputs.store
        self.config = config
        self._row = _row_of_window(len(store), windows)
        counts = store.node_ptr[windows + 1] - store.node_ptr[windows]
        self._ptr = np.concatenate([[0], np.cumsum(counts)])
        self._mu, self._reconstruction = arrays["mu"], arrays["reconstruction"]
        self._scalers = (artifact.scaler, inputs.scaler)
        width, seed = student
        self.projection: nn.Module = make_projection(width, self._mu.shape[1], seed)

    def signal(self, batch: GraphBatch) -> VgaeSignal:
        """The teacher's outputs for the nodes of `batch`, in the batch's node order."""
        rows = rows_of(self._ptr, self._row[batch.window.cpu().numpy()])
        reconstruction = _taken(self._reconstruction, rows, torch.device("cpu"))
        device = batch.x.device
        return VgaeSignal(
            mu=_taken(self._mu, rows, device),
            reconstruction=_rescaled(reconstruction, *self._scalers).to(device),
        )


def _check_model(artifact: Artifact, model: str) -> None:
    if artifact.config.model != model:
        raise ArtifactError(
            f"teacher of a {model} stage must be a {model}, not a {artifact.config.model}"
        )


def _row_of_window(total: int, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of each window among `windows`; far outside for windows without a teacher signal."""
    row = np.full(total, total + 1)
    row[windows] = np.arange(len(windows))
    return row


def _taken(array: NDArray[np.float32], rows: NDArray[np.int64], device: torch.device) -> Tensor:
    """Rows of a memory-mapped array as a tensor of their own."""
    return torch.from_numpy(np.asarray(array[rows])).to(device)


def _rescaled(x: Tensor, source: FeatureScaler, target: FeatureScaler) -> Tensor:
    """Node features in the scaling of `source`, expressed in the scaling of `target`."""
    raw = x * torch.from_numpy(source.node_scale) + torch.from_numpy(source.node_mean)
    return (raw - torch.from_numpy(target.node_mean)) / torch.from_numpy(target.node_scale)
