"""Terms of the VGAE's task loss with their gradients by hand: one node of autograd's graph.

A student's step is small: written out, the same terms are some seventy calls, there and back.
`errors.py:node_errors` has them per node, for scores; the tests compare both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

from can_train.detectors.vgae.errors import neighbour_targets
from can_train.detectors.vgae.network import VgaeOutput
from can_train.graphs.batch import ScaledGraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeLossWeights:
    """Weights of the VGAE's terms; that of the reconstruction is 1 for a whole batch."""

    id: float
    neighbour: float
    kl: float
    reconstruction: float = 1.0

    def scaled(self, of: Mapping[str, float]) -> VgaeLossWeights:
        """Each weight times a factor of its own, by name."""
        return VgaeLossWeights(
            id=self.id * of["id"],
            neighbour=self.neighbour * of["neighbour"],
            kl=self.kl * of["kl"],
            reconstruction=self.reconstruction * of["reconstruction"],
        )


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


def weighted_terms(
    output: VgaeOutput, batch: ScaledGraphs, weights: VgaeLossWeights
) -> tuple[Tensor, Tensor]:
    """The task loss, and its four unweighted terms without a gradient [4].

    In order: reconstruction, ID, neighbourhood, KL (see `losses.py:vgae_task_loss`).
    """
    total, terms = _Terms.apply(  # type: ignore[no-untyped-call]
        output.mu,
        output.logvar,
        output.reconstruction,
        output.id_logits,
        output.neighbour_logits,
        batch,
        weights,
    )
    return total, terms


class _Terms(Function):
    @staticmethod
    def forward(  # noqa: PLR0913 - what autograd hands over
        ctx: FunctionCtx,
        mu: Tensor,
        logvar: Tensor,
        reconstruction: Tensor,
        id_logits: Tensor,
        neighbour_logits: Tensor,
        batch: ScaledGraphs,
        weights: VgaeLossWeights,
    ) -> tuple[Tensor, Tensor]:
        square, of_reconstruction = _square(reconstruction - batch.x, weights.reconstruction)
        entropy, of_id = _cross_entropy(id_logits, batch.id_index, weights.id)
        neighbour, of_neighbour = _neighbours(neighbour_logits, batch, weights.neighbour)
        kl, of_mu, of_logvar = _kl(mu, logvar, weights.kl)
        ctx.save_for_backward(of_mu, of_logvar, of_reconstruction, of_id, of_neighbour)
        terms = torch.stack([square, entropy, neighbour, kl])
        ctx.mark_non_differentiable(terms)
        if weights.reconstruction != 1.0:
            square = weights.reconstruction * square
        total = square + weights.id * entropy + weights.neighbour * neighbour + weights.kl * kl
        return total, terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *(of_part * gradient for of_part in ctx.saved_tensors), None, None


def _square(difference: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """Mean square, and the gradient times `weight` in place of the difference."""
    flat, number = difference.view(-1), difference.numel()
    return torch.dot(flat, flat) / number, difference.mul_(2.0 * weight / number)


def _cross_entropy(logits: Tensor, index: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """Mean over nodes whose IDs are known, and the gradient times `weight`."""
    share = _share(index > 0, logits)
    column = (index - 1).clamp(min=0)[:, None]
    log_p = functional.log_softmax(logits, dim=1)
    loss = -torch.dot(log_p.gather(1, column).squeeze(1), share)
    less = torch.full_like(column, -1, dtype=log_p.dtype)
    return loss, log_p.exp_().scatter_add_(1, column, less).mul_((weight * share)[:, None])


def _neighbours(logits: Tensor, batch: ScaledGraphs, weight: float) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy, mean over IDs and nodes with known ones, and the gradient."""
    hot = neighbour_targets(batch, logits.shape[1] + 1)
    share = _share((batch.id_index > 0) & hot.any(dim=1), logits) / logits.shape[1]
    targets = hot.to(logits.dtype)
    of_node = (functional.softplus(logits) - logits * targets).sum(dim=1)
    pull = torch.sigmoid(logits).sub_(targets).mul_((weight * share)[:, None])
    return torch.dot(of_node, share), pull


def _kl(mu: Tensor, logvar: Tensor, weight: float) -> tuple[Tensor, Tensor, Tensor]:
    """Divergence from the standard normal, and the gradients of means and log-variances."""
    share = weight / mu.numel()
    return kl_divergence(mu, logvar), mu * share, logvar.exp().sub_(1.0).mul_(0.5 * share)


def _share(known: Tensor, like: Tensor) -> Tensor:
    """Weight of each node in a mean over the known ones [N]; 0 where none is."""
    return known.to(like.dtype) / known.sum().clamp(min=1)
