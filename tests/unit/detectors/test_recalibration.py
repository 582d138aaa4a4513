"""Thresholds for a new vehicle: only higher, and not to be fooled by an attack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.augment.attacks import KINDS
from can_train.dataset.augment.draws import Range
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.dataset.augment.synthesis import TrafficSource, synthesise
from can_train.detectors import artifact
from can_train.detectors.base import Detector
from can_train.detectors.frame_scorer import FrameScorer, ModuleFrameScorer, WindowMargins
from can_train.detectors.known_vehicle import ROW
from can_train.detectors.loading import load_detector
from can_train.detectors.recalibration import recalibrate, stretch_of
from can_train.errors import DataError
from can_train.files import sha256_of
from can_train.frames.frame import Frames
from can_train.graphs.columns import PackedGraphs
from can_train.vehicle.profile import SILENT
from tests.lab import Lab
from tests.unit.vehicle.cars_for_tests import drive

SECONDS = 60


@pytest.fixture(scope="module")
def scorer(lab: Lab) -> FrameScorer:
    """A classifier that knows floods from benign traffic."""
    return load_detector(str(lab.student("gat").path), experiment_root=lab.experiments)


def other_car(seed: int = 5) -> Frames:
    return drive("charlie", seed=seed, duration_s=SECONDS)


def long_drive(seed: int = 5) -> Frames:
    return drive("charlie", seed=seed, duration_s=125)


def poisoned(kind: str, share: float) -> tuple[Frames, np.ndarray]:
    """Traffic of the other car, attacked in a share of the stretch, without its labels."""
    recipe = Recipe(
        short=1, long=0, short_s=float(SECONDS), other_cars=0.0, ignition=0.0, oddities=0.0,
        short_episode_s=Range(low=share * SECONDS, high=share * SECONDS + 0.01),
        left_out=tuple(other for other in KINDS if other != kind),
    )  # fmt: skip
    source = TrafficSource(frames=other_car(), vehicle="charlie")
    made = synthesise(source, Universe(dataset_digest="poison", seed=1), 0, recipe)
    first = made.episodes[0]
    inside = (made.frames.timestamp >= first.start_s) & (made.frames.timestamp <= first.end_s)
    later = (made.frames.label == 1) & ~inside
    frames = made.frames[~later]
    label = frames.label.copy()
    return replace(frames, label=np.zeros_like(label)), label


def test_the_stretch_is_the_first_minutes_or_all() -> None:
    frames = other_car()
    half = stretch_of(frames, 0.5)
    assert 29.0 < np.ptp(half.timestamp) <= 30.0
    np.testing.assert_array_equal(half.timestamp, frames.timestamp[: len(half)])
    assert len(stretch_of(frames, 5.0)) == len(frames)


def test_thresholds_only_rise_and_false_alarms_only_fall(lab: Lab, scorer: FrameScorer) -> None:
    path = str(lab.student("gat").path)
    before = sha256_of(lab.home / path)
    result = recalibrate(scorer, other_car(), "charlie")
    assert [each.scorer for each in result.raised] == list(scorer.thresholds)
    for each in result.raised:
        assert each.after.value >= each.before.value
        assert each.alarms[1] <= each.alarms[0]
        assert each.alarms[1] <= 0.01
        if each.found is not None:
            assert each.found[1] <= each.found[0]
    assert sha256_of(lab.home / path) == before
    assert {n: t.value for n, t in scorer.thresholds.items()} == {
        each.scorer: each.before.value for each in result.raised
    }


def test_a_raised_threshold_keeps_the_relief_that_scores_were_made_with(
    scorer: FrameScorer,
) -> None:
    stored = scorer.own.threshold
    scorer.own.threshold = replace(stored, value=-100.0, relief=1.5)
    try:
        raised = {each.scorer: each for each in recalibrate(scorer, other_car(), "charlie").raised}
    finally:
        scorer.own.threshold = stored
    after = raised[scorer.own.spec.row].after
    assert after.value > -100.0
    assert after.relief == 1.5


def test_a_vehicle_without_false_alarms_keeps_the_stored_thresholds(scorer: FrameScorer) -> None:
    high = replace(scorer.own.threshold, value=1e6)
    stored, scorer.own.threshold = scorer.own.threshold, high
    try:
        result = recalibrate(scorer, other_car(), "charlie")
    finally:
        scorer.own.threshold = stored
    assert result.raised[-1].after == high


def test_the_new_vehicle_gets_a_profile_that_speaks_on_its_later_drives(
    scorer: FrameScorer,
) -> None:
    result = recalibrate(scorer, long_drive(), "charlie")
    assert result.vehicles is not None
    assert result.vehicles.profiles[-1].vehicle == "charlie"
    later = drive("charlie", "malfunction", seed=8)
    start = np.arange(0, len(later) - 50, 50)
    score = result.vehicles.score(later, start, 50)
    label = np.array([later.label[at : at + 50].any() for at in start])
    assert np.mean(score > SILENT) > 0.8
    assert np.mean(score[label] > result.vehicles.threshold.value) > 0.9
    assert np.mean(score[~label] > result.vehicles.threshold.value) < 0.02


@pytest.mark.parametrize("share", [0.05, 0.15])
@pytest.mark.parametrize("kind", ["flood", "malfunction", "fuzz-new"])
def test_an_attack_in_the_stretch_is_refused_or_left_out(
    scorer: FrameScorer, kind: str, share: float
) -> None:
    frames, label = poisoned(kind, share)
    clean = recalibrate(scorer, frames[label == 0], "charlie").raised
    try:
        found = recalibrate(scorer, frames, "charlie").raised
    except DataError as refused:
        assert "looks attacked" in str(refused)
        assert "--calibrate-minutes" in str(refused)
        return
    scored = scorer.score(frames)
    attack = np.array([label[at : at + scorer.spec.window].any() for at in scored.start])
    for each, usual in zip(found, clean, strict=True):
        score = scored.score[each.scorer][attack]
        stood_out = score > usual.after.value
        if np.mean(stood_out) > 0.5:  # what was found with clean thresholds is found still
            assert np.mean(score > each.after.value) > 0.5 * np.mean(stood_out)


class Drawn(ModuleFrameScorer):
    """Says of window after window what was drawn, and doubts it as much as it is below 0."""

    def __init__(self, detector: Detector, drawn: np.ndarray) -> None:
        super().__init__(detector, {})
        self.drawn, self.at = drawn, 0

    def score_graphs(self, graphs: PackedGraphs) -> dict[str, WindowMargins]:
        margin = self.drawn[self.at : self.at + len(graphs)]
        self.at += len(graphs)
        return {"gat": WindowMargins(margin, np.maximum(-margin, 0.0))}


def test_doubt_has_no_say_in_what_looks_attacked(lab: Lab) -> None:
    gat, frames = artifact.load_detector(Path(str(lab.student("gat").path))), other_car()
    gat.settle(replace(gat.threshold, value=0.0, relief=0.0, level=None), gat.evidence)
    windows = len(ModuleFrameScorer(gat, {}).score(frames))
    drawn = np.random.default_rng(3).normal(-1.0, 0.3, windows)
    drawn[100:130] = 0.45
    with pytest.raises(DataError, match="looks attacked: 30 windows"):
        recalibrate(Drawn(gat, drawn), frames, "charlie")


def test_a_short_stretch_makes_no_profile(
    scorer: FrameScorer, caplog: pytest.LogCaptureFixture
) -> None:
    result = recalibrate(scorer, other_car(), "charlie")
    stored = scorer.own.vehicles
    assert result.vehicles is not None and stored is not None
    assert result.vehicles.profiles == stored.profiles
    assert "no profile of this vehicle, 120 s of its traffic are needed" in caplog.text


def test_labelled_attacks_are_refused_with_their_time(scorer: FrameScorer) -> None:
    frames = drive("charlie", "DoS", seed=3)
    with pytest.raises(DataError, match=r"labelled as attacks, the first at \d+\.\d s"):
        recalibrate(scorer, frames, "charlie")


def test_too_short_a_stretch_is_refused(scorer: FrameScorer) -> None:
    with pytest.raises(DataError, match=r"are too few: at least 120 are needed"):
        recalibrate(scorer, other_car()[:3000], "charlie")


def test_the_own_vehicle_needs_no_further_profile(scorer: FrameScorer) -> None:
    first = recalibrate(scorer, long_drive(), "charlie").vehicles
    stored, scorer.own.vehicles = scorer.own.vehicles, first
    try:
        again = recalibrate(scorer, long_drive(seed=6), "charlie again")
    finally:
        scorer.own.vehicles = stored
    assert first is not None and again.vehicles is not None
    assert len(again.vehicles.profiles) == len(first.profiles)
    assert [each.scorer for each in again.raised][0] == ROW
