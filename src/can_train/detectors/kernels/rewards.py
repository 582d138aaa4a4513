"""Compiled loops between the matrix products of the agent's step, on a CPU.

Each stands for several of torch's operations, of which every call costs more here than what it
computes. B windows, A actions, layers of width D.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled

Real = NDArray[np.floating]

BLOCK: Final = 16
"""So many rows are added up before their sum is added to the others': as `torch.sum` does for
widths of whole vectors, so that results are the same to the last bit."""


@compiled()
def pull_of_error(values: Real, reward: Real, weight: Real, pull: Real) -> float:
    """Mean over windows of their weight times the mean squared error; its gradient.

    Args:
        values: Q-values; become their errors [B, A].
        reward: What they should be [B, A].
        weight: Of each window [B].
        pull: Where the gradient goes [B, A].
    """
    values, reward, weight, pull = borrowed((values, reward, weight, pull))
    twice = values.dtype.type(2.0 / values.size)
    total = 0.0
    for window in range(len(values)):
        error, wanted, to, of = values[window], reward[window], pull[window], weight[window]
        square = 0.0
        for a in range(len(error)):
            difference = error[a] - wanted[a]
            error[a] = difference
            to[a] = difference * of * twice
            square += np.float64(difference) * np.float64(difference)
        total += square * np.float64(of)
    return total / values.size


@compiled()
def pull_behind(pull: Real, output: Real, sums: Real) -> None:
    """Lets nothing pull at a rectifier that gives 0, and adds up what is left.

    Args:
        pull: At what the rectifiers give; becomes that at what they take [B, D].
        output: What they give [B, D].
        sums: Where the sum of each column goes [D].
    """
    block = np.zeros_like(sums)
    pull, output, sums, part = borrowed((pull, output, sums, block))
    width, nothing = len(sums), sums.dtype.type(0)
    for j in range(width):
        sums[j] = nothing
    for window in range(len(pull)):
        row, given = pull[window], output[window]
        for j in range(width):
            left = nothing if given[j] <= 0 else row[j]
            row[j] = left
            part[j] += left
        if window % BLOCK == BLOCK - 1:
            for j in range(width):
                sums[j] += part[j]
                part[j] = nothing
    for j in range(width):
        sums[j] += block[j]
