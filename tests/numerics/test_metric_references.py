"""Every metric against an independent implementation, on scores with many ties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.metrics import roc_curve
from torchmetrics.functional import classification as reference

from can_train.evaluation.metrics import poisson_upper, window_metrics


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), digits=st.integers(1, 4), share=st.floats(0.05, 0.95))
def test_metrics_agree_with_torchmetrics(seed, digits, share):
    rng = np.random.default_rng(seed)
    label = (rng.random(200) < share).astype(np.int64)
    label[:2] = [0, 1]
    score = np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1), digits)
    threshold = float(np.quantile(score[label == 0], 0.8))
    ours = window_metrics(label, score, threshold, 1.0)
    truth, ranked = torch.from_numpy(label), torch.from_numpy(score)
    alarms = (ranked > threshold).long()
    expected = {
        "accuracy": reference.binary_accuracy(alarms, truth),
        "recall": reference.binary_recall(alarms, truth),
        "f1": reference.binary_f1_score(alarms, truth),
        "mcc": reference.binary_matthews_corrcoef(alarms, truth),
        "roc_auc": reference.binary_auroc(ranked, truth),
        "pr_auc": reference.binary_average_precision(ranked, truth),
        "fpr": 1 - reference.binary_specificity(alarms, truth),
    }
    if alarms.any():
        expected["precision"] = reference.binary_precision(alarms, truth)
    for name, value in expected.items():
        assert getattr(ours, name) == pytest.approx(float(value), abs=1e-6), name


@pytest.mark.parametrize("decimals", [2, 6])
def test_recall_at_a_low_fpr_agrees_with_the_roc_curve(decimals):
    rng = np.random.default_rng(3)
    label = (rng.random(30_000) < 0.3).astype(np.int64)
    score = np.round(rng.normal(2.0 * label, 1.0), decimals)
    fpr, tpr, _ = roc_curve(label, score, drop_intermediate=False)
    ours = window_metrics(label, score, 0.0, 1.0)
    assert ours.recall_at_fpr_1e3 == pytest.approx(tpr[fpr <= 1e-3].max())
    assert ours.recall_at_fpr_1e4 == pytest.approx(tpr[fpr <= 1e-4].max())


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_poisson_bound_agrees_with_the_chi_square_form(count):
    assert poisson_upper(count) == pytest.approx(chi2.ppf(0.95, 2 * (count + 1)) / 2)
