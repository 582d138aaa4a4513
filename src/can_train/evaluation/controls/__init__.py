"""Controls and baselines that stand beside the trained models in every table."""

from can_train.evaluation.controls.data import ControlData, control_data, window_statistics
from can_train.evaluation.controls.fusion import (
    FixedAlpha,
    StateClassifier,
    best_fixed_alpha,
    fit_logistic_regression,
    fit_small_mlp,
)
from can_train.evaluation.controls.windows import (
    CONTROLS,
    Control,
    control_threshold,
    fit_controls,
)

__all__ = [
    "CONTROLS",
    "Control",
    "ControlData",
    "FixedAlpha",
    "StateClassifier",
    "best_fixed_alpha",
    "control_data",
    "control_threshold",
    "fit_controls",
    "fit_logistic_regression",
    "fit_small_mlp",
    "window_statistics",
]
