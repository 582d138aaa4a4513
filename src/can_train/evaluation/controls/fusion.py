"""Simple ways to combine two experts, which the fusion agent has to beat.

All are fitted on the fusion-calibration windows, the ones that the agent learns from.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from can_train.detectors.fusion.fitting import fit_linear
from can_train.evaluation.experts import FusionView
from can_train.threads import one_thread

NAMES: Final = ("best_fixed_alpha", "logistic_regression", "small_mlp")
"""What they are called in tables."""

ALPHA_STEPS: Final = 20
"""Alphas 0, 1/20, ... 1: those of the agent."""

LOGISTIC_ITERATIONS: Final = 1000
MLP_CHANNELS: Final = (32,)
MLP_EPOCHS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedAlpha:
    """One weight for all windows.

    Attributes:
        alpha: Weight of the classifier, in [0, 1].
        reward: Mean reward 1 - (p - y)^2 on the windows it was chosen on; p is the calibrated
            probability behind the fused excess.
    """

    alpha: float
    reward: float

    def score(self, excess: ArrayLike) -> NDArray[np.float64]:
        """Fused excess [B], float64, of the two experts' [B, 2]."""
        both = np.asarray(excess, np.float64)
        return np.asarray((1.0 - self.alpha) * both[:, 0] + self.alpha * both[:, 1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateClassifier:
    """A classifier on the standardised fusion state."""

    pipeline: Pipeline

    def score(self, state: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds [B], float64, of states [B, S]; a probability would lose the order at 1."""
        if not len(state):
            return np.zeros(0)
        p = np.maximum(self.pipeline.predict_proba(state), np.finfo(np.float64).tiny)
        return np.asarray(np.log(p[:, 1]) - np.log(p[:, 0]), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionControls:
    """Simple fusions of the two experts, fitted on side `fusion`.

    Attributes:
        alpha: The best fixed weight of the classifier.
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
        found = {"best_fixed_alpha": self.alpha.score(view.excess)}
        for name, classifier in self.classifiers.items():
            if classifier is not None:
                found[name] = classifier.score(view.state)
        return found


def best_fixed_alpha(excess: ArrayLike, label: ArrayLike) -> FixedAlpha:
    """The alpha of 0, 0.05, ... 1 with the highest mean reward; the smallest of equals.

    Args:
        excess: Excess of the anomaly detector and of the classifier [B, 2].
        label: 1 for attack windows [B]; at least one window.
    """
    both, y = np.asarray(excess, np.float64), (np.asarray(label) != 0).astype(np.int64)
    if not len(y):
        raise ValueError("no windows to choose alpha on; at least one is needed")
    alpha = np.arange(ALPHA_STEPS + 1) / ALPHA_STEPS
    fused = (1.0 - alpha) * both[:, :1] + alpha * both[:, 1:]
    middle = both.mean(axis=1, keepdims=True)
    squash = fit_linear(middle, y, np.full(len(y), 1.0 / len(y)))
    reward = 1.0 - np.mean((expit(fused * squash.weight + squash.bias) - y[:, None]) ** 2, axis=0)
    best = int(np.argmax(reward))
    return FixedAlpha(alpha=float(alpha[best]), reward=float(reward[best]))


def fit_logistic_regression(
    state: NDArray[np.float64], label: ArrayLike, seed: int
) -> StateClassifier | None:
    """Logistic regression on states [B, S]; `None` when a class is missing."""
    model = LogisticRegression(max_iter=LOGISTIC_ITERATIONS, random_state=seed)
    return _fit(make_pipeline(StandardScaler(), model), state, label)


def fit_small_mlp(
    state: NDArray[np.float64], label: ArrayLike, seed: int
) -> StateClassifier | None:
    """One hidden layer of 32 on states [B, S]; `None` when a class is missing."""
    model = MLPClassifier(hidden_layer_sizes=MLP_CHANNELS, max_iter=MLP_EPOCHS, random_state=seed)
    return _fit(make_pipeline(StandardScaler(), model), state, label)


def _fit(
    pipeline: Pipeline, state: NDArray[np.float64], label: ArrayLike
) -> StateClassifier | None:
    y = (np.asarray(label) != 0).astype(np.int64)
    if not 0 < np.count_nonzero(y) < len(y):
        return None
    with one_thread(), warnings.catch_warnings():
        # The budget of iterations is fixed on purpose; ending on it is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(state, y)
    return StateClassifier(pipeline=pipeline)
