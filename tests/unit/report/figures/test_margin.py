"""Margins over time lose no peak when there are more windows than pixels."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from can_train.evaluation.pictures import WindowTrace
from can_train.evaluation.trace_records import EpisodeOutcome, FileTrace, TracedEvent
from can_train.report.figures.margin import (
    ALL_BUCKETS,
    BUCKETS,
    FEWEST_BUCKETS,
    MarginOfFile,
    buckets_for,
    extremes,
    margin_drawing,
    spans_of,
)
from can_train.report.figures.style import page_svg

WINDOWS = 20_000


def test_each_bucket_keeps_its_lowest_and_its_highest_window() -> None:
    value: Any = np.random.default_rng(1).normal(size=WINDOWS)
    at: Any = np.arange(WINDOWS) * 0.1
    shown_at, shown = extremes(at, value, 100)
    assert len(shown) <= 202
    assert (np.diff(shown_at) > 0).all()
    for part in np.array_split(np.arange(WINDOWS), 100):
        inside = shown[np.isin(shown_at, at[part])]
        assert inside.max() == value[part].max()
        assert inside.min() == value[part].min()


def test_a_single_high_window_among_thousands_is_drawn() -> None:
    value: Any = np.zeros(WINDOWS)
    value[12_345] = 7.0
    at: Any = np.arange(WINDOWS).astype(float)
    shown_at, shown = extremes(at, value, BUCKETS)
    assert shown.max() == 7.0
    assert shown_at[shown.argmax()] == 12_345


def test_few_windows_are_all_drawn() -> None:
    at: Any = np.arange(50.0)
    assert extremes(at, at, 100)[1] is not None
    assert len(extremes(at, at, 100)[0]) == 50


def test_stretches_begin_and_end_with_their_windows() -> None:
    where: Any = np.array([False, True, True, False, True])
    start: Any = np.arange(5.0)
    assert spans_of(where, start, start + 1.0) == [(1.0, 3.0), (4.0, 5.0)]
    assert spans_of(~where & where, start, start) == []


def test_many_files_get_fewer_buckets_each() -> None:
    assert buckets_for(1) == BUCKETS
    assert buckets_for(10_000) == FEWEST_BUCKETS
    assert 60 * buckets_for(60) <= ALL_BUCKETS


def shown(scale: float = 1.0, *, judged: bool = True) -> MarginOfFile:
    """A hundred windows of a second, with an alarm in one attack."""
    start: Any = np.arange(100.0)
    score: Any = np.where((start > 40) & (start < 60), 5.0, -1.0) * scale
    windows = WindowTrace(
        start_s=start, end_s=start + 1, attack=score > 0,
        score={"own": score}, severity={"own": np.where(score > 0, 2, 0).astype(np.int8)},
    )  # fmt: skip
    event = TracedEvent(
        severity="alarm", start_s=41, end_s=60, peak_s=41, peak_score=5 * scale, windows=19,
        attack=True, ids=(), kind="unknown",
    )  # fmt: skip
    trace = FileTrace(
        scenario="test_01", file="drive", windows=100, duration_s=101, judged=judged,
        episodes=(EpisodeOutcome(start_s=41, end_s=59, noticed=True, delay_s=1.0),),
        events=(event,), left_out=0, explained=None,
    )  # fmt: skip
    return MarginOfFile(scorer="own", threshold=0.0, trace=trace, windows=windows)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e6])
def test_the_drawing_says_what_was_found(scale: float) -> None:
    drawing = margin_drawing(shown(scale))
    assert "1 of 1 labelled attack found by an alarm; 1 alarm, 0 of them" in drawing.description
    assert "threshold" in str(page_svg(drawing))


def test_alarms_that_labels_say_nothing_of_are_not_called_false() -> None:
    told = margin_drawing(shown(judged=False)).description
    assert "1 alarm; whether they are true the labels don't say" in told
    assert "outside of an attack" not in told
    calm = replace(shown(), trace=replace(shown().trace, events=(), episodes=()))
    assert "No labelled attack; no alarm. Highest" in margin_drawing(calm).description


def test_the_page_knows_where_seconds_lie_in_the_picture() -> None:
    svg = str(page_svg(margin_drawing(shown())))
    words = dict(re.findall(r'data-(\w+)="([\d.]+)"', svg))
    assert (words["begin"], words["end"]) == ("0", "101")
    bar = re.search(r'd="M ([\d.]+) [\d.]+ \nL ([\d.]+) [^"]+"[^>]*var\(--attack\)', svg)
    assert bar is not None
    left, right = float(words["left"]), float(words["right"])
    places = [left + second / 101 * (right - left) for second in (41, 59)]
    assert [float(bar[1]), float(bar[2])] == pytest.approx(places, abs=0.02)
