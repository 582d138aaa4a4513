"""Task losses as named terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor
from torch.nn import functional

from can_train.detectors.vgae.errors import node_errors
from can_train.detectors.vgae.network import VgaeOutput
from can_train.graphs.batch import GraphBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerms:
    """One step's loss and what it is made of; every term is a scalar tensor.

    Attributes:
        total: What is minimised.
        task: The task's own loss; the same tensor as `total` when nothing is distilled.
        kd: The teacher's signal, unweighted; None without distillation.
        parts: Unweighted terms that make up `task` and `kd`.
    """

    total: Tensor
    task: Tensor
    kd: Tensor | None = None
    parts: Mapping[str, Tensor] = field(default_factory=dict)

    def record(self) -> dict[str, float]:
        """The terms for the log, as 64-bit floats: total, task, kd (if any), then the parts."""
        terms = {"total": self.total, "task": self.task}
        if self.kd is not None:
            terms["kd"] = self.kd
        return {name: float(term.detach()) for name, term in {**terms, **self.parts}.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeLossWeights:
    """Weights of the VGAE's terms beside the reconstruction, whose weight is 1."""

    id: float
    neighbour: float
    kl: float


def gat_task_loss(logits: Tensor, y: Tensor) -> LossTerms:
    """Cross-entropy of the windows' labels, mean over the batch.

    Args:
        logits: [B, 2], float32.
        y: Labels [B], int64; 0 benign, 1 attack.
    """
    loss = functional.cross_entropy(logits, y)
    return LossTerms(total=loss, task=loss)


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""KL of the latent's Gaussian from the standard normal, mean over nodes and channels.

    .. math:: -\tfrac12 \, \mathrm{mean}(1 + \log\sigma^2 - \mu^2 - \sigma^2)

    Kingma & Welling, "Auto-Encoding Variational Bayes", 2014, appendix B. The mean over the
    channels, not their sum, keeps its weight comparable between latents of different width.

    Args:
        mu: Means [N, L].
        logvar: Log-variances [N, L].
    """
    return -0.5 * (1.0 + logvar - mu.square() - logvar.exp()).mean()


def vgae_task_loss(output: VgaeOutput, batch: GraphBatch, weights: VgaeLossWeights) -> LossTerms:
    """Reconstruction + weighted ID, neighbourhood and KL terms.

    Args:
        output: Of the VGAE in training mode.
        batch: The benign windows it was computed from.
        weights: Weights of the three terms beside the reconstruction.

    Returns:
        Parts `reconstruction` (mean over nodes and features), `id` and `neighbour` (mean over the
        nodes whose IDs are known, 0 when none is), `kl`.
    """
    errors = node_errors(output, batch)
    parts = {
        "reconstruction": errors.reconstruction.mean(),
        "id": _mean_of_known(errors.id, errors.id_known),
        "neighbour": _mean_of_known(errors.neighbour, errors.neighbour_known),
        "kl": kl_divergence(output.mu, output.logvar),
    }
    total = (
        parts["reconstruction"]
        + weights.id * parts["id"]
        + weights.neighbour * parts["neighbour"]
        + weights.kl * parts["kl"]
    )
    return LossTerms(total=total, task=total, parts=parts)


def _mean_of_known(error: Tensor, known: Tensor) -> Tensor:
    """Mean over the known entries; `error` is 0 at the others."""
    return error.sum() / known.sum().clamp(min=1)
