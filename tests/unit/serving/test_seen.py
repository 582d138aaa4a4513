"""IDs with their rates and states, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.frames.frame import EXTENDED_FLAG
from can_train.serving.seen import FORGOTTEN_S, MOST_IDS, IdStates


def ids(*found: int):
    return np.array(found, np.uint32)


def by_id(seen: IdStates, now_s: float, alarming: tuple[int, ...] = ()):
    return {row["id"]: row for row in seen.rows(now_s, alarming)}


def test_a_rate_is_frames_per_second_and_follows_changes_within_seconds() -> None:
    seen = IdStates()
    for second in range(1, 11):
        seen.take(ids(*[0x100] * 50, *[0x200] * 10), float(second))
        seen.measure(1.0)
    rows = by_id(seen, 10.0)
    assert (rows["100"]["rate"], rows["200"]["rate"]) == (50.0, 10.0)
    assert (rows["100"]["frames"], rows["200"]["frames"]) == (500, 100)
    for second in range(11, 21):
        seen.take(ids(*[0x100] * 500, *[0x200] * 10), float(second))
        seen.measure(1.0)
    assert by_id(seen, 20.0)["100"]["rate"] == pytest.approx(500, rel=0.05)
    assert by_id(seen, 20.0)["200"]["rate"] == 10.0


def test_an_id_is_silent_after_several_of_its_own_intervals() -> None:
    seen = IdStates()
    for second in range(41):
        seen.take(ids(0x100), float(second))
        if second % 10 == 0:
            seen.take(ids(0x7FF), float(second))
    assert {row["state"] for row in seen.rows(41.0, ())} == {"seen"}
    later = by_id(seen, 46.0)
    assert (later["100"]["state"], later["7FF"]["state"]) == ("silent", "seen")
    assert later["100"]["quiet_s"] == 6.0
    assert by_id(seen, 91.0)["7FF"]["state"] == "silent"


def test_ids_of_an_alarm_are_alarming_and_extended_ones_have_eight_digits() -> None:
    seen, extended = IdStates(), 0x123 | int(EXTENDED_FLAG)
    seen.take(ids(0x100, extended), 0.0)
    rows = by_id(seen, 0.0, (extended,))
    assert (rows["100"]["state"], rows["00000123"]["state"]) == ("seen", "alarming")


def test_made_up_ids_take_no_more_room_and_push_none_out_that_still_comes() -> None:
    seen, rng = IdStates(), np.random.default_rng(3)
    for second in range(50):
        seen.take(ids(*range(40)), float(second))
        seen.take(rng.integers(1000, 1 << 29, 5000).astype(np.uint32), float(second))
    rows = seen.rows(50.0, ())
    assert len(rows) == MOST_IDS
    assert {f"{number:03X}" for number in range(40)} <= {row["id"] for row in rows}
    counted = sum(row["frames"] for row in rows) + seen.untold
    assert counted == 50 * 5040


def test_a_silent_id_gives_way_where_there_is_no_room() -> None:
    seen = IdStates()
    seen.take(ids(*range(MOST_IDS)), 0.0)
    seen.take(ids(*range(1, MOST_IDS)), 30.0)
    seen.take(ids(5000), FORGOTTEN_S - 1)
    assert (seen.untold, len(seen.rows(0.0, ()))) == (1, MOST_IDS)
    seen.take(ids(5000), FORGOTTEN_S + 1)
    known = {row["id"] for row in seen.rows(0.0, ())}
    assert "1388" in known and "000" not in known and "001" in known
