"""What is said of clocks, and how long a recording is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.frames import timing
from can_train.frames.timing import clock_notes, clock_report, recorded_s

USUAL = 1.6e9 + np.cumsum(np.random.default_rng(0).exponential(5e-4, 2000))


def notes(timestamps: np.ndarray) -> list[str]:
    return list(clock_notes(clock_report(timestamps)))


def test_ordinary_clock_is_not_talked_about() -> None:
    assert notes(USUAL) == []
    assert recorded_s(USUAL) == USUAL[-1] - USUAL[0]
    assert clock_report(USUAL).frames_per_s == pytest.approx(2000, rel=0.1)


def test_jumps_are_named_with_frame_and_size_and_are_no_recording_time() -> None:
    times = USUAL.copy()
    times[700] += 6.2
    (note,) = notes(times)
    assert note.startswith("the clock jumps: +6.200 s at frame 700, -6.200 s at frame 701. Such")
    assert recorded_s(times) == pytest.approx(recorded_s(USUAL), abs=0.01)
    times[1000:] += 86_400
    assert recorded_s(times) == pytest.approx(recorded_s(USUAL), abs=0.01)
    assert clock_report(times).recorded_s == recorded_s(times)
    times[[100, 200, 300]] -= 50
    assert "and 6 more" in notes(times)[0]


def test_descending_wrapping_coarse_and_zero_clocks() -> None:
    assert notes(USUAL[::-1])[0].startswith("timestamps descend: the newest frame is first")
    assert recorded_s(USUAL[::-1].copy()) == pytest.approx(recorded_s(USUAL))
    wrapped = np.mod(np.arange(20_000, dtype=np.float64) * 5e-4, 1.0)
    assert notes(wrapped)[0] == "the clock begins anew every 0.9995 s (9 times)"
    assert recorded_s(wrapped) == pytest.approx(10.0, rel=0.01)
    assert "of the frames have the time of the frame before" in notes(np.round(USUAL, 2))[0]
    zeros = USUAL.copy()
    zeros[:4] = 0
    assert notes(zeros)[-1] == "4 timestamps are 0"


def test_frames_that_all_came_at_once() -> None:
    assert clock_report(np.zeros(100)).standing
    assert not clock_report(np.zeros(1)).standing


@pytest.mark.parametrize(
    ("per_s", "unit"), [(1.0, None), (1e3, None), (1e4, "ms"), (1e6, "us"), (1e9, "ns")]
)
def test_unit_that_fits(per_s: float, unit: str | None) -> None:
    assert clock_report((USUAL - USUAL[0]) * per_s).fitting_unit == unit


def test_time_far_in_the_future_is_no_seconds() -> None:
    assert clock_report(USUAL * 1e3).fitting_unit == "ms"


def test_few_frames_per_second_may_be_milliseconds() -> None:
    assert notes((USUAL - 1e9) * 1e3) == [
        "1.98 frames/s are few for a CAN bus. If its timestamps are ms, read it with --time-unit ms"
    ]


def test_slow_recording_has_no_jumps() -> None:
    slow = np.cumsum(np.tile([0.2, 1.8], 100))
    assert not len(clock_report(slow).jumps)
    assert recorded_s(slow) == pytest.approx(199.8)


STEPS = st.sampled_from([0.0, 5e-4, 1e-3, -2e-4, -0.2, 3.0, -50.0, np.nan])


@given(st.lists(STEPS, max_size=40), st.integers(2, 50))
def test_a_clock_is_told_by_its_steps(steps: list[float], at_once: int) -> None:
    times = np.cumsum([7.0, *steps])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "_AT_ONCE", at_once)
        report = clock_report(times)
    sizes, usual = np.diff(times), timing._usual(times)
    apart = (sizes > max(1.0, 100 * usual)) | (sizes < -max(0.1, usual))
    assert report.jumps.tolist() == (np.flatnonzero(apart) + 1).tolist()
    assert report.steps_s.tolist() == sizes[apart].tolist()
    assert report.descending == (np.count_nonzero(sizes < 0) > 0.9 * len(sizes))
    assert report.equal_share == np.count_nonzero(sizes == 0) / max(len(sizes), 1)
    if apart.any() and not np.isnan(times).any():
        assert report.recorded_s == pytest.approx(abs(sizes[~apart].sum()), abs=1e-9)


@given(st.lists(st.floats(1e-4, 1e-3), min_size=60, max_size=90), st.sampled_from([0.0, -5e-5]))
def test_the_rate_counts_steps_back_as_time(steps: list[float], back: float) -> None:
    times = np.cumsum([7.0, *steps, back, *steps])
    sizes = np.abs(np.diff(times))
    assert clock_report(times).frames_per_s == pytest.approx(len(sizes) / sizes.sum())


@given(st.lists(st.floats(0, 1e6), max_size=40))
def test_the_usual_step_is_the_median_of_those_that_are_not_0(steps: list[float]) -> None:
    times = np.cumsum([0.0, *steps])
    sizes = np.diff(times)
    expected = float(np.median(sizes[sizes > 0])) if sizes.any() else 0.0
    assert timing._usual(times) == expected
