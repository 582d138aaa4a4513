"""How far a student agrees with its teacher on validation windows; evidence, never a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

MOST_NODES: Final = 5_000
"""Nodes on which latents are compared: enough for two digits of a CKA at little cost."""

MOST_WINDOWS: Final = 1_000
"""Windows on which predictions are compared."""


class Agreement(ABC):
    """Compares a student, as it is when asked, with its teacher's stored outputs."""

    @abstractmethod
    def figures(self, when: str) -> dict[str, float]:
        """Named figures; `when` (before, after) ends each name."""


def linear_cka(x: Tensor, y: Tensor) -> float:
    r"""Linear centred kernel alignment of two representations of the same N things.

    .. math:: \frac{\lVert Y^T X \rVert_F^2}{\lVert X^T X \rVert_F \lVert Y^T Y \rVert_F}

    with centred columns. Kornblith et al., "Similarity of Neural Network Representations
    Revisited", ICML 2019, section 3. 1 for representations that differ by a rotation, a
    reflection, a shift and a scale; they may differ in width.

    Args:
        x: [N, A].
        y: [N, B].

    Returns:
        0 to 1, computed in float64; NaN where either is constant.
    """
    x = x.double() - x.double().mean(dim=0)
    y = y.double() - y.double().mean(dim=0)
    cross = (y.T @ x).square().sum()
    own = torch.linalg.norm(x.T @ x) * torch.linalg.norm(y.T @ y)
    return float(cross / own)


def mean_cosine(x: Tensor, y: Tensor) -> float:
    """Cosine of the angle between the rows of x and y [N, A], mean over rows, in float64."""
    return float(functional.cosine_similarity(x.double(), y.double(), dim=1).mean())


def evenly(windows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most `most` of `windows`, evenly spread, first and last included."""
    if len(windows) <= most:
        return windows
    return windows[np.linspace(0, len(windows) - 1, most).round().astype(np.int64)]
