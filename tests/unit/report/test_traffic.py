"""What recordings look like, on traffic whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from can_train.frames.frame import Frames
from can_train.report.document import Facts
from can_train.report.figures.rows import (
    MOST_ROWS,
    bit_drawing,
    most_telling,
    period_drawing,
    raster_drawing,
    stretches,
)
from can_train.report.figures.style import page_svg
from can_train.report.parts.traffic import traffic_blocks
from can_train.report.traffic import BUCKETS, RecordedTraffic, traffic_of


def frames_of(rows: list[tuple[float, int, list[int], int]]) -> Frames:
    rows = sorted(rows, key=lambda row: row[0])
    payload = np.zeros((len(rows), 8), np.uint8)
    for number, row in enumerate(rows):
        payload[number, : len(row[2])] = row[2]
    return Frames(
        timestamp=np.array([row[0] for row in rows]),
        arbitration_id=np.array([row[1] for row in rows], np.uint32),
        dlc=np.array([len(row[2]) for row in rows], np.uint8),
        payload=payload,
        label=np.array([row[3] for row in rows], np.uint8),
    )


@pytest.fixture(scope="module")
def traffic() -> RecordedTraffic:
    """0x100 every 10 ms with a counter, 0x200 every 100 ms and constant, and 50 frames injected."""
    rows = [(0.01 * n, 0x100, [n % 16, 0xFF], 0) for n in range(1000)]
    rows += [(0.1 * n + 0.003, 0x200, [1, 2, 3], 0) for n in range(100)]
    rows += [(5.0 + 0.001 * n, 0x200, [9, 9, 9], 1) for n in range(50)]
    return traffic_of("drive", frames_of(rows))


def test_periods_come_from_benign_frames_alone(traffic: RecordedTraffic) -> None:
    fast, slow = traffic.ids
    assert (fast.id, slow.id) == ("100", "200")
    assert fast.period_s == pytest.approx(0.01)
    assert (slow.low_s, slow.period_s, slow.high_s) == pytest.approx((0.1, 0.1, 0.1))
    assert (slow.frames, slow.attacks) == (150, 50)


def test_bits_that_change_are_counted_and_shared_out(traffic: RecordedTraffic) -> None:
    fast, slow = traffic.ids
    assert (fast.changing, fast.bits, fast.dlcs) == (4, 16, (2,))
    assert (slow.changing, slow.bits) == (0, 24)
    shares = traffic.changes[0]
    assert shares[7] == 1.0  # the lowest bit of the first byte
    assert shares[4:8] == pytest.approx([0.125, 0.25, 0.5, 1.0], abs=0.01)
    assert not shares[8:].any()


def test_an_attack_is_one_span_and_a_busy_stretch(traffic: RecordedTraffic) -> None:
    ((begin, end),) = traffic.attacks
    assert (begin, end) == pytest.approx((5.0, 5.049))
    step_s = traffic.span_s / BUCKETS
    busy = np.flatnonzero(traffic.busy[1])
    assert len(busy)
    assert (busy * step_s < 5.06).all()
    assert ((busy + 1) * step_s > 4.99).all()
    assert not traffic.busy[0].any()
    assert int(traffic.counts.sum()) == traffic.frames == 1150


def test_an_id_is_silent_after_three_of_its_periods_only() -> None:
    rows = [(0.01 * n, 0x100, [0], 0) for n in range(2000)]
    rows += [(1.0 * n + 0.005, 0x200, [0], 0) for n in range(20) if not 8 <= n < 14]
    traffic = traffic_of("slow", frames_of(rows))
    step_s = traffic.span_s / BUCKETS
    fast, slow = traffic.present
    assert fast.all()
    assert (traffic.counts[1] > 0).sum() == 14  # most of its stretches are empty
    silent = np.flatnonzero(~slow) * step_s
    assert (silent > 7.0).all()
    assert (silent < 14.0).all()
    assert len(silent) > 6.5 / step_s


def test_silences_that_are_left_out_are_told_and_the_rate_is_that_of_the_recording() -> None:
    rows = [(0.001 * n + (0.5 if n >= 2000 else 0.0), 0x100, [0], 0) for n in range(5000)]
    traffic = traffic_of("woken", frames_of(rows))
    assert traffic.duration_s == pytest.approx(5.499)
    assert traffic.per_second == pytest.approx(5000 / 5.499)
    assert "Silences of the whole bus, 0.5 s together" in raster_drawing(traffic).description
    whole = traffic_of("whole", frames_of([(0.001 * n, 0x100, [0], 0) for n in range(1000)]))
    assert "Silences" not in raster_drawing(whole).description


def test_without_labels_none_are_counted() -> None:
    rows = [(0.01 * n, 0x100, [0], 0) for n in range(100)]
    traffic = traffic_of("log", frames_of(rows), has_labels=False)
    assert "no labels" in raster_drawing(traffic).description
    facts = traffic_blocks(traffic, whole=False)[0]
    assert isinstance(facts, Facts)
    assert dict(facts.pairs)["labelled as attacks"] == "no labels"


def test_line_pieces_run_from_the_first_to_the_last_cell() -> None:
    where: Any = np.array([[True, True, False, True], [False, False, False, False]])
    x, y = stretches(where)
    np.testing.assert_array_equal(x, [0, 2, np.nan, 3, 4, np.nan])
    np.testing.assert_array_equal(y, [0, 0, np.nan, 0, 0, np.nan])


def test_of_hundreds_of_fuzzed_ids_those_of_the_car_are_drawn() -> None:
    rows = [(0.01 * n, 0x100 + n % 5, [0], 0) for n in range(500)]
    rows += [(1.0 + 0.001 * n, 0x300 + n, [0], 1) for n in range(400)]
    traffic = traffic_of("fuzzed", frames_of(rows))
    assert len(traffic.ids) == 405
    drawn = most_telling(traffic)
    assert len(drawn.ids) == MOST_ROWS
    assert {each.id for each in drawn.ids} >= {"100", "101", "102", "103", "104"}
    told = raster_drawing(traffic).description
    assert "325 IDs with the fewest benign frames, floods aside, aren't drawn" in told


def test_of_many_ids_the_one_that_floods_is_drawn() -> None:
    rows = [(0.001 * n, 0x100 + n % 90, [0], 0) for n in range(9000)]
    rows += [(2.0 + 0.001 * n, 0x000, [0], 1) for n in range(1000)]
    traffic = traffic_of("flooded", frames_of(rows))
    assert len(traffic.ids) == 91
    assert most_telling(traffic).ids[0].id == "000"


@pytest.mark.parametrize("make", [raster_drawing, period_drawing, bit_drawing])
def test_every_figure_can_be_drawn(traffic: RecordedTraffic, make: Any) -> None:
    assert "<path" in str(page_svg(make(traffic)))
