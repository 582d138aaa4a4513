"""How surprising margins are, as a module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from can_train.detectors.evidence import Margins, surprise_table


class Surprise(nn.Module):
    """-log p of margins: continuous, unbounded, never larger than that of the p-value.

    Args:
        margins: Of benign windows.
    """

    def __init__(self, margins: Margins) -> None:
        super().__init__()
        table = surprise_table(margins)
        self.known = nn.Buffer(torch.from_numpy(table.known))
        self.level = nn.Buffer(torch.from_numpy(table.level))
        self.slope = nn.Buffer(torch.from_numpy(table.slope))
        self.tail = nn.Buffer(torch.tensor(table.tail, dtype=torch.float64))

    def forward(self, margin: Tensor) -> Tensor:
        """-log p, float64, of margins (float64, any shape); NaN stays NaN."""
        known = self.known
        at = (torch.searchsorted(known, margin.contiguous(), right=True) - 1).clamp(min=0)
        inside = (margin - known[at]).clamp(min=0.0)
        beyond = torch.log1p((margin - known[-1]).clamp(min=0.0) / self.tail)
        within = torch.where(margin > known[-1], 0.0, self.slope[at] * inside)
        return self.level[at] + within + beyond
