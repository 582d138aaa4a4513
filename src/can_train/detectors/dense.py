"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional


class Dense(nn.Module):
    """Linear layers with an activation and dropout behind each but the last.

    Args:
        widths: Of the input, of every layer in turn.
        activation: Of the layers but the last.
        dropout: Dropout probability behind each activation.

    Shapes:
        - x [N, widths[0]] -> [N, widths[-1]]
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        activation: Callable[[Tensor], Tensor] = functional.elu,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self._activation = activation
        self._dropout = dropout
        layers = [nn.Linear(one, other) for one, other in zip(widths, widths[1:], strict=False)]
        for layer in layers:
            layer.reset_parameters()  # drawn twice, as ever: a seed keeps its weights
        self.lins = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """The last layer's output."""
        for layer in self.lins[:-1]:
            x = functional.dropout(self._activation(layer(x)), self._dropout, self.training)
        out: Tensor = self.lins[-1](x)
        return out
