"""Linear layers whose products may be rounded: bfloat16 factors, float32 sums and weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

_ROUNDED: Final = ContextVar("rounded", default=False)


@contextmanager
def rounded_products(rounded: bool = True) -> Iterator[None]:
    """Whether `linear` rounds its factors on CPUs, as long as it lasts."""
    token = _ROUNDED.set(rounded)
    try:
        yield
    finally:
        _ROUNDED.reset(token)


class Linear(nn.Linear):
    """`torch.nn.Linear` by `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """The product [N, out_features] of x [N, in_features]."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The product of x [N, F] and the transposed weight [C, F], plus bias [C], float32.

    Torch's own setting (`torch.backends.mkldnn.matmul.fp32_precision`) rounds only where the CPU
    multiplies tiles, and is silently without effect on others that have bfloat16.
    """
    if not _ROUNDED.get() or x.is_cuda:
        return functional.linear(x, weight, bias)
    result: Tensor = _Rounded.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


def rounding() -> bool:
    """Whether products are rounded here."""
    return _ROUNDED.get()


def product(x: Tensor, other: Tensor, rounded: bool) -> Tensor:
    """The product of two matrices on a CPU, without autograd, of rounded factors if asked."""
    if not rounded:
        return torch.mm(x, other)
    return torch.mm(x.bfloat16(), other.bfloat16()).float()


class _Rounded(Function):
    """A product of factors rounded to bfloat16, and so are those of its gradients."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        one, other = x.bfloat16(), weight.bfloat16()
        ctx.save_for_backward(one, other)
        product = torch.mm(one, other.t()).float()
        return product if bias is None else product.add_(bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        one, other = ctx.saved_tensors
        pull = gradient.bfloat16()
        of_x = torch.mm(pull, other).float() if ctx.needs_input_grad[0] else None
        of_weight = torch.mm(pull.t(), one).float() if ctx.needs_input_grad[1] else None
        of_bias = gradient.sum(0) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias
