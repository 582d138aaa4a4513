"""Scores of windows by trained models, and the state that the fusion agent sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.detectors.base import ACTIONS, Artifact
from can_train.detectors.calibration import EmpiricalCdf
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.gat.network import GAT
from can_train.detectors.vgae.errors import window_errors
from can_train.detectors.vgae.network import VGAE
from can_train.graphs.batch import GraphBatch
from can_train.graphs.feed import GraphFeed
from can_train.graphs.store import GraphStore

SCORING_BATCH: Final = 256
"""Windows per forward pass when scoring; changes memory and speed only."""

ALPHAS: Final = np.linspace(0.0, 1.0, ACTIONS)
"""Fusion weights 0, 0.05, ... 1 that the agent chooses from."""

STATE_LIMIT: Final = 5.0
"""Standardised state numbers are clipped here: far outside, the agent knows nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeScores:
    """What a VGAE says about B windows.

    Attributes:
        errors: Columns `vgae_errors.WINDOW_ERRORS` [B, 4], float64.
        error: The errors as one number, see `combined_error` [B], float64.
        anomaly: Benign-validation CDF of `error` [B], float64 in (0, 1).
        latent: Mean, std, max and min of the latent means over a window's nodes [B, 4].
    """

    errors: NDArray[np.float64]
    error: NDArray[np.float64]
    anomaly: NDArray[np.float64]
    latent: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatScores:
    """What a GAT says about B windows.

    Attributes:
        p_attack: Probability of the attack class [B], float64 (computed in float64, so that
            confident windows still rank).
        embedding: Mean, std, max and min of the pooled embedding [B, 4], float64.
    """

    p_attack: NDArray[np.float64]
    embedding: NDArray[np.float64]


def combined_error(errors: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the error columns, each in units of its benign-validation mean.

    Args:
        errors: [B, 4].
        scale: Benign-validation mean of each column [4].
    """
    total: NDArray[np.float64] = (errors / scale).sum(axis=1)
    return total


def feed_of(artifact: Artifact, store: GraphStore) -> GraphFeed:
    """Feed of `store` with the scaler and vocabulary that belong to `artifact`."""
    return GraphFeed(store, scaler=artifact.scaler, vocabulary=artifact.vocabulary)


@torch.no_grad()
def vgae_window_errors(
    model: VGAE, feed: GraphFeed, windows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors [B, 4] and latent statistics [B, 4] of `windows`, from the latent means."""
    model.eval()
    device = next(model.parameters()).device
    errors, latents = [], []
    for batch in feed.batches(windows, SCORING_BATCH):
        moved = batch.to(device)
        output = model(moved)
        errors.append(window_errors(output, moved).double().cpu())
        latents.append(_node_statistics(output.mu.double(), moved).cpu())
    return torch.cat(errors).numpy(), torch.cat(latents).numpy()


def score_vgae(artifact: Artifact, store: GraphStore, windows: NDArray[np.int64]) -> VgaeScores:
    """Scores `windows` of `store` with a trained VGAE."""
    model = artifact.model
    if not isinstance(model, VGAE):
        raise TypeError(f"expected a VGAE, got {type(model).__name__}")
    errors, latent = vgae_window_errors(model, feed_of(artifact, store), windows)
    error = combined_error(errors, artifact.extras["error_scale"])
    return VgaeScores(errors=errors, error=error, anomaly=artifact.cdf(error), latent=latent)


@torch.no_grad()
def score_gat(artifact: Artifact, store: GraphStore, windows: NDArray[np.int64]) -> GatScores:
    """Scores `windows` of `store` with a trained GAT."""
    model = artifact.model
    if not isinstance(model, GAT):
        raise TypeError(f"expected a GAT, got {type(model).__name__}")
    model.eval()
    probabilities, embeddings = [], []
    for batch in feed_of(artifact, store).batches(windows, SCORING_BATCH):
        output = model(batch)
        probabilities.append(attack_probability(output.logits))
        z = output.embedding.double()
        embeddings.append(torch.stack([z.mean(1), z.std(1), z.amax(1), z.amin(1)], dim=1))
    return GatScores(
        p_attack=torch.cat(probabilities).numpy(), embedding=torch.cat(embeddings).numpy()
    )


def attack_probability(logits: Tensor) -> Tensor:
    """p(attack) [B], float64, of logits [B, 2]; sigmoid of their difference."""
    logits = logits.double()
    return torch.sigmoid(logits[:, 1] - logits[:, 0])


def fusion_states(vgae: VgaeScores, gat: GatScores) -> NDArray[np.float64]:
    """The 15 numbers that the fusion agent sees of each window [B, 15], float64.

    VGAE: log of three errors (reconstruction, ID, neighbourhood), latent mean, std, max, min,
    confidence |2a - 1|; GAT: two probabilities, embedding mean, std, max, min, confidence
    |2p - 1|.
    """
    p = gat.p_attack
    columns = [
        np.log(vgae.errors[:, [0, 2, 3]] + 1e-6),
        vgae.latent,
        np.abs(2.0 * vgae.anomaly - 1.0)[:, None],
        np.stack([1.0 - p, p], axis=1),
        gat.embedding,
        np.abs(2.0 * p - 1.0)[:, None],
    ]
    return np.concatenate(columns, axis=1)


def standardised_states(
    states: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]
) -> Tensor:
    """States [B, 15] as the Q-network's float32 input, clipped at +-5 standard deviations."""
    z = np.clip((states - mean) / scale, -STATE_LIMIT, STATE_LIMIT)
    return torch.from_numpy(z.astype(np.float32))


@torch.no_grad()
def score_fusion(artifact: Artifact, vgae: VgaeScores, gat: GatScores) -> NDArray[np.float64]:
    """Fused scores [B], float64: (1 - alpha) * anomaly + alpha * p(attack), alpha by the agent."""
    model = artifact.model
    if not isinstance(model, QNetwork):
        raise TypeError(f"expected a QNetwork, got {type(model).__name__}")
    model.eval()
    states = standardised_states(
        fusion_states(vgae, gat), artifact.extras["state_mean"], artifact.extras["state_scale"]
    )
    alpha = ALPHAS[model(states).argmax(dim=1).numpy()]
    fused: NDArray[np.float64] = (1.0 - alpha) * vgae.anomaly + alpha * gat.p_attack
    return fused


def vgae_calibration(
    errors: NDArray[np.float64],
) -> tuple[NDArray[np.float64], EmpiricalCdf]:
    """Scale of the error columns and CDF of the combined error, from benign validation windows.

    Args:
        errors: Errors of the benign validation windows [B, 4].
    """
    scale = np.maximum(errors.mean(axis=0), 1e-9)
    return scale, EmpiricalCdf.fit(combined_error(errors, scale))


def _node_statistics(values: Tensor, batch: GraphBatch) -> Tensor:
    """Mean, std, max and min of node values [N, L] over nodes and columns per window [B, 4]."""
    index, size = batch.batch, batch.num_graphs
    channels = values.size(1)
    count = torch.zeros(size, dtype=values.dtype, device=values.device)
    count.index_add_(0, index, torch.full_like(values[:, 0], channels))
    total = torch.zeros_like(count).index_add_(0, index, values.sum(1))
    squares = torch.zeros_like(count).index_add_(0, index, values.square().sum(1))
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    highest = torch.full_like(count, -torch.inf)
    highest = highest.scatter_reduce_(0, index, values.amax(1), "amax")
    lowest = torch.full_like(count, torch.inf).scatter_reduce_(0, index, values.amin(1), "amin")
    return torch.stack([mean, std, highest, lowest], dim=1)
