"""The agent's loss with its gradient by hand: its steps are too small for autograd's many calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.kernels.rewards import Real, pull_behind, pull_of_error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """What a layer has learned, and room for the gradients; nothing of it asks for one itself.

    Attributes:
        weight, bias: What is trained [out, in], [out].
        transposed: View of the weight [in, out].
        of_weight, of_bias: Their gradients.
        array_of_bias: View of the latter on a CPU; None elsewhere.
    """

    weight: Tensor
    bias: Tensor
    transposed: Tensor
    of_weight: Tensor
    of_bias: Tensor
    array_of_bias: Real | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Room for what a step of B windows makes of a layer.

    Attributes:
        output: What it gives, after its activation [B, out].
        pull: Gradient of what it gives, before its activation [B, out].
        transposed: View of it [out, B].
        flat_output, flat_pull: Views of both [B * out].
        arrays: Views of both on a CPU; None elsewhere.
    """

    output: Tensor
    pull: Tensor
    transposed: Tensor
    flat_output: Tensor
    flat_pull: Tensor
    arrays: tuple[Real, Real] | None


class RewardRegression:
    r"""Mean squared error of Q-values against rewards, windows weighed, and its gradients.

    .. math:: \frac{1}{B} \sum_b w_b \frac{1}{A} \sum_a (Q(s_b)_a - r_{ba})^2

    Results of a step are written over those of the step before: no step makes a tensor of its own.

    Args:
        agent: Gives Q; its parameters' gradients are set.

    Attributes:
        lengths: How many numbers each parameter has.
    """

    def __init__(self, agent: QNetwork) -> None:
        self._lins = [cast(nn.Linear, layer) for layer in agent.layers.lins]
        self._parameters = [p for lin in self._lins for p in (lin.weight, lin.bias)]
        self.lengths = [parameter.numel() for parameter in self._parameters]
        self._joined: nn.Parameter | None = None
        self._gradient = self._parameters[0].new_empty(0)
        self._gradients: list[Tensor] = []
        self._layers: list[_Layer] = []
        self._rooms: dict[int, list[_Room]] = {}
        self._outputs: list[Tensor] = []
        self._made_for = 0

    def joined(self) -> nn.Parameter:
        """All parameters as one, in whose memory they lie from here on: `learn` sets its gradient.

        An optimiser has one tensor to move, and one norm to find. It holds until the agent is
        moved to another device.
        """
        flat = torch.cat([parameter.detach().flatten() for parameter in self._parameters])
        for parameter, part in zip(self._parameters, self._parts(flat), strict=True):
            parameter.data = part
        self._joined = nn.Parameter(flat)
        return self._joined

    def learn(self, state: Tensor, reward: Tensor, weight: Tensor) -> float:
        """The error of some windows; sets the gradients.

        Args:
            state: [B, S], float32.
            reward: [B, A], float32.
            weight: [B], float32.
        """
        layers, rooms = self._room_for(len(state))
        last, inputs = rooms[-1], state
        for layer, room in zip(layers, rooms, strict=True):
            torch.addmm(layer.bias, inputs, layer.transposed, out=room.output)
            inputs = room.output if room is last else room.output.relu_()
        error: float | Tensor
        if last.arrays is None:
            error = _pull_of_error(last, reward, weight)
        else:
            values, pull = last.arrays
            error = pull_of_error(values, reward.numpy(), weight.numpy(), pull)
        _pull_back(layers, rooms, state)
        self._set_gradients()
        return float(error)

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

    def _room_for(self, windows: int) -> tuple[list[_Layer], list[_Room]]:
        """Layers with room for `windows`; views of weights hold while these stay where they are."""
        place = self._parameters[0].data_ptr()
        if place != self._made_for:
            self._made_for, self._rooms, self._layers = place, {}, self._layers_here()
        rooms = self._rooms.get(windows)
        if rooms is None:
            rooms = self._rooms[windows] = [_room(layer, windows) for layer in self._layers]
        return self._layers, rooms

    def _layers_here(self) -> list[_Layer]:
        self._gradient = self._parameters[0].new_empty(sum(self.lengths))
        values = [parameter.detach() for parameter in self._parameters]
        gradients = self._gradients = self._parts(self._gradient)
        return [
            _Layer(
                weight=values[at],
                bias=values[at + 1],
                transposed=values[at].t(),
                of_weight=gradients[at],
                of_bias=gradients[at + 1],
                array_of_bias=_array(gradients[at + 1]),
            )
            for at in range(0, len(values), 2)
        ]

    def _parts(self, flat: Tensor) -> list[Tensor]:
        """Views of `flat` in the shapes of the parameters."""
        parts = zip(torch.split(flat, self.lengths), self._parameters, strict=True)
        return [part.view_as(parameter) for part, parameter in parts]

    def _set_gradients(self) -> None:
        if self._joined is not None:
            self._joined.grad = self._gradient
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            if parameter.grad is not gradient:
                parameter.grad = gradient


def _room(layer: _Layer, windows: int) -> _Room:
    output = layer.weight.new_empty(windows, len(layer.bias))
    pull = torch.empty_like(output)
    one, other = _array(output), _array(pull)
    return _Room(
        output=output,
        pull=pull,
        transposed=pull.t(),
        flat_output=output.view(-1),
        flat_pull=pull.view(-1),
        arrays=None if one is None or other is None else (one, other),
    )


def _array(tensor: Tensor) -> Real | None:
    """The same memory for compiled loops, which have none but that of a CPU."""
    return tensor.numpy() if tensor.device.type == "cpu" else None


def _pull_of_error(last: _Room, reward: Tensor, weight: Tensor) -> Tensor:
    """What the compiled loop does, on any device."""
    difference = last.output.sub_(reward)
    torch.mul(difference, weight[:, None], out=last.pull)
    error = torch.dot(last.flat_pull, last.flat_output) / reward.numel()
    last.pull.mul_(2.0 / reward.numel())
    return error


def _pull_back(layers: list[_Layer], rooms: list[_Room], state: Tensor) -> None:
    """Gradients of all layers, from the pull of the last one."""
    torch.sum(rooms[-1].pull, 0, out=layers[-1].of_bias)
    for number in reversed(range(len(layers))):
        layer, room = layers[number], rooms[number]
        inputs = rooms[number - 1].output if number else state
        torch.mm(room.transposed, inputs, out=layer.of_weight)
        if number:
            torch.mm(room.pull, layer.weight, out=rooms[number - 1].pull)
            _pull_behind(rooms[number - 1], layers[number - 1])


def _pull_behind(room: _Room, layer: _Layer) -> None:
    """Lets nothing pull at units that are silent; the gradient of the bias."""
    if room.arrays is not None and layer.array_of_bias is not None:
        output, pull = room.arrays
        pull_behind(pull, output, layer.array_of_bias)
        return
    torch.ops.aten.threshold_backward.grad_input(room.pull, room.output, 0, grad_input=room.pull)
    torch.sum(room.pull, 0, out=layer.of_bias)
