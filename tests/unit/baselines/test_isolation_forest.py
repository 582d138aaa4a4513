"""The isolation forest: what it sees of windows, and that odd ones stand out."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.baselines.isolation_forest import FrameIsolationForest, over_windows
from can_train.baselines.recording import UnlabelledRecording, unlabelled
from tests.unit.frames_for_tests import make_frames


@pytest.mark.parametrize("reduce", [np.add, np.minimum, np.maximum])
@pytest.mark.parametrize(("window", "stride"), [(4, 4), (4, 1), (3, 5), (12, 1)])
def test_windows_are_reduced_as_one_by_one(reduce: np.ufunc, window: int, stride: int) -> None:
    values = np.random.default_rng(0).normal(size=12)
    starts = np.arange(0, 12 - window + 1, stride)
    wanted = [reduce.reduce(values[s : s + window]) for s in starts]
    np.testing.assert_allclose(over_windows(reduce, values, starts, window), wanted)


def traffic(seed: int, frames: int = 4000) -> UnlabelledRecording:
    """Eight IDs at random, a counter in each payload."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) * 1e-3 + rng.uniform(0, 1e-4, frames)
    payload = np.zeros((frames, 8), np.uint8)
    payload[:, 0] = np.arange(frames) // 8
    return unlabelled(make_frames(times, rng.integers(0, 8, frames), payload=payload), 100, 100)


def with_flood() -> UnlabelledRecording:
    """The same, with ten windows full of one unknown ID."""
    found = traffic(1)
    ids = found.id.copy()
    ids[1000:2000] = 0x7FF
    return unlabelled(make_frames(found.time, ids, payload=found.payload), 100, 100)


def test_odd_windows_score_higher_than_all_benign_ones() -> None:
    forest = FrameIsolationForest()
    np.random.seed(0)
    forest.fit([traffic(0)])
    score = forest.score(with_flood())
    assert score.shape == (40,)
    assert score[10:20].min() > np.delete(score, np.arange(10, 21)).max()
