"""What a page is told of a whole recording is what `score` says, in bounded length."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.discovery import lone_file
from can_train.dataset.labels import Labels
from can_train.dataset.request import AS_FOUND
from can_train.detectors.frame_scorer import FrameScorer
from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.scoring.recording import score_file
from can_train.serving.judge import MOST_POINTS, judged, points_of
from tests.unit.streaming.streams_for_tests import CAR, fused
from tests.unit.vehicle.cars_for_tests import attacked


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    return fused()


def written(path: Path, frames: Frames) -> Path:
    path.write_text(
        "".join(
            f"({frames.timestamp[k]:.6f}) can0 {frames.arbitration_id[k]:03X}#"
            f"{frames.payload[k, : frames.dlc[k]].tobytes().hex().upper()}\n"
            for k in range(len(frames))
        )
    )
    return path


def test_events_are_those_of_score(detector: FrameScorer, tmp_path: Path) -> None:
    path = written(tmp_path / "drive.log", attacked(CAR, "fuzz-known").frames)
    found = judged(detector, path)
    file = lone_file(path)
    (scored,) = score_file(detector, file, AS_FOUND, Labels(None, [file]), lambda line: None)
    (recording,) = found["recordings"]
    events = scored.events["fusion"]
    assert len(events) > 1
    assert [event["peak_score"] for event in recording["events"]] == [e.peak_score for e in events]
    assert [event["from_s"] for event in recording["events"]] == [
        event.start_s - scored.start_s for event in events
    ]
    assert recording["alarms"] == sum(event.severity == "alarm" for event in events)
    assert recording["windows"] == len(scored.windows)
    assert max(p[1] for p in recording["points"]) == pytest.approx(
        scored.windows.score["fusion"].max(), rel=1e-4
    )
    json.dumps(found, allow_nan=False)


def test_a_file_that_is_no_recording_has_its_readers_own_words(
    detector: FrameScorer, tmp_path: Path
) -> None:
    path = tmp_path / "drive.log"
    path.write_text("(1.0) can0 123#00\n" * 20 + "(oops) can0 123#00\n")
    with pytest.raises(DataError) as caught:
        judged(detector, path)
    assert f"{path}:21: " in str(caught.value)


@pytest.mark.parametrize("count", [1, 7, MOST_POINTS, MOST_POINTS + 1, 10_000])
def test_a_line_has_few_points_and_every_peak(count: int) -> None:
    rng = np.random.default_rng(1)
    at_s = np.arange(count, dtype=np.float64) * 0.1
    score = rng.normal(size=count)
    score[count // 3] = 1e6
    points = points_of(at_s, score)
    assert len(points) == min(count, MOST_POINTS)
    times = [point[0] for point in points]
    assert times == sorted(times)
    assert [round(at_s[count // 3], 3), 1e6] in points
