"""Terms of the VGAE's task loss with their gradients by hand: one node of autograd's graph.

A student's step is small: written out, the same terms are some seventy calls, there and back.
`errors.py:node_errors` has them per node; the tests compare both. On a CPU the loops
are compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from can_train.detectors.kernels.vgae_terms import (
    beside,
    divergence,
    neighbour_ids,
    own_ids,
    squares,
)
from can_train.detectors.vgae.errors import node_errors
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
    if batch.x.is_cuda:
        return _weighted_plainly(output, batch, weights)
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


def plain_terms(output: VgaeOutput, batch: ScaledGraphs) -> Tensor:
    """The four unweighted terms by torch's own operations, on any device [4]."""
    errors = node_errors(output, batch)
    return torch.stack(
        [
            errors.reconstruction.mean(),
            errors.id.sum() / errors.id_known.sum().clamp(min=1),
            errors.neighbour.sum() / errors.neighbour_known.sum().clamp(min=1),
            kl_divergence(output.mu, output.logvar),
        ]
    )


def _weighted_plainly(
    output: VgaeOutput, batch: ScaledGraphs, weights: VgaeLossWeights
) -> tuple[Tensor, Tensor]:
    terms = plain_terms(output, batch)
    return torch.dot(terms, terms.new_tensor(_as_list(weights))), terms.detach()


def _as_list(weights: VgaeLossWeights) -> list[float]:
    """Weights in the order of the terms."""
    return [weights.reconstruction, weights.id, weights.neighbour, weights.kl]


class _Terms(Function):
    """Terms and gradients by compiled loops."""

    @staticmethod
    def forward(  # noqa: PLR0913 - what autograd hands over
        ctx: FunctionCtx,
        mu: Tensor,
        logvar: Tensor,
        reconstruction: Tensor,
        id_logits: Tensor | None,
        neighbour_logits: Tensor | None,
        batch: ScaledGraphs,
        weights: VgaeLossWeights,
    ) -> tuple[Tensor, Tensor]:
        given = [part.contiguous() for part in (mu, logvar, reconstruction)]
        pulls = [torch.empty_like(part) for part in given]
        means, spreads, features = (part.detach().numpy() for part in given)
        of_mu, of_logvar, of_features = (pull.numpy() for pull in pulls)
        of_own = of_near = None
        of_ids = (0.0, 0.0)
        if id_logits is not None and neighbour_logits is not None:
            of_own, of_near = torch.empty_like(id_logits), torch.empty_like(neighbour_logits)
            of_ids = _of_ids((id_logits, neighbour_logits), (of_own, of_near), batch, weights)
        found = [
            squares(features, batch.x.numpy(), weights.reconstruction, of_features),
            *of_ids,
            divergence(means, spreads, weights.kl, (of_mu, of_logvar)),
        ]
        ctx.save_for_backward(*pulls, of_own, of_near)  # type: ignore[arg-type]  # None: no heads
        terms = torch.tensor(found, dtype=mu.dtype)
        ctx.mark_non_differentiable(terms)
        total = sum(w * term for w, term in zip(_as_list(weights), found, strict=True))
        return torch.tensor(total, dtype=mu.dtype), terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        if gradient.item() == 1.0:
            return *ctx.saved_tensors, None, None
        scaled = (None if part is None else part * gradient for part in ctx.saved_tensors)
        return *scaled, None, None


def _of_ids(
    logits: tuple[Tensor, Tensor],
    pulls: tuple[Tensor, Tensor],
    batch: ScaledGraphs,
    weights: VgaeLossWeights,
) -> tuple[float, float]:
    """Terms of ID and neighbourhood; fills their gradients."""
    own, near = (part.detach().contiguous().numpy() for part in logits)
    of_own, of_near = (pull.numpy() for pull in pulls)
    index = batch.id_index.numpy()
    hot, some = beside(batch.edge_index.numpy(), index, near.shape[1])
    of_neighbours = neighbour_ids(near, hot, some, weights.neighbour, of_near)
    return own_ids(own, index, weights.id, of_own), of_neighbours
