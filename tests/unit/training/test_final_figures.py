"""Accuracy and F1 of an artifact on validation windows, against scikit-learn."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from can_train.config.frozen import load_frozen
from can_train.detectors.artifact import load_detector
from can_train.detectors.scoring import score_windows
from can_train.runs.layout import artifact_path
from can_train.training.final_figures import validation_figures
from can_train.training.run import prepare
from tests.lab import Lab


def test_they_are_those_of_the_stored_artifact_and_stand_in_the_summary(lab: Lab) -> None:
    config = lab.config("gat")
    run = lab.train(config)
    detector = load_detector(artifact_path(run, "gat", "student"))
    stage = prepare(load_frozen(lab.frozen(config)))
    store, windows = stage.inputs.store, stage.inputs.windows("validation")
    label = store.label[windows]
    assert 0 < label.sum() < len(label)
    lowest = float(score_windows([detector], store, windows)["gat"].score.min())
    for value in (detector.threshold.value, lowest - 1.0, math.inf):
        detector.threshold = replace(detector.threshold, value=value)
        alarms = score_windows([detector], store, windows)["gat"].score > value
        assert validation_figures(stage, detector) == {
            "validation_accuracy": pytest.approx(accuracy_score(label, alarms)),
            "validation_f1": pytest.approx(f1_score(label, alarms)),
        }
    summary = json.loads((run / "summary.json").read_text())
    assert summary["validation_accuracy"] is not None


def test_without_attacks_there_is_no_f1(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    config = lab.config("gat")
    detector = load_detector(artifact_path(lab.train(config), "gat", "student"))
    stage = prepare(load_frozen(lab.frozen(config)))
    benign = stage.inputs.store.attack_fraction == 0
    sides = np.where(benign, stage.inputs.sides, -1).astype(np.int8)
    stage = replace(stage, inputs=replace(stage.inputs, sides=sides))
    assert math.isnan(validation_figures(stage, detector)["validation_f1"])
