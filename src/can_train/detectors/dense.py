"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional

from can_train.detectors.linear import Linear


class Dense(nn.Module):
    """Linear layers with an activation and dropout behind each but the last.

    Args:
        widths: Of the input, of every layer in turn.
        activation: Of the layers but the last.
        dropout: Dropout probability behind each activation.
        layer: Kind of the layers; those of torch itself are never rounded.

    Shapes:
        - x [N, widths[0]] -> [N, widths[-1]]
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        activation: Callable[[Tensor], Tensor] = functional.elu,
        dropout: float = 0.0,
        layer: type[nn.Linear] = Linear,
    ) -> None:
        super().__init__()
        self._activation = activation
        self._dropout = dropout
        layers = [layer(one, other) for one, other in zip(widths, widths[1:], strict=False)]
        for drawn in layers:
            drawn.reset_parameters()  # drawn twice, as ever: a seed keeps its weights
        self.lins = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """The last layer's output."""
        for layer in self.lins[:-1]:
            x = functional.dropout(self._activation(layer(x)), self._dropout, self.training)
        out: Tensor = self.lins[-1](x)
        return out
