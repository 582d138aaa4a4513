"""How far a student agrees with its teacher on validation windows; evidence, never a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from can_train.dataset.windows import DatasetWindows
from can_train.detectors.base import Artifact
from can_train.detectors.graph_stages import GatStage, VgaeStage
from can_train.detectors.scoring import SCORING_BATCH, attack_probability
from can_train.distil.outputs import teacher_outputs
from can_train.graphs.feed import GraphFeed

MOST_NODES: Final = 5_000
"""Nodes on which latents are compared: enough for two digits of a CKA at little cost."""

MOST_WINDOWS: Final = 1_000
"""Windows on which predictions are compared."""


def linear_cka(x: Tensor, y: Tensor) -> float:
    r"""Linear centred kernel alignment of two representations of the same N things.

    .. math:: \frac{\lVert Y^T X \rVert_F^2}{\lVert X^T X \rVert_F \lVert Y^T Y \rVert_F}

    with centred columns. Kornblith et al., "Similarity of Neural Network Representations
    Revisited", ICML 2019, section 3. 1 for representations that differ by a rotation, a
    reflection, a shift and a scale; they may differ in width.

    Args:
        x: [N, A].
        y: [N, B].

    Returns:
        0 to 1, computed in float64; NaN where either is constant.
    """
    x = x.double() - x.double().mean(dim=0)
    y = y.double() - y.double().mean(dim=0)
    cross = (y.T @ x).square().sum()
    own = torch.linalg.norm(x.T @ x) * torch.linalg.norm(y.T @ y)
    return float(cross / own)


def mean_cosine(x: Tensor, y: Tensor) -> float:
    """Cosine of the angle between the rows of x and y [N, A], mean over rows, in float64."""
    return float(functional.cosine_similarity(x.double(), y.double(), dim=1).mean())


def evenly(windows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most `most` of `windows`, evenly spread, first and last included."""
    if len(windows) <= most:
        return windows
    return windows[np.linspace(0, len(windows) - 1, most).round().astype(np.int64)]


class Agreement(ABC):
    """Compares a student, as it is when asked, with its teacher's stored outputs."""

    @abstractmethod
    def figures(self, when: str) -> dict[str, float]:
        """Named figures; `when` (before, after) ends each name."""


class LatentAgreement(Agreement):
    """CKA of the latent means of nodes, and their cosine after the projection.

    Args:
        stage: The student VGAE.
        teacher: The teacher; not kept.
        inputs: Its benign validation windows are compared, thinned to some 5,000 nodes.
    """

    def __init__(self, stage: VgaeStage, teacher: Artifact, inputs: DatasetWindows) -> None:
        windows = inputs.windows("validation", benign=True)
        ptr = inputs.store.node_ptr
        nodes = int((ptr[windows + 1] - ptr[windows]).sum())
        self._windows = evenly(windows, max(1, len(windows) * MOST_NODES // max(nodes, MOST_NODES)))
        self._stage = stage
        self._feed = _feed(inputs)
        mu = teacher_outputs(teacher, inputs, self._windows, ("mu",)).arrays["mu"]
        self._teacher_mu = torch.from_numpy(np.array(mu))

    @torch.no_grad()
    def figures(self, when: str) -> dict[str, float]:
        """`latent_cka` and `latent_cosine`; encoding draws no random numbers."""
        stage = self._stage
        training = stage.vgae.training
        stage.vgae.eval()
        batches = self._feed.batches(self._windows, SCORING_BATCH)
        mu = torch.cat([stage.vgae.encode(batch)[0] for batch in batches])
        stage.vgae.train(training)
        projected = mu if stage.projection is None else stage.projection(mu)
        return {
            f"latent_cka_{when}": linear_cka(mu, self._teacher_mu),
            f"latent_cosine_{when}": mean_cosine(projected, self._teacher_mu),
        }


class PredictionAgreement(Agreement):
    """Share of windows that both put into the same class, and how far p(attack) is apart.

    Args:
        stage: The student GAT.
        teacher: The teacher; not kept.
        inputs: At most 1,000 of its validation windows are compared, evenly spread.
    """

    def __init__(self, stage: GatStage, teacher: Artifact, inputs: DatasetWindows) -> None:
        self._windows = evenly(inputs.windows("validation"), MOST_WINDOWS)
        self._stage = stage
        self._feed = _feed(inputs)
        logits = teacher_outputs(teacher, inputs, self._windows, ("logits",)).arrays["logits"]
        self._teacher_logits = torch.from_numpy(np.array(logits))

    @torch.no_grad()
    def figures(self, when: str) -> dict[str, float]:
        """`teacher_agreement` and `teacher_probability_difference` (mean absolute)."""
        gat = self._stage.gat
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


def _feed(inputs: DatasetWindows) -> GraphFeed:
    """What the student sees."""
    return GraphFeed(inputs.store, scaler=inputs.scaler, vocabulary=inputs.vocabulary)
