"""What detectors of others learn from and score, on a real small dataset."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from can_train.baselines.named import DetectorIdentity, NamedDetector
from can_train.baselines.recording import UnlabelledRecording
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.calibration import conformal_threshold
from can_train.evaluation.beside import say_nothing
from can_train.evaluation.others import score_others, training_stretches
from can_train.evaluation.places import Place, places_of
from can_train.frames.store import load_frames
from tests.lab import Lab


class Watches:
    """Notes what it is handed; a frame's score is its number in the recording."""

    learnt: list[UnlabelledRecording] = []
    labels: list[np.ndarray] = []
    scored: list[UnlabelledRecording] = []

    def fit(self, recordings, labels=()):
        type(self).learnt, type(self).labels, type(self).scored = list(recordings), list(labels), []

    def score(self, recording):
        self.scored.append(recording)
        return np.arange(len(recording))


def watching(name: str = "watches", *, labels: bool = False) -> tuple[type[Watches], NamedDetector]:
    cls = type("Watching", (Watches,), {"scored": []})
    identity = DetectorIdentity(module="m", cls="C", version="", sha256="")
    return cls, NamedDetector(name=name, cls=cls, needs_labels=labels, identity=identity)


@pytest.fixture(scope="module")
def inputs(lab: Lab) -> DatasetWindows:
    return lab.inputs(lab.config("gat", data=lab.data(windows_per_side=None)))


@pytest.fixture(scope="module")
def places(inputs: DatasetWindows) -> list[Place]:
    return list(places_of(inputs))


def frames_of_windows(inputs: DatasetWindows, windows: np.ndarray) -> Iterator[set[int]]:
    """Frames in these windows, by recording."""
    store, window = inputs.store, inputs.store.spec.window
    for number in np.unique(store.recording[windows]).tolist():
        starts = store.start[windows[store.recording[windows] == number]].tolist()
        yield {frame for start in starts for frame in range(start, start + window)}


def test_it_learns_from_the_benign_frames_of_the_training_side_and_no_others(
    inputs: DatasetWindows, places: list[Place]
) -> None:
    cls, named = watching()
    score_others([named], inputs, places, 0, say_nothing)
    benign = inputs.windows("train", benign=True)
    wanted = sum(len(frames) for frames in frames_of_windows(inputs, benign))
    assert sum(len(each) for each in cls.learnt) == wanted
    assert cls.labels == []
    assert min(len(each) for each in cls.learnt) >= inputs.store.spec.window
    for stretch, label in training_stretches(inputs, benign=True):
        assert len(stretch) == len(label) and not label.any()


def test_one_that_needs_labels_gets_attacks_with_their_labels(
    inputs: DatasetWindows, places: list[Place]
) -> None:
    cls, named = watching(labels=True)
    score_others([named], inputs, places, 0, say_nothing)
    wanted = list(frames_of_windows(inputs, inputs.windows("train")))
    assert sum(len(each) for each in cls.learnt) == sum(map(len, wanted))
    store = inputs.store
    numbers = np.unique(store.recording[inputs.windows("train")]).tolist()
    attacks = [
        load_frames(inputs.folder, store.recordings[number]).label[sorted(frames)].sum()
        for number, frames in zip(numbers, wanted, strict=True)
    ]
    assert sum(int(label.sum()) for label in cls.labels) == sum(attacks) > 0
    assert [len(label) for label in cls.labels] == [len(each) for each in cls.learnt]


def test_each_recording_is_scored_once_whole_and_in_an_order_that_tells_nothing(
    inputs: DatasetWindows, places: list[Place]
) -> None:
    cls, named = watching()
    told: list[str] = []
    score_others([named], inputs, places, 0, told.append)
    known = {
        recording.digest: recording
        for place in (*places, None)
        for recording in (inputs.store if place is None else place.store).recordings
    }
    tests = {r.digest for r in inputs.manifest.test if r.frames >= inputs.store.spec.window}
    calibration = inputs.windows("threshold", benign=True)
    numbers = np.unique(inputs.store.recording[calibration]).tolist()
    held = {inputs.store.recordings[number].digest for number in numbers}
    wanted = sorted(tests | held)
    assert tests and held
    assert [len(each) for each in cls.scored] == [known[digest].frames for digest in wanted]
    digests = [text.split(" by ")[0].removeprefix("scoring ") for text in told[1:]]
    assert digests == [f"{known[d].scenario}/{known[d].name}" for d in wanted]
    in_order = [digest in tests for digest in wanted]
    assert in_order not in (sorted(in_order), sorted(in_order, reverse=True))


def test_every_window_has_its_own_score_and_the_threshold_is_that_of_controls(
    inputs: DatasetWindows, places: list[Place]
) -> None:
    _, named = watching()
    others = score_others([named], inputs, places, 0, say_nothing)
    for place in places:
        found = others.of(place.store, place.windows)["watches"]
        last = place.store.start[place.windows] + inputs.store.spec.window - 1
        np.testing.assert_array_equal(found, last)
        np.testing.assert_array_equal(
            others.of(place.store, place.windows[::-1])["watches"], found[::-1]
        )
    benign = inputs.windows("threshold", benign=True)
    last = inputs.store.start[benign] + inputs.store.spec.window - 1
    threshold = others.thresholds(inputs, 0.01)["watches"]
    assert threshold == conformal_threshold(last, 0.01)
    assert threshold.benign_windows == len(benign)


def test_windows_far_apart_are_stretches_of_their_own(lab: Lab) -> None:
    few = lab.inputs(lab.config("gat"))
    chosen = few.windows("train", benign=True)
    stretches = [len(stretch) for stretch, _ in training_stretches(few, benign=True)]
    wanted = sum(len(frames) for frames in frames_of_windows(few, chosen))
    assert sum(stretches) == wanted and len(stretches) > 10


def test_nobody_asked_for_costs_nothing(inputs: DatasetWindows, places: list[Place]) -> None:
    others = score_others([], inputs, places, 0, pytest.fail)
    assert others.scores == {} and others.thresholds(inputs, 0.01) == {}
    assert others.of(places[0].store, places[0].windows) == {}
