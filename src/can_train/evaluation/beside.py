"""What stands beside the trained models in a table: detectors of others, and controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.events import EVENT_GAP_S
from can_train.alarms.rule import DEFAULT_RULE
from can_train.baselines.named import NamedDetector
from can_train.config.schema import DataConfig
from can_train.config.spec import specs
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.known_vehicle import ROW as PROFILE
from can_train.evaluation.controls.data import control_data
from can_train.evaluation.controls.fusion import NAMES
from can_train.evaluation.controls.windows import CONTROLS, control_threshold, fit_controls
from can_train.evaluation.others import OtherDetectors, score_others
from can_train.evaluation.places import Place
from can_train.evaluation.rows import Scorer

Tell: TypeAlias = Callable[[str], None]


def say_nothing(text: str) -> None:
    """Nobody wants to know."""


def reserved_names() -> frozenset[str]:
    """Names of models and controls, which no other detector may have."""
    return frozenset({*(spec.row for spec in specs().values()), PROFILE, *CONTROLS, *NAMES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Fitted controls and detectors of others.

    Attributes:
        scorers: With their thresholds, controls last.
        others: Scores of the detectors of others.
    """

    scorers: tuple[Scorer, ...]
    others: OtherDetectors

    def scores(self, place: Place) -> dict[str, NDArray[np.float64]]:
        """Of the windows of a place [B], by scorer."""
        data = control_data(place.store, place.windows)
        fitted = ((scorer.name, scorer.control) for scorer in self.scorers)
        found = {name: control.score(data) for name, control in fitted if control is not None}
        return found | self.others.of(place.store, place.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What everybody has in common.

    Attributes:
        seed: Of everything random.
        target_fpr: Rate of false alarms for which thresholds are set.
    """

    seed: int
    target_fpr: float


def settings_of(data: DataConfig, terms: Terms) -> dict[str, str | int | float]:
    """What the numbers of all rows depend on."""
    return {
        "seed": terms.seed,
        "features": data.features,
        "window": data.window,
        "stride": data.stride,
        "split": data.split,
        "dataset_digest": data.dataset_digest,
        "split_digest": data.split_digest,
        "target_fpr": terms.target_fpr,
        "alarm_rule": str(DEFAULT_RULE),
        "event_gap_s": EVENT_GAP_S,
    }


def fit_beside(
    named: Sequence[NamedDetector],
    inputs: DatasetWindows,
    places: Sequence[Place],
    terms: Terms,
    tell: Tell,
) -> Beside:
    """Fits all of them to the training windows; thresholds come from the calibration windows.

    Args:
        named: Detectors of others.
        inputs: The dataset.
        places: What will be scored.
        terms: The same for all.
        tell: Called with what is done next.

    Raises:
        TrainingError: A detector of others fails.
    """
    others = score_others(named, inputs, places, terms.seed, tell)
    thresholds = others.thresholds(inputs, terms.target_fpr)
    found = [Scorer(name=n, kind="other", threshold=found) for n, found in thresholds.items()]
    tell("fitting the controls")
    train = control_data(inputs.store, inputs.windows("train"))
    calibration = control_data(inputs.store, inputs.windows("threshold"))
    for name, control in fit_controls(train, terms.seed).items():
        threshold = (
            None if control is None else control_threshold(control, calibration, terms.target_fpr)
        )
        found.append(Scorer(name=name, kind="control", threshold=threshold, control=control))
    return Beside(scorers=tuple(found), others=others)
