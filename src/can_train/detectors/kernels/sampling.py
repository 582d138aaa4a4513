"""Compiled sampling of a Gaussian latent on a CPU, and its gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.detectors.kernels.elementary import exp_of

Real = NDArray[np.floating]


@compiled(reassociates=True)
def sampled(both: Real, noise: Real, limit: float) -> tuple[Real, Real, Real, Real]:
    """Draws from the Gaussians of N nodes.

    Args:
        both: Means, and beside them log-variances before they are clamped [N, 2*L].
        noise: Standard normal numbers [N, L].
        limit: Log-variances are clamped to +-limit.

    Returns:
        Means, clamped log-variances, what was drawn, and how far that is from the mean [N, L] each.
    """
    nodes, width = noise.shape
    mean, logvar = np.empty_like(noise), np.empty_like(noise)
    latent, off = np.empty_like(noise), np.empty_like(noise)
    given, drawn = borrowed((both, noise))
    to_mean, to_logvar, to_latent, to_off = borrowed((mean, logvar, latent, off))
    most, half = both.dtype.type(limit), both.dtype.type(0.5)
    for node in range(nodes):
        for c in range(width):
            spread = given[node, width + c]
            spread = most if spread > most else spread
            spread = -most if spread < -most else spread
            far = exp_of(half * spread) * drawn[node, c]
            to_mean[node, c] = given[node, c]
            to_logvar[node, c] = spread
            to_off[node, c] = far
            to_latent[node, c] = given[node, c] + far
    return mean, logvar, latent, off


@compiled(reassociates=True)
def of_sampled(
    of_mean: Real, of_logvar: Real, of_latent: Real, off: Real, both: Real, limit: float
) -> Real:
    """Gradient of `both` [N, 2*L].

    Args:
        of_mean, of_logvar, of_latent: Gradients of what `sampled` gives [N, L]; [0, L]: there is
            none.
        off: What `sampled` gives.
        both, limit: What it was given.
    """
    found = np.empty_like(both)
    of_mean, of_logvar, of_latent = borrowed((of_mean, of_logvar, of_latent))
    off, both, to = borrowed((off, both, found))
    nodes, width = off.shape
    zero, half, most = both.dtype.type(0), both.dtype.type(0.5), both.dtype.type(limit)
    for node in range(nodes):
        for c in range(width):
            pull = of_latent[node, c] if len(of_latent) else zero
            spread = both[node, width + c]
            within = (spread >= -most) & (spread <= most)
            more = of_logvar[node, c] if len(of_logvar) else zero
            to[node, c] = pull + (of_mean[node, c] if len(of_mean) else zero)
            to[node, width + c] = more + half * pull * off[node, c] if within else zero
    return found
