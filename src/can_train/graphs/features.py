"""The node and edge features of both feature sets, each declared once (stdlib only).

A feature is a member of one of the enumerations below: its name is its column. The kernels
(`kernels/classic.py`, `kernels/relational.py`) address it by that name and hold its formula, so
a new feature touches this file and one of those.

Pitfall: numba keeps a compiled kernel until the file that holds the kernel changes. Who reorders
the columns here or in `past.py` and nothing else must touch the kernels' files; and whenever the
order changes, raise `STORE_VERSION`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto, unique
from typing import Final


class Column(IntEnum):
    """Columns of an array, numbered from 0 in the order of their declaration.

    numba reads a member as a constant, so a name costs no more than the number would.
    """

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[int]) -> int:
        return count


@unique
class ClassicNode(Column):
    """Node features of the published set; its 11th, the ID index, is the store's `node_id`."""

    PAYLOAD_BYTE_0_MEAN = auto()
    PAYLOAD_BYTE_1_MEAN = auto()
    PAYLOAD_BYTE_2_MEAN = auto()
    PAYLOAD_BYTE_3_MEAN = auto()
    PAYLOAD_BYTE_4_MEAN = auto()
    PAYLOAD_BYTE_5_MEAN = auto()
    PAYLOAD_BYTE_6_MEAN = auto()
    PAYLOAD_BYTE_7_MEAN = auto()
    OCCURRENCE_COUNT = auto()
    LAST_POSITION = auto()


@unique
class ClassicEdge(Column):
    """Edge features of the published set; intervals in seconds, positions within the window."""

    COUNT = auto()
    RELATIVE_FREQUENCY = auto()
    INTERVAL_MEAN = auto()
    INTERVAL_STD = auto()
    REGULARITY = auto()
    FIRST_POSITION = auto()
    LAST_POSITION = auto()
    POSITION_SPREAD = auto()
    HAS_REVERSE_EDGE = auto()
    DEGREE_PRODUCT = auto()
    DEGREE_RATIO = auto()


@unique
class RelationalNode(Column):
    """Causal state of an ID relative to its own past; no column tells which ID it is."""

    INTERVAL_LOG_RATIO_MEAN = auto()
    INTERVAL_LOG_RATIO_MIN = auto()
    INTERVAL_LOG_RATIO_MAX = auto()
    INTERVAL_Z_MEAN = auto()
    INTERVAL_Z_ABS_MAX = auto()
    INTERVAL_VARIATION = auto()
    BITS_CHANGED_MEAN = auto()
    BITS_SURPRISE_MEAN = auto()
    BITS_SURPRISE_MAX = auto()
    NEW_BITS_MEAN = auto()
    NEW_BITS_MAX = auto()
    DLC_CHANGED = auto()
    NOVELTY = auto()
    SHARE_OF_FRAMES = auto()
    COUNT_LOG_RATIO = auto()
    PRIORITY_RANK = auto()
    DEGREE_SHARE = auto()
    PAYLOAD_DENSITY = auto()
    BUS_RATE_LOG_RATIO = auto()
    MISSING_SHARE = auto()
    EARLINESS = auto()


@unique
class RelationalEdge(Column):
    """The same over the transitions of an edge, from the frame that ends each of them."""

    SHARE_OF_TRANSITIONS = auto()
    SHARE_OF_SOURCE = auto()
    GAP_LOG_RATIO_MEAN = auto()
    GAP_LOG_RATIO_MIN = auto()
    IS_SELF_LOOP = auto()
    HAS_REVERSE_EDGE = auto()
    INTERVAL_LOG_RATIO_MEAN = auto()
    INTERVAL_Z_ABS_MAX = auto()
    BITS_SURPRISE_MEAN = auto()
    NEW_BITS_MAX = auto()
    NOVELTY_TARGET = auto()
    NOVELTY_SOURCE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureNames:
    """Columns of `node_x` and `edge_x` of a packed store, in stored order."""

    node: tuple[str, ...]
    edge: tuple[str, ...]


def _names(columns: type[Column]) -> tuple[str, ...]:
    return tuple(column.name.lower() for column in columns)


FEATURE_NAMES: Final[dict[str, FeatureNames]] = {
    "classic": FeatureNames(node=_names(ClassicNode), edge=_names(ClassicEdge)),
    "relational": FeatureNames(node=_names(RelationalNode), edge=_names(RelationalEdge)),
}
"""Feature names of each feature set."""
