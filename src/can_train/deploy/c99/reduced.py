"""What is left of a detector where there is little memory."""

from __future__ import annotations

from dataclasses import replace

from can_train.detectors.compiled_scorer import CompiledFrameScorer
from can_train.detectors.frame_scorer import FrameScorer


def reduced(detector: FrameScorer) -> CompiledFrameScorer:
    """A fusion's classifier alone, or the detector itself, without profiles of vehicles."""
    own = detector.trained[detector.own.config.model]
    experts = [detector.trained[name] for name in own.experts]
    chosen = next((each for each in experts if each.spec.role == "probability"), own)
    return CompiledFrameScorer(replace(chosen, vehicles=None), {}, detector.rule)
