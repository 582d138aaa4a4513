"""Tables of margins, and what is asked of networks beside theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from can_train.deploy.c99.source import CSource, floats, literal
from can_train.detectors.evidence import Margins


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What is asked of networks beside margins, and how exactly.

    Attributes:
        state: Their states, with what margins of other cars say: for a fusion.
        excess: How far they are above their thresholds: for a fusion.
        ids: Which IDs are known.
        most_margins: Margins of benign windows that p-values come from, at most.
    """

    state: bool
    excess: bool
    ids: bool
    most_margins: int


def margins_of(source: CSource, name: str, margins: Margins, asked: Needed) -> str:
    """Writes the margins of benign windows; gives their `ct_margins`."""
    if not margins.windows:
        return "{NULL, NULL, 0, 1.0f, 0}"
    known = np.unique(floats(margins.values))
    # Of each one as it is stored: margins that are equal in float32 count as equal.
    first = np.searchsorted(floats(margins.values), known)
    p = margins.p_value(margins.values[first])
    smaller = np.round(1 + margins.windows - p * (margins.windows + 1)).astype(np.int64)
    kept = _kept(len(known), asked.most_margins)
    # A margin between two that are kept counts as just above the lower one: p-values are never
    # smaller than without those that are left out.
    known, smaller = known[kept], smaller[np.concatenate([[0], kept[:-1] + 1])]
    values = source.array(f"{name}_margins", "float", known, f"benign margins, {name}")
    ranks = source.array(f"{name}_ranks", "ct_rank", smaller, f"windows with less, {name}")
    return f"{{{values}, {ranks}, {margins.windows}, {literal(float(margins.tail))}, {len(known)}}}"


def _kept(count: int, most: int) -> NDArray[np.int64]:
    """Which of ascending margins are kept: the largest ones, and some of the others."""
    if count <= most:
        return np.arange(count)
    others = np.linspace(0, count - most // 2, most - most // 2, endpoint=False)
    return np.concatenate([others.astype(np.int64), np.arange(count - most // 2, count)])
