"""A stream is scored as the whole recording is, whatever comes in one piece."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.alarms.events import Event
from can_train.alarms.rule import SEVERITIES, severities_of
from can_train.config.schema import FusionConfig
from can_train.dataset.discovery import lone_file
from can_train.dataset.labels import Labels
from can_train.dataset.request import AS_FOUND
from can_train.detectors.frame_scorer import FrameScorer, ScoredWindows
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.scoring.recording import score_file
from can_train.streaming.opening import rehearse, stream_of
from can_train.streaming.scorer import Decision, StreamingScorer
from tests.unit.datasets_for_tests import write_csv
from tests.unit.streaming.streams_for_tests import CAR, fused, traffic
from tests.unit.vehicle.cars_for_tests import attacked, drive

SCORERS = ["vehicle_profile", "vgae", "gat", "fusion"]


@pytest.fixture(scope="module", params=["mean", "maximum"])
def detector(request: pytest.FixtureRequest) -> FrameScorer:
    return fused(FusionConfig(fusion_policy=request.param))


@pytest.fixture(scope="module")
def expected(detector: FrameScorer) -> ScoredWindows:
    found = detector.score(traffic())
    assert all(alarm.any() and not alarm.all() for alarm in found.alarm.values())
    doubted = (found.score["fusion"] < found.levelled["fusion"]).any()
    assert doubted == (detector.own.config.fusion == FusionConfig(fusion_policy="maximum"))
    return found


def test_a_rehearsal_leaves_the_detector_as_it_is(detector: FrameScorer) -> None:
    before = pushed(stream_of(detector), traffic()[:1000], 1000)
    rehearse(detector)
    assert pushed(stream_of(detector), traffic()[:1000], 1000) == before


def pushed(stream: StreamingScorer, frames: Frames, piece: int) -> list[Decision]:
    parts = (frames[begin : begin + piece] for begin in range(0, len(frames), piece))
    return [decision for part in parts for decision in stream.push(part)]


def one_by_one(stream: StreamingScorer, frames: Frames) -> Iterator[Decision]:
    for row in range(len(frames)):
        payload = frames.payload[row, : frames.dlc[row]].tobytes()
        at_s, identifier = float(frames.timestamp[row]), int(frames.arbitration_id[row])
        decision = stream.push_one(at_s, identifier, payload)
        if decision is not None:
            yield decision


def require_same(
    found: list[Decision], expected: ScoredWindows, detector: FrameScorer, apart: int = 1
) -> None:
    assert [each.start for each in found] == expected.start.tolist()
    assert [each.start_s for each in found] == expected.start_s.tolist()
    assert [each.end_s for each in found] == expected.end_s.tolist()
    for name in SCORERS:
        said = [each.verdicts[name] for each in found]
        score, own = expected.score[name], [each.score for each in said]
        # A fusion sees margins in units of a threshold, which are small in untrained detectors.
        close = 1e-3 if name == "fusion" else 1e-5
        np.testing.assert_allclose(own, score, rtol=1e-5, atol=close)
        p_value = [each.p_value for each in said]
        np.testing.assert_allclose(p_value, expected.p_value[name], rtol=1e-3)
        assert [each.above for each in said] == expected.alarm[name].tolist()
        severity = severities_of(score, detector.thresholds[name].value, apart=apart)
        assert [SEVERITIES.index(each.severity) for each in said] == severity.tolist()


def test_the_drive_is_calm_enough_to_be_judged_by_its_own_level(
    detector: FrameScorer, expected: ScoredWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in detector.detectors.values():
        monkeypatch.setattr(each, "threshold", replace(each.threshold, level=None))
    plain = detector.score(traffic())
    assert all((expected.score[name] > plain.score[name]).any() for name in SCORERS[1:])


@pytest.mark.parametrize("piece", [7, 1000, 1_000_000])
def test_pieces_of_any_size_give_what_the_recording_gives(
    detector: FrameScorer, expected: ScoredWindows, piece: int
) -> None:
    found = pushed(stream_of(detector), traffic(), piece)
    assert list(found[0].verdicts) == list(expected.score) == SCORERS
    require_same(found, expected, detector)


def test_single_frames_give_what_the_recording_gives(
    detector: FrameScorer, expected: ScoredWindows
) -> None:
    require_same(list(one_by_one(stream_of(detector), traffic())), expected, detector)


def test_windows_that_overlap_give_what_the_recording_gives(
    detector: FrameScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in detector.detectors.values():
        data = replace(each.config.data, stride=10)
        monkeypatch.setattr(each, "config", replace(each.config, data=data))
    frames = traffic()[:6000]
    found = pushed(stream_of(detector), frames, 333)
    assert len(found) == 596
    require_same(found, detector.score(frames), detector, apart=5)


def test_events_are_those_of_the_file(detector: FrameScorer, tmp_path: Path) -> None:
    write_csv(tmp_path / "drive.csv", attacked(CAR, "fuzz-known").frames)
    file = lone_file(tmp_path / "drive.csv")
    (scored,) = score_file(detector, file, AS_FOUND, Labels(None, [file]), print)
    stream = stream_of(detector)
    found: dict[str, list[Event]] = {name: [] for name in SCORERS}
    for decision in stream.push(read_recording(tmp_path / "drive.csv").frames):
        for name, event in decision.ended.items():
            found[name].append(event)
    for name, event in stream.events.items():
        found[name].append(event)
    for name, events in scored.events.items():
        assert len(found[name]) == len(events) > 0
        for one, other in zip(found[name], events, strict=True):
            assert one.peak_score == pytest.approx(other.peak_score, rel=1e-5, abs=1e-5)
            assert replace(one, peak_score=other.peak_score) == other


def test_thresholds_are_those_that_the_detector_has_now(
    detector: FrameScorer, expected: ScoredWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of `--calibrate-on`, which raises them on loaded detectors."""
    higher = float(expected.score["fusion"].max()) + 1e-3
    monkeypatch.setattr(detector.own, "threshold", replace(detector.own.threshold, value=higher))
    monkeypatch.setattr(detector.own, "vehicles", None)
    found = pushed(stream_of(detector), traffic(), 1000)
    assert list(found[0].verdicts) == SCORERS[1:]
    assert not any(each.verdicts["fusion"].above for each in found)
    assert any(each.verdicts["gat"].above for each in found)


def test_a_long_stream_takes_no_more_memory(detector: FrameScorer) -> None:
    """Played again and again, it ends each time with the same in its hands."""
    stream, frames = stream_of(detector), drive(CAR, seed=7)[:12_000]
    pushed(stream, frames, 100)
    tracemalloc.start()
    try:
        for _ in range(3):
            pushed(stream, frames, 100)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2):
            pushed(stream, frames, 100)
        assert tracemalloc.get_traced_memory()[0] - before < 50_000
    finally:
        tracemalloc.stop()


def test_scoring_a_stream_needs_no_torch() -> None:
    modules = [
        "streaming.scorer", "detectors.gat.window", "detectors.vgae.window",
        "detectors.fusion.window",
    ]  # fmt: skip
    words = ";".join(["import sys", *(f"import can_train.{module}" for module in modules)])
    script = f"{words};print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
