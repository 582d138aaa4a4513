"""AdamW, by the kernel that torch computes it with.

torch's optimiser classes import its compiler when one is made: two CPU-seconds of every stage, for
nothing that is used here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

BETAS: Final = (0.9, 0.999)
"""Decay of the running means of the gradient and of its square."""

EPSILON: Final = 1e-8

CLIP_EPSILON: Final = 1e-6
"""Added to the norm that gradients are divided by, as torch's `clip_grad_norm_` does."""

FORGETTING_STEPS: Final = 64
"""After so many steps, small running means become 0."""

FORGOTTEN: Final = float(torch.finfo(torch.float32).tiny) / BETAS[0] ** FORGETTING_STEPS
"""A silent unit has no gradient, and its mean decays. Below 1e-35 it moves no weight, and in
the next steps it would become a subnormal number, on which a processor takes ten times as long.
The processor's flag against these holds for one thread and those that it starts afterwards."""

SURELY: Final = 1e-4
"""Nearer to the norm that gradients are clipped to, it is computed as torch does."""


class _Lists(NamedTuple):
    """What a step moves.

    Attributes:
        moved: Numbers of parameters.
        counts: How many steps there were: one for all that began in the same step. On a CPU views
            by numpy, which adds to one number at a fraction of torch's cost.
        tensors: The parameters without autograd, their count and both running means.
    """

    moved: list[int]
    counts: list[Tensor | NDArray[np.float32]]
    tensors: tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019), fused: one call per step.

    Args:
        parameters: What is trained.
        rate: Learning rate.
        weight_decay: Share of a weight, times the rate, that is taken off it per step.
        parts: How many numbers of a single flat parameter belong together: what is clipped to is
            the norm of the parts' norms, which is the same to the last bit as without joining.

    Attributes:
        rate: The learning rate of the next step.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        rate: float,
        weight_decay: float,
        parts: Sequence[int] = (),
    ) -> None:
        self.rate = rate
        self._weight_decay = weight_decay
        self._parameters = list(parameters)
        self._parts = list(parts)
        self._moments: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self._lists: _Lists | None = None

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def clip(self, norm: float) -> None:
        """Scales all gradients so that the norm of them together is at most `norm`."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        if gradients and not _is_short(gradients, norm):
            self._clip(gradients, norm)

    @torch.no_grad()
    def _clip(self, gradients: list[Tensor], norm: float) -> None:
        norms = torch._foreach_norm(gradients)
        if not norms[0].is_cuda and _surely_within(norms, norm):
            return
        if self._parts:
            norms = torch._foreach_norm(torch.split(gradients[0], self._parts))
        total = torch.linalg.vector_norm(torch.stack(norms))
        share = (norm / (total + CLIP_EPSILON)).clamp_(max=1.0)
        if share.is_cuda or share.item() != 1.0:  # a look at a CUDA device's memory would wait
            torch._foreach_mul_(gradients, share)

    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        every = [parameter.grad for parameter in self._parameters]
        moved = [number for number, gradient in enumerate(every) if gradient is not None]
        if not moved:
            return
        if self._lists is None or not self._holds(self._lists, moved):
            self._lists = self._lists_of(moved)
        weights, steps, means, squares = self._lists.tensors
        for count in self._lists.counts:
            count += 1
        torch._fused_adamw_(
            weights,
            [gradient for gradient in every if gradient is not None],
            means,
            squares,
            [],
            steps,
            amsgrad=False,
            lr=self.rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=self._weight_decay,
            eps=EPSILON,
            maximize=False,
        )
        if not means[0].is_cuda and steps[0].item() % FORGETTING_STEPS == 0:
            for mean in means:
                torch.ops.aten.hardshrink.out(mean, FORGOTTEN, out=mean)

    def state_dict(self) -> dict[str, Any]:
        """Rate, and by number of parameter steps and both running means."""
        return {"rate": self.rate, "moments": dict(self._moments)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave.

        Raises:
            KeyError: It is of another number of parameters.
            ValueError: It is of other shapes.
        """
        for number, (_, mean, _) in state["moments"].items():
            if number >= len(self._parameters):
                raise KeyError(f"parameter {number}")
            if mean.shape != self._parameters[number].shape:
                raise ValueError(f"parameter {number} has shape {list(mean.shape)}")
        self.rate, self._moments, self._lists = state["rate"], dict(state["moments"]), None

    def _holds(self, lists: _Lists, moved: list[int]) -> bool:
        """Whether these move the same parameters, where they still are."""
        first = self._parameters[moved[0]]
        return lists.moved == moved and lists.tensors[0][0].data_ptr() == first.data_ptr()

    def _lists_of(self, moved: list[int]) -> _Lists:
        counts: dict[float, Tensor] = {}
        for number in moved:
            steps, mean, square = self._of(number)
            steps = counts.setdefault(float(steps), steps.clone())
            self._moments[number] = steps, mean, square
        moments = [self._moments[number] for number in moved]
        of_each, means, squares = (list(part) for part in zip(*moments, strict=True))
        weights = [self._parameters[number].detach() for number in moved]
        added = [count if count.is_cuda else count.numpy() for count in counts.values()]
        return _Lists(moved, added, (weights, of_each, means, squares))

    def _of(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        if number not in self._moments:
            parameter = self._parameters[number]
            steps = torch.zeros((), dtype=torch.float32, device=parameter.device)
            means = torch.zeros_like(parameter)
            self._moments[number] = (steps, means, torch.zeros_like(parameter))
        return self._moments[number]


def _surely_within(norms: Sequence[Tensor], most: float) -> bool:
    """Whether the norm of all is below `most` by more than rounding; never if it is no number."""
    return math.sqrt(sum(float(norm) ** 2 for norm in norms)) < most * (1.0 - SURELY)


def _is_short(gradients: Sequence[Tensor], most: float) -> bool:
    """Whether a single flat gradient on a CPU is as surely shorter, by a product alone."""
    if len(gradients) > 1 or gradients[0].is_cuda or gradients[0].dim() != 1:
        return False
    square = float(torch.dot(gradients[0], gradients[0]))
    return square < (most * (1.0 - SURELY)) ** 2
