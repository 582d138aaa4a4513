"""Simple detectors that a trained model has to beat, fitted on the training windows only.

A control that explains a result as well as the model does shows what the result is worth:
where in the recording a window lies, or which IDs it holds, is nothing to detect attacks by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.naive_bayes import BernoulliNB

from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.evaluation.controls.data import ControlData, window_statistics
from can_train.threads import one_thread

BOOSTING_ROUNDS: Final = 200
ID_SMOOTHING: Final = 1.0
"""Windows of each class in which every ID counts as seen once more (Laplace)."""


class Control(Protocol):
    """A fitted control."""

    def score(self, data: ControlData) -> NDArray[np.float64]:
        """Scores of windows [B], float64; higher is more suspicious."""


FitControl = Callable[[ControlData, int], Control | None]
"""Fits a control to training windows with a seed; `None` when they don't allow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysAttack:
    """Calls every window an attack."""

    def score(self, data: ControlData) -> NDArray[np.float64]:
        """1 for every window [B]."""
        return np.ones(len(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class InterArrival:
    """The largest inter-arrival deviation, as it is; there is nothing to fit."""

    def score(self, data: ControlData) -> NDArray[np.float64]:
        """`interval_deviation` [B]."""
        if data.interval_deviation is None:
            raise ValueError("these windows hold no inter-arrival deviation to score")
        return data.interval_deviation.astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PositionOnly:
    """Boosted trees on nothing but the window's place in its recording."""

    trees: HistGradientBoostingClassifier

    def score(self, data: ControlData) -> NDArray[np.float64]:
        """Log-odds of an attack [B]."""
        return _log_odds(self.trees, data.relative_position[:, None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoostedTrees:
    """Boosted trees on `window_statistics`: the same features as the graphs, no graph."""

    trees: HistGradientBoostingClassifier

    def score(self, data: ControlData) -> NDArray[np.float64]:
        """Log-odds of an attack [B]."""
        return _log_odds(self.trees, window_statistics(data))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdLookup:
    """Naive Bayes on which IDs a window holds, and nothing else about them.

    The vocabulary is that of the benign training windows; all other IDs are one further column.
    So an ID that only an attacker sends earns no entry of its own, and an unknown ID counts as
    attack exactly as far as unknown IDs meant attack in training.

    Attributes:
        ids: Benign IDs in ascending order [V], uint32.
        model: Bernoulli naive Bayes over V + 1 columns.
    """

    ids: NDArray[np.uint32]
    model: BernoulliNB

    def score(self, data: ControlData) -> NDArray[np.float64]:
        """Log-likelihood ratio of attack to benign [B]."""
        joint = self.model.predict_joint_log_proba(_id_presence(data, self.ids))
        return np.asarray(joint[:, 1] - joint[:, 0], dtype=np.float64)


def fit_always_attack(train: ControlData, seed: int) -> AlwaysAttack:
    """Needs no data."""
    return AlwaysAttack()


def fit_inter_arrival(train: ControlData, seed: int) -> InterArrival | None:
    """`None` when the feature set holds no time."""
    return None if train.interval_deviation is None else InterArrival()


def fit_position_only(train: ControlData, seed: int) -> PositionOnly | None:
    """`None` when a class is missing."""
    if not _has_both_classes(train):
        return None
    return PositionOnly(trees=_fit_trees(train.relative_position[:, None], train.label, seed))


def fit_boosted_trees(train: ControlData, seed: int) -> BoostedTrees | None:
    """`None` when a class is missing."""
    if not _has_both_classes(train):
        return None
    return BoostedTrees(trees=_fit_trees(window_statistics(train), train.label, seed))


def fit_id_lookup(train: ControlData, seed: int) -> IdLookup | None:
    """`None` when a class is missing."""
    if not _has_both_classes(train):
        return None
    benign_node = np.repeat(train.label == 0, np.diff(train.node_ptr))
    ids = np.unique(train.node_id[benign_node])
    model = BernoulliNB(alpha=ID_SMOOTHING, binarize=None, fit_prior=False)
    model.fit(_id_presence(train, ids), train.label)
    return IdLookup(ids=ids, model=model)


CONTROLS: Final[dict[str, FitControl]] = {
    "always_attack": fit_always_attack,
    "position_only": fit_position_only,
    "id_lookup": fit_id_lookup,
    "inter_arrival": fit_inter_arrival,
    "boosted_trees": fit_boosted_trees,
}
"""Controls on windows, in the order of the table."""


def fit_controls(train: ControlData, seed: int) -> dict[str, Control | None]:
    """All controls on windows, by name, fitted to the training windows; `None` is n/a."""
    return {name: fit(train, seed) for name, fit in CONTROLS.items()}


def control_threshold(control: Control, calibration: ControlData, target_fpr: float) -> Threshold:
    """The control's threshold from the benign ones among the calibration windows.

    `AlwaysAttack` isn't calibrated: alarming always is what it is for.
    """
    benign = calibration.label == 0
    if isinstance(control, AlwaysAttack):
        return Threshold(
            value=0.0,
            target_fpr=1.0,
            benign_windows=int(np.count_nonzero(benign)),
            exact=True,
            rule="real",
            real_value=0.0,
        )
    return conformal_threshold(control.score(calibration)[benign], target_fpr)


def _has_both_classes(data: ControlData) -> bool:
    return 0 < int(np.count_nonzero(data.label)) < len(data)


def _fit_trees(
    x: NDArray[Any], label: NDArray[np.uint8], seed: int
) -> HistGradientBoostingClassifier:
    """No early stopping: it would split off rows at random, across the blocks of time."""
    trees = HistGradientBoostingClassifier(
        max_iter=BOOSTING_ROUNDS, early_stopping=False, random_state=seed
    )
    with one_thread():
        return trees.fit(x, label)


def _log_odds(trees: HistGradientBoostingClassifier, x: NDArray[Any]) -> NDArray[np.float64]:
    """Not probabilities, which would saturate at 1 and lose the order."""
    if not len(x):
        return np.zeros(0)
    with one_thread():
        return np.asarray(trees.decision_function(x), dtype=np.float64)


def _id_presence(data: ControlData, ids: NDArray[np.uint32]) -> csr_matrix:
    """Which of `ids` each window holds, and in the last column whether any other [B, V + 1]."""
    at = np.searchsorted(ids, data.node_id)
    known = np.append(ids, 0)[at] == data.node_id
    column = np.where(known & (at < len(ids)), at, len(ids))
    window = np.repeat(np.arange(len(data)), np.diff(data.node_ptr))
    cell = np.unique(window * (len(ids) + 1) + column)  # two unknown IDs are one cell
    shape = (len(data), len(ids) + 1)
    return csr_matrix((np.ones(len(cell)), np.divmod(cell, len(ids) + 1)), shape=shape)
