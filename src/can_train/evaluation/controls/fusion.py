"""Simple ways to combine two experts, which the fusion agent has to beat.

All are fitted on the fusion-calibration windows, the ones that the agent learns from.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from can_train.evaluation.experts import FusionView

ALPHA_STEPS: Final = 20
"""Alphas 0, 1/20, ... 1: those of the agent."""

LOGISTIC_ITERATIONS: Final = 1000
MLP_CHANNELS: Final = (32,)
MLP_EPOCHS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedAlpha:
    """One weight for all windows.

    Attributes:
        alpha: Weight of p(attack), in [0, 1].
        reward: Mean reward 1 - (fused - y)^2 on the windows it was chosen on.
    """

    alpha: float
    reward: float

    def score(self, anomaly: ArrayLike, p_attack: ArrayLike) -> NDArray[np.float64]:
        """Fused scores (1 - alpha) * anomaly + alpha * p(attack) [B], float64."""
        a, p = np.asarray(anomaly, np.float64), np.asarray(p_attack, np.float64)
        return np.asarray((1.0 - self.alpha) * a + self.alpha * p)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateClassifier:
    """A classifier on the standardised fusion state."""

    pipeline: Pipeline

    def score(self, state: NDArray[np.float64]) -> NDArray[np.float64]:
        """p(attack) [B], float64, of states [B, 15]."""
        if not len(state):
            return np.zeros(0)
        return np.asarray(self.pipeline.predict_proba(state)[:, 1], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionControls:
    """Simple fusions of the two experts, fitted on side `fusion`.

    Attributes:
        alpha: The best fixed weight of the attack probability.
        classifiers: Classifiers on the fusion state, by name; None where a class is missing.
    """

    alpha: FixedAlpha
    classifiers: dict[str, StateClassifier | None]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all, fitted or not."""
        return ("best_fixed_alpha", *self.classifiers)

    def score(self, view: FusionView | None) -> dict[str, NDArray[np.float64]]:
        """Scores [B] of every control that could be fitted."""
        if view is None:
            return {}
        found = {"best_fixed_alpha": self.alpha.score(view.anomaly, view.probability)}
        for name, classifier in self.classifiers.items():
            if classifier is not None:
                found[name] = classifier.score(view.state)
        return found


def best_fixed_alpha(anomaly: ArrayLike, p_attack: ArrayLike, label: ArrayLike) -> FixedAlpha:
    """The alpha of 0, 0.05, ... 1 with the highest mean reward; the smallest of equals.

    Args:
        anomaly: Anomaly scores in (0, 1) [B].
        p_attack: p(attack) [B].
        label: 1 for attack windows [B]; at least one window.
    """
    y = np.asarray(label, np.float64)
    if not len(y):
        raise ValueError("no windows to choose alpha on; at least one is needed")
    alpha = np.arange(ALPHA_STEPS + 1) / ALPHA_STEPS
    # With c = anomaly - y and d = p - anomaly the squared error is (c + alpha d)^2: a parabola.
    c = np.asarray(anomaly, np.float64) - y
    d = np.asarray(p_attack, np.float64) - np.asarray(anomaly, np.float64)
    error = np.mean(c * c) + 2 * alpha * np.mean(c * d) + alpha**2 * np.mean(d * d)
    best = int(np.argmin(error))
    return FixedAlpha(alpha=float(alpha[best]), reward=float(1.0 - error[best]))


def fit_logistic_regression(
    state: NDArray[np.float64], label: ArrayLike, seed: int
) -> StateClassifier | None:
    """Logistic regression on states [B, 15]; `None` when a class is missing."""
    model = LogisticRegression(max_iter=LOGISTIC_ITERATIONS, random_state=seed)
    return _fit(make_pipeline(StandardScaler(), model), state, label)


def fit_small_mlp(
    state: NDArray[np.float64], label: ArrayLike, seed: int
) -> StateClassifier | None:
    """One hidden layer of 32 on states [B, 15]; `None` when a class is missing."""
    model = MLPClassifier(hidden_layer_sizes=MLP_CHANNELS, max_iter=MLP_EPOCHS, random_state=seed)
    return _fit(make_pipeline(StandardScaler(), model), state, label)


def _fit(
    pipeline: Pipeline, state: NDArray[np.float64], label: ArrayLike
) -> StateClassifier | None:
    y = (np.asarray(label) != 0).astype(np.int64)
    if not 0 < np.count_nonzero(y) < len(y):
        return None
    with warnings.catch_warnings():
        # The budget of iterations is fixed on purpose; ending on it is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(state, y)
    return StateClassifier(pipeline=pipeline)
