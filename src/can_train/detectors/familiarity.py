"""How far the car of a window is one that was trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from can_train.detectors.kernels.window import STRANGER
from can_train.graphs.batch import ScaledGraphs


def familiarity(graphs: ScaledGraphs) -> Tensor:
    """From 0 (another car) to 1 (a known one), by the share of known IDs [B], float64."""
    known = (graphs.id_index > 0).double()
    empty = known.new_zeros(graphs.num_graphs)
    nodes = empty.scatter_add(0, graphs.batch, torch.ones_like(known)).clamp(min=1.0)
    share = empty.scatter_add(0, graphs.batch, known) / nodes
    found: Tensor = ((share - STRANGER) / (1.0 - STRANGER)).clamp(0.0, 1.0)
    return found
