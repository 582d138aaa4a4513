"""The VGAE on single windows: what its module says, on odd ones, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from can_train.detectors.vgae.window import VgaeWindowScorer
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
        {"encoder_channels": (12, 9, 6), "heads": 3, "decoder_channels": (11, 50)},
        {"id_weight": 0.1, "neighbour_weight": 0.05},
    ],
)
@pytest.mark.parametrize("features", ["relational", "classic"])
def test_it_says_the_same(sizes: dict[str, Any], features: str) -> None:
    detector = untrained(
        on_windows("vgae", features, **sizes),
        vocabulary=known_in(odd_windows()[0]),
        evidence=EVIDENCE,
    )
    require_same({"vgae": detector})


def test_it_says_the_same_where_no_id_is_known() -> None:
    elsewhere = IdVocabulary(ids=np.array([0x1FFF_FFFF], np.uint32))
    detector = untrained(on_windows("vgae"), vocabulary=elsewhere)
    require_same({"vgae": detector})
    assert isinstance(scorer_of(detector), VgaeWindowScorer)
