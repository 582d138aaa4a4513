"""How many parameters a model has, in total and by part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch
from torch import nn

from can_train.detectors.frame_scorer import SCORING_BATCH

LARGE: Final = 1_000_000
"""Parameters of a network whose nodes of a full batch no longer fit into a CPU's caches."""

LARGE_SCORING_BATCH: Final = 64


def parameter_count(module: nn.Module) -> int:
    """Number of trainable numbers in `module`, each counted once however often it is used."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def scoring_batch(networks: Iterable[nn.Module]) -> int:
    """Windows per forward pass with which `networks` score fastest."""
    sizes = [sum(parameter.numel() for parameter in each.parameters()) for each in networks]
    if not torch.cuda.is_available() and max(sizes, default=0) > LARGE:
        return LARGE_SCORING_BATCH
    return SCORING_BATCH


def describe(module: nn.Module) -> str:
    """One line: class, total, and the count of each direct part that has parameters.

    Example: `GAT 48,042 parameters: convolutions 13,920, classifier 34,122`
    """
    counts = [(name, parameter_count(part)) for name, part in module.named_children()]
    own = sum(
        parameter.numel()
        for parameter in module.parameters(recurse=False)
        if parameter.requires_grad
    )
    if own:
        counts.append(("own", own))
    parts = ", ".join(f"{name} {count:,}" for name, count in counts if count)
    return f"{type(module).__name__} {parameter_count(module):,} parameters: {parts}"
