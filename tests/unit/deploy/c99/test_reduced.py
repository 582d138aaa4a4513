"""What is left of a detector where there is little memory."""

from __future__ import annotations

from can_train.deploy.c99.reduced import reduced
from can_train.detectors.compiled_scorer import CompiledFrameScorer
from tests.unit.streaming.streams_for_tests import fused


def test_the_classifier_of_a_fusion_is_left_without_vehicles() -> None:
    left = reduced(fused())
    assert list(left.thresholds) == ["gat"]
    assert left.own.vehicles is None


def test_a_detector_that_fuses_none_stays_alone() -> None:
    detector = fused()
    vgae = CompiledFrameScorer(detector.trained["vgae"], {}, detector.rule)
    assert list(reduced(vgae).thresholds) == ["vgae"]
