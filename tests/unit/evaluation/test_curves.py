"""Curves and sweeps say what the figures beside them say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from can_train.evaluation.alarms import alarm_metrics, count_alarms
from can_train.evaluation.curves import MOST_THRESHOLDS, curve_of, sweep_of
from can_train.evaluation.timeline import Timeline, episodes_of

WINDOWS = 4000


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    label = np.zeros(WINDOWS, np.uint8)
    label[1000:1300] = label[3000:3050] = 1
    return label, draw.normal(size=WINDOWS) + 2.5 * label


def timeline_of(label: np.ndarray) -> Timeline:
    start_s: Any = np.arange(len(label)) * 0.05
    at = start_s[label == 1]
    return Timeline(
        start_s=start_s, end_s=start_s + 0.05, attack=label == 1, episodes=episodes_of(at, at),
        apart=1, share=1.0,
    )  # fmt: skip


def test_a_thinned_curve_has_the_areas_of_all_points(
    scored: tuple[np.ndarray, np.ndarray],
) -> None:
    label, score = scored
    curve = curve_of("test_01", "model", label, score)
    assert curve is not None
    assert len(curve.fpr) < len(label) / 5
    area = np.trapezoid([0.0, *curve.recall], [0.0, *curve.fpr])
    assert area == pytest.approx(roc_auc_score(label, score), abs=2e-3)
    steps = np.diff([0.0, *curve.recall]) * curve.precision
    assert steps.sum() == pytest.approx(average_precision_score(label, score), abs=0.01)


def test_each_point_is_what_its_threshold_gives(scored: tuple[np.ndarray, np.ndarray]) -> None:
    label, score = scored
    curve = curve_of("test_01", "model", label, score)
    assert curve is not None
    fpr = [np.mean(score[label == 0] >= at - 1e-5) for at in curve.threshold]
    assert curve.fpr == pytest.approx(fpr, abs=2e-3)


def test_without_both_classes_there_is_no_curve() -> None:
    assert curve_of("test_01", "model", np.zeros(9, np.uint8), np.arange(9.0)) is None
    assert curve_of("test_01", "model", np.ones(9, np.uint8), np.arange(9.0)) is None


def test_the_stored_step_of_a_sweep_is_what_the_evaluation_counts(
    scored: tuple[np.ndarray, np.ndarray],
) -> None:
    label, score = scored
    curve, timeline, stored = curve_of("t", "model", label, score), timeline_of(label), 1.75
    assert curve is not None
    sweep = sweep_of(curve, stored, [(timeline, score)])
    expected = alarm_metrics([count_alarms(timeline, score, stored)])
    step = sweep.steps[sweep.stored]
    assert step.threshold == stored
    assert (step.found, step.alarms_per_hour) == (expected.found_by_alarm, expected.alarms_per_hour)
    assert step.recall == np.mean(score[label == 1] > stored)
    assert sweep.episodes == 2
    assert len(sweep.steps) <= MOST_THRESHOLDS + 1
    thresholds = [each.threshold for each in sweep.steps]
    assert thresholds == sorted(set(thresholds))
    assert all(a.recall >= b.recall for a, b in zip(sweep.steps, sweep.steps[1:], strict=False))
