"""What a profile learns from recordings of a car."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from can_train.vehicle.fit import ProfileSource, fit_profile
from can_train.vehicle.profile import Step, Trait
from tests.unit.vehicle.cars_for_tests import drive, profile, source


def test_periods_are_those_of_the_traffic() -> None:
    known, frames = profile("alpha").known, drive("alpha")
    for arbitration_id, period in zip(known.ids, known.period, strict=True):
        intervals = np.diff(frames.timestamp[frames.arbitration_id == arbitration_id])
        assert abs(np.log(np.median(intervals) / period)) < 0.02


def test_limits_hold_the_middle_of_every_regular_id() -> None:
    known = profile("alpha").known
    followed = known.core
    assert followed.sum() > 20
    assert (known.low[followed, Trait.INTERVAL] < 0.01).all()
    assert (known.high[followed, Trait.INTERVAL] > -0.01).all()


def test_jitter_and_constants_need_more_drives_than_periods() -> None:
    few, many = profile("alpha").known, profile("alpha", 8).known
    assert np.isinf(few.high[:, Trait.JITTER]).all()
    assert not few.fixed.any()
    assert np.isfinite(many.high[:, Trait.JITTER]).any()
    assert many.fixed.any()


def test_counters_are_found() -> None:
    assert np.count_nonzero(profile("alpha").known.counter[:, Step.MODULUS]) > 10


def test_frames_that_are_not_usual_change_nothing() -> None:
    frames = drive("alpha")
    usual = np.arange(len(frames)) < len(frames) // 2
    altered = replace(frames, payload=np.where(usual[:, None], frames.payload, 0xAA))
    one = fit_profile("alpha", [ProfileSource(frames=frames, usual=usual)])
    other = fit_profile("alpha", [ProfileSource(frames=altered, usual=usual)])
    assert one is not None and other is not None
    for a, b in zip(one.known, other.known, strict=True):
        np.testing.assert_array_equal(a, b)


def clocked(begin: int, end: int | None, by_s: float) -> ProfileSource:
    """A drive whose clock is wrong from one frame to another."""
    frames = drive("alpha")
    stamps = frames.timestamp.copy()
    stamps[begin:end] += by_s
    return source(replace(frames, timestamp=stamps))


@pytest.mark.parametrize(
    ("begin", "end", "by_s"), [(2000, 2001, 6.2), (2000, None, 86_400.0), (3000, 3040, -30.0)]
)
def test_a_wrong_clock_leaves_the_profile_as_it_is(
    begin: int, end: int | None, by_s: float
) -> None:
    others = [source(drive("alpha", seed=seed)) for seed in (1, 2)]
    found = fit_profile("alpha", [clocked(begin, end, by_s), *others])
    assert found is not None
    clean = profile("alpha").known
    for name in ("ids", "punctual", "core", "constant", "value", "lengths", "counter"):
        np.testing.assert_array_equal(found.known._asdict()[name], clean._asdict()[name])
    np.testing.assert_allclose(found.known.period, clean.period, rtol=1e-3)
    for name in ("low", "high"):
        np.testing.assert_allclose(found.known._asdict()[name], clean._asdict()[name], atol=2e-3)


def test_too_few_regular_ids_make_no_profile() -> None:
    frames = drive("alpha")
    three = np.isin(frames.arbitration_id, np.unique(frames.arbitration_id)[:3])
    assert fit_profile("alpha", [source(frames[three])]) is None
    assert fit_profile("alpha", []) is None


@pytest.mark.parametrize("widths", [(8, 64, 8), (64, 8, 8)])
def test_drives_without_a_long_payload_belong_to_a_can_fd_vehicle(
    widths: tuple[int, ...],
) -> None:
    drives = [drive("alpha", seed=seed) for seed in range(len(widths))]
    mixed = [d.widened(width) for d, width in zip(drives, widths, strict=True)]
    found = fit_profile("alpha", [source(frames) for frames in mixed])
    expected = fit_profile("alpha", [source(frames.widened(64)) for frames in drives])
    assert found is not None and expected is not None
    for a, b in zip(found.known, expected.known, strict=True):
        np.testing.assert_array_equal(a, b)
    assert found.known.constant.shape[1] == 8
