"""What the finished artifact says about the validation windows."""

from __future__ import annotations

import math

from can_train.detectors.base import Detector
from can_train.detectors.build import Trainable
from can_train.detectors.scoring import score_recordings


def validation_figures(stage: Trainable, detector: Detector) -> dict[str, float]:
    """Accuracy, and F1 of the attack class, at the threshold on the real validation windows.

    F1 = 2 TP / (2 TP + FP + FN); it isn't a number where no window is an attack.

    Args:
        stage: What was trained.
        detector: What became of it, with its threshold.
    """
    store, windows = stage.inputs.store, stage.inputs.windows("validation")
    scores = score_recordings([*stage.experts.values(), detector], store, windows)
    alarms = scores[stage.config.model].score > detector.threshold.value
    attacks = store.label[windows] == 1
    found, decided = int((alarms & attacks).sum()), int(alarms.sum() + attacks.sum())
    return {
        "validation_accuracy": float((alarms == attacks).mean()),
        "validation_f1": 2 * found / decided if attacks.any() else math.nan,
    }
