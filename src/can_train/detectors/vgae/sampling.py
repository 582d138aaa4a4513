"""The latent of a VGAE on a CPU: both heads and the sample as one node of autograd's graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from can_train.detectors.kernels.sampling import of_sampled, sampled
from can_train.detectors.linear import factor, product, product_of_columns, rounding


def sample(
    hidden: Tensor, mean: nn.Linear, log_variance: nn.Linear, noise: Tensor, limit: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Means, clamped log-variances and a draw of the latent's Gaussian [N, L] each.

    Args:
        hidden: Nodes [N, D].
        mean, log_variance: Both heads.
        noise: Standard normal numbers [N, L].
        limit: Log-variances are clamped to +-limit.
    """
    found: tuple[Tensor, Tensor, Tensor] = _Sample.apply(  # type: ignore[no-untyped-call]
        hidden, mean.weight, mean.bias, log_variance.weight, log_variance.bias, noise, limit
    )
    return found


class _Sample(Function):
    """`sample` with its gradients by hand."""

    @staticmethod
    def forward(  # noqa: PLR0913 - what autograd hands over
        ctx: Any,
        hidden: Tensor,
        mean: Tensor,
        mean_bias: Tensor,
        log_variance: Tensor,
        log_variance_bias: Tensor,
        noise: Tensor,
        limit: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        weight, nodes = torch.cat([mean, log_variance]), factor(hidden, rounding())
        both = product(nodes, weight.t(), len(hidden))
        both += torch.cat([mean_bias, log_variance_bias])
        parts = map(torch.from_numpy, sampled(both.numpy(), noise.numpy(), limit))
        mu, logvar, latent, off = parts
        ctx.save_for_backward(nodes, weight, both, off)
        ctx.limit = limit
        return mu, logvar, latent

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        nodes, weight, both, off = ctx.saved_tensors
        given = (off[:0] if pull is None else pull.contiguous() for pull in gradients)
        mu, logvar, latent = (pull.numpy() for pull in given)
        found = of_sampled(mu, logvar, latent, off.numpy(), both.numpy(), ctx.limit)
        of_both = torch.from_numpy(found)
        pull = factor(of_both, nodes.dtype == torch.bfloat16)
        of_weight, of_bias = product_of_columns(pull, nodes), of_both.sum(0)
        of_hidden, width = product(pull, weight, len(of_both)), off.shape[1]
        return (
            of_hidden, of_weight[:width], of_bias[:width], of_weight[width:], of_bias[width:],
            None, None,
        )  # fmt: skip
