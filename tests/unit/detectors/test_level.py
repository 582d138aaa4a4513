"""What a calm recording's scores get added."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.detectors.calibration import Threshold
from can_train.detectors.kernels.level import MEMORY_WINDOWS, WARM_UP_WINDOWS
from can_train.detectors.level import MOST_DOUBT, Levelling, levelled

STEP = 0.0625
"""(value - level) / 64 of the threshold below."""


def threshold(level: float | None = -4.0) -> Threshold:
    return Threshold(
        value=0.0,
        target_fpr=0.001,
        benign_windows=1000,
        exact=True,
        rule="robust",
        real_value=1.0,
        robust_value=0.0,
        level=level,
    )


def noise(windows: int, around: float, seed: int = 0) -> np.ndarray:
    return around + np.random.default_rng(seed).normal(size=windows)


def none(scores: np.ndarray) -> np.ndarray:
    return np.zeros(len(scores))


def added(scores: np.ndarray) -> np.ndarray:
    return Levelling(threshold()).follow(scores, none(scores)) - scores


def test_a_calm_recording_gets_what_its_median_lies_below_the_level() -> None:
    found = added(noise(2000, -7.0))
    assert not found[:WARM_UP_WINDOWS].any()
    assert found[500:] == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("around", [-3.0, 0.0, 8.0])
def test_any_other_recording_stays_as_it_is(around: float) -> None:
    assert not added(noise(500, around)).any()


def test_without_a_level_nothing_is_added() -> None:
    scores = noise(500, -9.0)
    assert np.array_equal(Levelling(threshold(None)).follow(scores, none(scores)), scores)
    assert Levelling(threshold(None)).follow_one(-9.0, 0.0) == -9.0
    found = levelled(scores, none(scores), np.zeros(500, int), threshold(None))
    assert np.array_equal(found, scores)


def test_windows_one_by_one_say_the_same() -> None:
    scores, one = noise(600, -6.0), Levelling(threshold())
    doubt = np.abs(noise(600, 0.0, 1))
    found = [one.follow_one(*each) for each in zip(scores, doubt, strict=True)]
    assert found == Levelling(threshold()).follow(scores, doubt).tolist()


def test_pieces_say_the_same_as_the_whole() -> None:
    scores, following = noise(600, -6.0), Levelling(threshold())
    pieces = [
        following.follow(piece, none(piece)) for piece in np.split(scores, [7, 150, 151, 400])
    ]
    assert np.array_equal(
        np.concatenate(pieces), Levelling(threshold()).follow(scores, none(scores))
    )


def test_an_attack_adds_nothing_to_its_own_scores() -> None:
    scores = noise(1000, -7.0)
    attacked = scores.copy()
    attacked[400:700] = 5.0
    assert (added(attacked) <= added(scores) + 1e-12).all()
    assert added(attacked)[-1] > 2.25  # three tenths of a recording move its median little


def test_what_is_long_ago_is_forgotten() -> None:
    scores = np.concatenate([noise(2 * MEMORY_WINDOWS, -7.0), noise(3 * MEMORY_WINDOWS, -3.0, 1)])
    assert added(scores)[-1] == 0.0


def test_a_median_beyond_what_is_counted_is_the_farthest_depth() -> None:
    assert added(noise(300, -1e9))[-1] == pytest.approx(254.5 * STEP)


def test_every_recording_has_its_own_level() -> None:
    calm, usual = noise(400, -8.0), noise(400, -3.0, 1)
    scores = np.empty(800)
    recording = np.tile([0, 1], 400)
    scores[recording == 0], scores[recording == 1] = calm, usual
    found = levelled(scores, none(scores), recording, threshold())
    assert np.array_equal(found[recording == 0], Levelling(threshold()).follow(calm, none(calm)))
    assert np.array_equal(found[recording == 1], usual)


def test_a_score_that_is_no_number_counts_nowhere() -> None:
    scores = noise(300, -7.0)
    broken = scores.copy()
    broken[40] = np.nan
    found = Levelling(threshold()).follow(broken, none(broken))
    assert np.isnan(found).tolist() == (np.arange(300) == 40).tolist()
    assert found[-1] - broken[-1] == pytest.approx(3.0, abs=0.2)


def test_a_score_on_the_edge_of_a_step_changes_little() -> None:
    scores = noise(3000, -7.0)
    scores[10] = -4.0 - 48 * STEP  # where the median lies
    apart = scores.copy()
    apart[10] += 1e-9
    found = added(scores) - added(apart)
    assert np.abs(found[500:]).max() < 0.1 * STEP


@pytest.mark.parametrize("level", [-4.0, None])
def test_doubt_ranks_what_stays_below_the_threshold_and_decides_nothing(
    level: float | None,
) -> None:
    scores = noise(2000, -2.0)
    scores[::7] += 3.0
    doubt = np.random.default_rng(1).exponential(1.0, 2000)
    without = Levelling(threshold(level)).follow(scores, none(scores))
    found = Levelling(threshold(level)).follow(scores, doubt)
    alarm = without > 0.0
    assert 100 < alarm.sum() < 1900
    assert np.array_equal(found > 0.0, alarm)
    assert np.array_equal(found[alarm], without[alarm])
    off = (without - found)[~alarm]
    assert off == pytest.approx(np.minimum(doubt, -MOST_DOUBT * without)[~alarm])
    assert (off < doubt[~alarm]).any()  # where that is most


def test_doubt_makes_no_recording_calm() -> None:
    scores = noise(1000, -7.0)
    calm = Levelling(threshold()).follow(scores, none(scores))
    found = Levelling(threshold()).follow(scores, np.full(1000, 3.0))
    far = calm < -1.0
    assert far.sum() > 700
    assert found[far] == pytest.approx(calm[far] - 3.0)
