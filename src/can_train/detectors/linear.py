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

ROW_DIGITS: Final = 5
"""Of the number of rows of a rounded factor: at most a sixteenth of them are zeros."""


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


def factor(x: Tensor, rounded: bool) -> Tensor:
    """A matrix [N, F] as a factor on a CPU: as it is, or rounded with rows of zeros behind it.

    Sums over rows stay what they are. Batches hold ever other numbers of nodes and edges, and for
    each shape of factors oneDNN makes a program anew, which takes longer than a product: so
    numbers of rows are rounded up, and few remain.
    """
    if not rounded:
        return x
    rows = len(x)
    padded = x.new_empty(rounded_up(rows), x.shape[1], dtype=torch.bfloat16)
    padded[:rows] = x
    padded[rows:] = 0
    return padded


def rounded_up(rows: int) -> int:
    """The next number of at most `ROW_DIGITS` binary digits with zeros behind them."""
    unit = 1 << max(0, (rows - 1).bit_length() - ROW_DIGITS)
    return -(-rows // unit) * unit


def product(one: Tensor, other: Tensor, rows: int) -> Tensor:
    """The product of a `factor` of that many rows and a matrix [F, C]."""
    if one.dtype != torch.bfloat16:
        return torch.mm(one, other)
    return torch.mm(one, other.bfloat16())[:rows].float()


def product_of_columns(one: Tensor, other: Tensor) -> Tensor:
    """The product of a transposed `factor` and another one of the same rows."""
    found = torch.mm(one.t(), other)
    return found.float() if found.dtype == torch.bfloat16 else found


class _Rounded(Function):
    """A product of factors rounded to bfloat16, and so are those of its gradients."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        one, other = factor(x, True), weight.bfloat16()
        ctx.save_for_backward(one, other)
        found = product(one, other.t(), len(x))
        return found if bias is None else found.add_(bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        one, other = ctx.saved_tensors
        pull = factor(gradient, True)
        of_x = product(pull, other, len(gradient)) if ctx.needs_input_grad[0] else None
        of_weight = product_of_columns(pull, one) if ctx.needs_input_grad[1] else None
        of_bias = gradient.sum(0) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias
