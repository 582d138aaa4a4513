"""Every metric against its definition, written out in numpy, on scores with many ties."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.metrics import roc_curve

from can_train.alarms.rate import poisson_upper
from can_train.evaluation.metrics import window_metrics
from tests.draws import examples


def by_counting(label: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> dict[str, float | None]:
    """Metrics that follow from the four counts; both classes are there."""
    tp, fp = int((label & alarm).sum()), int((~label & alarm).sum())
    fn, tn = int((label & ~alarm).sum()), int((~label & ~alarm).sum())
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "accuracy": (tp + tn) / len(label),
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "mcc": (tp * tn - fp * fn) / product**0.5 if product else 0.0,
        "fpr": fp / (fp + tn),
    }


def by_pairs(label: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Area under the ROC curve: share of (attack, benign) pairs in the right order, ties half."""
    attack, benign = score[label][:, None], score[~label][None, :]
    return float(np.mean((attack > benign) + 0.5 * (attack == benign)))


def by_thresholds(label: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Average precision: sum over distinct scores of the gain in recall times the precision."""
    area = recall_before = 0.0
    for threshold in np.unique(score)[::-1]:
        said = score >= threshold
        recall = (label & said).sum() / label.sum()
        area += (recall - recall_before) * (label & said).sum() / said.sum()
        recall_before = recall
    return float(area)


@examples(40)
@given(seed=st.integers(0, 10_000), digits=st.integers(1, 4), share=st.floats(0.05, 0.95))
def test_metrics_agree_with_their_definitions(seed: int, digits: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    label = rng.random(200) < share
    label[:2] = [False, True]
    drawn = np.asarray(rng.normal(0.4 + 0.2 * label, 0.2), np.float64)
    score = np.asarray(np.round(np.clip(drawn, 0, 1), digits), np.float64)
    threshold = float(np.quantile(score[~label], 0.8))
    ours = asdict(window_metrics(label, score, threshold, 1.0))
    expected = {
        **by_counting(label, score > threshold),
        "roc_auc": by_pairs(label, score),
        "pr_auc": by_thresholds(label, score),
    }
    assert {name: ours[name] for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("decimals", [2, 6])
def test_recall_at_a_low_fpr_agrees_with_the_roc_curve(decimals: int) -> None:
    rng = np.random.default_rng(3)
    label = (rng.random(30_000) < 0.3).astype(np.int64)
    score = np.round(rng.normal(2.0 * label, 1.0), decimals)
    fpr, tpr, _ = roc_curve(label, score, drop_intermediate=False)
    ours = window_metrics(label, score, 0.0, 1.0)
    assert ours.recall_at_fpr_1e3 == pytest.approx(tpr[fpr <= 1e-3].max())
    assert ours.recall_at_fpr_1e4 == pytest.approx(tpr[fpr <= 1e-4].max())


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_poisson_bound_agrees_with_the_chi_square_form(count: int) -> None:
    assert poisson_upper(count) == pytest.approx(chi2.ppf(0.95, 2 * (count + 1)) / 2)
