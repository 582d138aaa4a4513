"""Scores of whole recordings: the numbers of an evaluation, from frames alone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import FusionConfig
from can_train.dataset.access import Dataset, open_dataset
from can_train.detectors.frame_scorer import SCORING_BATCH, FrameScorer
from can_train.detectors.known_vehicle import ROW
from can_train.detectors.loading import load_detector
from can_train.errors import ArtifactError, PreflightError
from can_train.evaluation.experts import load_experts, score_by_experts
from can_train.frames.readers import read_recording
from can_train.graphs.store import GraphStore, open_store
from can_train.runs.layout import artifact_path
from tests.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """A fusion's run, and the graphs of the official tests that it is evaluated on."""

    run: Path
    dataset: Dataset
    store: GraphStore


@pytest.fixture(scope="module", params=["dqn", "maximum"])
def fused(lab: Lab, request: pytest.FixtureRequest) -> Fused:
    """On a small stride, so that a recording has more windows than are scored at once."""
    data = lab.data(stride=20)
    experts = {name: lab.parent_of(lab.config(name, data=data)) for name in ("vgae", "gat")}
    policy = FusionConfig(fusion_policy=request.param)
    run = lab.train(lab.config("dqn", data=data, experts=experts, fusion=policy))
    dataset = open_dataset("automotive", lab.dataset, data_root=lab.data_root)
    folder = dataset.manifest.ref.folder(lab.data_root)
    return Fused(
        run=run,
        dataset=dataset,
        store=open_store(folder, dataset.manifest.test, load_detector(run).spec),
    )


def test_scores_are_those_of_the_evaluation_bit_for_bit(fused: Fused, lab: Lab) -> None:
    experts, detector = load_experts(fused.run), load_detector(fused.run)
    for number, recording in enumerate(fused.store.recordings[:3]):
        windows = np.flatnonzero(fused.store.recording == number)
        assert len(windows) > SCORING_BATCH
        expected = dict(score_by_experts(experts, fused.store, windows).by_scorer)
        assert list(expected) == ["vgae", "gat", "fusion"]
        known = experts.own.vehicles
        assert known is not None
        folder = fused.dataset.manifest.ref.folder(fused.dataset.data_root)
        expected[ROW] = known.of_store(fused.store, windows, folder)
        frames = read_recording(lab.home / "csv" / lab.dataset / recording.source).frames
        found = detector.score(frames)
        assert set(found.score) == set(expected)
        assert list(found.score)[-1] == "fusion"
        by_maximum = experts.frozen.config.fusion == FusionConfig(fusion_policy="maximum")
        assert (found.score["fusion"] < found.levelled["fusion"]).any() == by_maximum
        for name, score in expected.items():
            assert np.array_equal(found.score[name], score)
            alarm = score > experts.thresholds[name].value
            assert np.array_equal(found.alarm[name], alarm)
        assert np.array_equal(found.start, fused.store.start[windows])
        assert np.array_equal(found.start_s, fused.store.start_s[windows])


def test_a_file_is_the_same_detector_as_its_run(fused: Fused) -> None:
    by_run = load_detector(fused.run)
    by_file = load_detector(artifact_path(fused.run, "dqn", "student"))
    assert by_file.thresholds == by_run.thresholds
    assert {name: d.sha256 for name, d in by_file.detectors.items()} == {
        name: d.sha256 for name, d in by_run.detectors.items()
    }


def test_a_run_is_found_by_the_beginning_of_its_id(fused: Fused, lab: Lab) -> None:
    found = load_detector(fused.run.name[:8], experiment_root=lab.experiments)
    assert found.own.sha256 == load_detector(fused.run).own.sha256
    with pytest.raises(PreflightError, match="no run nosuch under"):
        load_detector("nosuch", experiment_root=lab.experiments)


def test_one_that_scores_graphs_itself_needs_no_other(lab: Lab, tmp_path: Path) -> None:
    run = lab.train(lab.curriculum(lab.config("gat")))
    alone = Path(shutil.copy(artifact_path(run, "gat", "student"), tmp_path / "gat.pth"))
    assert list(load_detector(alone).detectors) == ["gat"]


def test_an_expert_that_was_replaced_is_refused(lab: Lab) -> None:
    experts = {name: lab.parent_of(lab.config(name, seed=77)) for name in ("vgae", "gat")}
    run = lab.train(lab.config("dqn", experts=experts))
    shutil.copy(str(lab.student("vgae").path), str(experts["vgae"].path))
    with pytest.raises(ArtifactError, match="was frozen: the file was changed"):
        load_detector(run)


def test_a_recording_shorter_than_a_window_has_no_scores(fused: Fused) -> None:
    detector: FrameScorer = load_detector(fused.run)
    frames = fused.dataset.frames(fused.dataset.recordings[0])
    for count in (0, detector.spec.window - 1):
        found = detector.score(frames[:count])
        assert len(found) == 0
        assert {len(score) for score in found.score.values()} == {0}
