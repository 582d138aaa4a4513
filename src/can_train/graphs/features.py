"""Names of the node and edge features of both feature sets, in stored order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureNames:
    """Columns of `node_x` and `edge_x` of a packed store."""

    node: tuple[str, ...]
    edge: tuple[str, ...]


CLASSIC: Final = FeatureNames(
    node=(
        *(f"payload_byte_{i}_mean" for i in range(8)),
        "occurrence_count",
        "last_position",
    ),
    edge=(
        "count",
        "relative_frequency",
        "interval_mean",
        "interval_std",
        "regularity",
        "first_position",
        "last_position",
        "position_spread",
        "has_reverse_edge",
        "degree_product",
        "degree_ratio",
    ),
)
"""The published set; its 11th node feature, the ID index, is the store's `node_id` column."""

RELATIONAL: Final = FeatureNames(
    node=(
        "interval_log_ratio_mean",
        "interval_log_ratio_min",
        "interval_log_ratio_max",
        "interval_z_mean",
        "interval_z_abs_max",
        "interval_variation",
        "bits_changed_mean",
        "bits_surprise_mean",
        "bits_surprise_max",
        "new_bits_mean",
        "new_bits_max",
        "dlc_changed",
        "novelty",
        "share_of_frames",
        "count_log_ratio",
        "priority_rank",
        "degree_share",
        "payload_density",
        "bus_rate_log_ratio",
        "missing_share",
    ),
    edge=(
        "share_of_transitions",
        "share_of_source",
        "gap_log_ratio_mean",
        "gap_log_ratio_min",
        "is_self_loop",
        "has_reverse_edge",
        "interval_log_ratio_mean",
        "interval_z_abs_max",
        "bits_surprise_mean",
        "new_bits_max",
        "novelty_target",
        "novelty_source",
    ),
)
"""Causal per-ID state relative to the ID's own past; no column tells which ID it is."""

FEATURE_NAMES: Final[dict[str, FeatureNames]] = {"classic": CLASSIC, "relational": RELATIONAL}
