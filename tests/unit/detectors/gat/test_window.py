"""The GAT on single windows: what its module says, on odd ones, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from can_train.detectors.gat.window import GatWindowScorer
from can_train.graphs.scaling import IdVocabulary
from tests.unit.detectors.windows_for_tests import (
    EVIDENCE,
    known_in,
    odd_windows,
    on_windows,
    require_same,
    scorer_of,
)
from tests.unit.detectors_for_tests import untrained


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"layers": 3, "heads": 3, "hidden_channels": 5, "pooling": "max"},
        {"layers": 1, "heads": 1, "fc_channels": (7,), "pooling": "mean"},
        {"neighbours": "mean"},
        {"neighbours": "none"},
        {"edge_features": False},
    ],
)
@pytest.mark.parametrize("features", ["relational", "classic"])
def test_it_says_the_same(sizes: dict[str, Any], features: str) -> None:
    detector = untrained(
        on_windows("gat", features, **sizes),
        vocabulary=known_in(odd_windows()[0]),
        evidence=EVIDENCE,
    )
    require_same({"gat": detector})


def test_it_says_the_same_where_no_id_is_known() -> None:
    elsewhere = IdVocabulary(ids=np.array([0x1FFF_FFFF], np.uint32))
    detector = untrained(on_windows("gat"), vocabulary=elsewhere)
    require_same({"gat": detector})
    assert isinstance(scorer_of(detector), GatWindowScorer)
