"""How many parameters a model has, in total and by part."""

from __future__ import annotations

from torch import nn


def parameter_count(module: nn.Module) -> int:
    """Number of trainable numbers in `module`, each counted once however often it is used."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


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
