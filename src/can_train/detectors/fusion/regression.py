"""The agent's loss with its gradient by hand: its steps are too small for autograd's many calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from can_train.detectors.fusion.network import QNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A layer, and room for what a step makes of it.

    Attributes:
        weight, bias: What is trained.
        transposed: View of the weight [in, out].
        output: What it gives, after its activation [B, out].
        pull: Gradient of what it gives, before its activation [B, out].
        pull_transposed: View of it [out, B].
        of_weight, of_bias: Their gradients.
    """

    weight: Tensor
    bias: Tensor
    transposed: Tensor
    output: Tensor
    pull: Tensor
    pull_transposed: Tensor
    of_weight: Tensor
    of_bias: Tensor


class RewardRegression:
    r"""Mean squared error of Q-values against rewards, windows weighed, and its gradients.

    .. math:: \frac{1}{B} \sum_b w_b \frac{1}{A} \sum_a (Q(s_b)_a - r_{ba})^2

    Results of a step are written over those of the step before: no step makes a tensor of its own.

    Args:
        agent: Gives Q; its parameters' gradients are set.
    """

    def __init__(self, agent: QNetwork) -> None:
        self._lins = [cast(nn.Linear, layer) for layer in agent.layers.lins]
        self._layers: list[_Layer] = []
        self._outputs: list[Tensor] = []
        self._made_for: tuple[int, int] | None = None

    def learn(self, state: Tensor, reward: Tensor, weight: Tensor) -> Tensor:
        """The error of some windows; sets the gradients.

        Args:
            state: [B, S], float32.
            reward: [B, A], float32.
            weight: [B], float32.

        Returns:
            Scalar.
        """
        with torch.no_grad():
            layers = self._layers_for(len(state))
            last, inputs = layers[-1], state
            for layer in layers[:-1]:
                torch.addmm(layer.bias, inputs, layer.transposed, out=layer.output)
                inputs = layer.output.relu_()
            torch.addmm(last.bias, inputs, last.transposed, out=last.output)
            difference = last.output.sub_(reward)
            torch.mul(difference, weight[:, None], out=last.pull)
            error = torch.dot(last.pull.view(-1), difference.view(-1)).div_(reward.numel())
            last.pull.mul_(2.0 / reward.numel())
            _pull_back(layers, state)
        return error

    def values(self, state: Tensor) -> Tensor:
        """Q-values [B, A] of states [B, S], valid until the next call."""
        with torch.no_grad():
            room = self._outputs
            if not room or len(room[0]) != len(state) or room[0].device != state.device:
                room = [state.new_empty(len(state), lin.out_features) for lin in self._lins]
                self._outputs = room
            inputs = state
            for lin, output in zip(self._lins, room, strict=True):
                torch.addmm(lin.bias, inputs, lin.weight.t(), out=output)
                inputs = output if lin is self._lins[-1] else output.relu_()
        return inputs

    def _layers_for(self, windows: int) -> list[_Layer]:
        """Layers with room for `windows`; views of weights hold while these stay where they are."""
        made_for = windows, self._lins[0].weight.data_ptr()
        if made_for != self._made_for:
            self._layers = [_layer(lin, windows) for lin in self._lins]
            self._made_for = made_for
        return self._layers


def _layer(lin: nn.Linear, windows: int) -> _Layer:
    pull = lin.weight.new_empty(windows, lin.out_features)
    return _Layer(
        weight=lin.weight,
        bias=lin.bias,
        transposed=lin.weight.t(),
        output=torch.empty_like(pull),
        pull=pull,
        pull_transposed=pull.t(),
        of_weight=torch.empty_like(lin.weight),
        of_bias=torch.empty_like(lin.bias),
    )


def _pull_back(layers: list[_Layer], state: Tensor) -> None:
    """Gradients of all layers, from the pull of the last one."""
    for number in reversed(range(len(layers))):
        layer = layers[number]
        inputs = layers[number - 1].output if number else state
        layer.weight.grad = torch.mm(layer.pull_transposed, inputs, out=layer.of_weight)
        layer.bias.grad = torch.sum(layer.pull, 0, out=layer.of_bias)
        if number:
            pull = torch.mm(layer.pull, layer.weight, out=layers[number - 1].pull)
            torch.ops.aten.threshold_backward.grad_input(pull, inputs, 0, grad_input=pull)
