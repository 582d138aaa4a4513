"""The agent's loss with its gradient by hand: its steps are too small for autograd's many calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from can_train.detectors.fusion.network import QNetwork


@torch.no_grad()
def learn_rewards(agent: QNetwork, state: Tensor, reward: Tensor, weight: Tensor) -> Tensor:
    r"""Mean squared error of Q-values against rewards, windows weighed; sets its gradients.

    .. math:: \frac{1}{B} \sum_b w_b \frac{1}{A} \sum_a (Q(s_b)_a - r_{ba})^2

    Args:
        agent: Gives Q; its parameters' gradients are replaced.
        state: [B, S], float32.
        reward: [B, A], float32.
        weight: [B], float32.

    Returns:
        Scalar.
    """
    parts: list[Tensor] = [
        cast(Tensor, part) for layer in agent.layers.lins for part in (layer.weight, layer.bias)
    ]
    inputs = _inputs(state, parts)
    difference = torch.addmm(parts[-1], inputs[-1], parts[-2].t()).sub_(reward)
    pull = difference * weight[:, None]
    error = torch.dot(pull.view(-1), difference.view(-1)).div_(reward.numel())
    pull.mul_(2.0 / reward.numel())
    for number in reversed(range(len(inputs))):
        matrix, bias = parts[2 * number], parts[2 * number + 1]
        matrix.grad, bias.grad = pull.t().mm(inputs[number]), pull.sum(0)
        if number:
            of_inputs = pull.mm(matrix)
            pull = torch.ops.aten.threshold_backward(of_inputs, inputs[number], 0)
    return error


def _inputs(state: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
    """What each layer takes [B, width]."""
    found = [state]
    for weight, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
        found.append(torch.addmm(bias, found[-1], weight.t()).relu_())
    return found
