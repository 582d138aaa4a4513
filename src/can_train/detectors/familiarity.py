"""How far the car of a window is one that was trained on."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from can_train.graphs.batch import ScaledGraphs

STRANGER: Final = 0.8
"""Share of known IDs in a window up to which its car counts as another one: two cars of one maker
have half to two thirds of their IDs in common."""


def familiarity(graphs: ScaledGraphs) -> Tensor:
    """From 0 (another car) to 1 (a known one), by the share of known IDs [B], float64."""
    known = (graphs.id_index > 0).double()
    empty = known.new_zeros(graphs.num_graphs)
    nodes = empty.scatter_add(0, graphs.batch, torch.ones_like(known)).clamp(min=1.0)
    share = empty.scatter_add(0, graphs.batch, known) / nodes
    found: Tensor = ((share - STRANGER) / (1.0 - STRANGER)).clamp(0.0, 1.0)
    return found
