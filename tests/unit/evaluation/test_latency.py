"""Latency of real models on a real recording: every scorer is timed, graph building included."""

import os
from pathlib import Path

import numpy as np
import pytest

from can_train.config.frozen import freeze
from can_train.config.schema import DataConfig, RunConfig
from can_train.dataset.manifest import dataset_dir
from can_train.evaluation.experts import Experts
from can_train.evaluation.latency import MEASURED, WARM_UP, Latency, latency_of, one_core
from can_train.frames.recording import Recording
from can_train.graphs.scaling import IdVocabulary
from can_train.runs.layout import Roots
from tests.unit.detectors_for_tests import config_of, untrained

WINDOW, STRIDE = 20, 10
NEEDED = WINDOW + STRIDE * (WARM_UP + MEASURED - 1)


def on_short_windows(model: str) -> RunConfig:
    data = DataConfig(dataset_digest="d", split_digest="s", window=WINDOW, stride=STRIDE)
    return config_of(model, dataset="car", data=data)


@pytest.fixture(scope="module")
def experts() -> Experts:
    root = Path("/nowhere")
    roots = Roots(data=root, experiments=root, teachers=root)
    frozen = freeze(on_short_windows("dqn"), root, roots, register=False)
    vocabulary = IdVocabulary(ids=np.arange(1, 9, dtype=np.uint32))
    detectors = {
        model: untrained(on_short_windows(model), vocabulary=vocabulary)
        for model in ("vgae", "gat", "dqn")
    }
    return Experts(frozen=frozen, detectors=detectors, runs={})


def recorded(root: Path, frames: int) -> Recording:
    """A recording of `frames` frames on disk."""
    rng = np.random.default_rng(0)
    folder = dataset_dir(root, "automotive", "car") / "frames" / "x"
    folder.mkdir(parents=True)
    np.save(folder / "timestamp.npy", np.cumsum(rng.exponential(5e-4, frames)))
    np.save(folder / "arbitration_id.npy", rng.integers(1, 9, frames).astype(np.uint32))
    np.save(folder / "dlc.npy", np.full(frames, 8, np.uint8))
    np.save(folder / "payload.npy", rng.integers(0, 256, (frames, 8)).astype(np.uint8))
    np.save(folder / "label.npy", np.zeros(frames, np.uint8))
    return Recording(
        scenario="test_01", name="a", digest="x", frames=frames, attack_frames=0, start_s=0.0,
        duration_s=1.0, attack_kind="none", vehicle="car", source="a.csv",
    )  # fmt: skip


def test_every_model_is_timed_and_fusion_takes_longer_than_its_experts(
    tmp_path: Path, experts: Experts
) -> None:
    found = latency_of(experts, tmp_path, recorded(tmp_path, NEEDED))
    assert set(found.per_window_ms) == set(found.frames_per_s) == {"vgae", "gat", "fusion"}
    assert all(0 < middle <= high for middle, high in found.per_window_ms.values())
    for measure in ({n: p50 for n, (p50, _) in found.per_window_ms.items()},
                    {n: 1 / rate for n, rate in found.frames_per_s.items()}):  # fmt: skip
        assert measure["fusion"] > max(measure["vgae"], measure["gat"])


def test_a_recording_that_is_too_short_says_nothing(tmp_path: Path, experts: Experts) -> None:
    assert latency_of(experts, tmp_path, recorded(tmp_path, NEEDED - 1)) == Latency()


def test_it_is_measured_on_one_core() -> None:
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
