"""A detector of somebody else's at work: its scores by window, and one message for its faults."""

from __future__ import annotations

import random
import re
import sys

import numpy as np
import pytest
import torch

from can_train.baselines.fitted import fit_detector
from can_train.baselines.interface import BenignDetector, LabelledDetector
from can_train.baselines.named import DetectorIdentity, NamedDetector
from can_train.baselines.recording import unlabelled
from can_train.errors import TrainingError
from tests.unit.frames_for_tests import random_frames

RECORDING = unlabelled(random_frames(25), 10, 5)
"""Windows begin at 0, 5, 10 and 15."""


def named(cls: type, *, labels: bool = False) -> NamedDetector:
    identity = DetectorIdentity(module="m", cls="C", version="", sha256="")
    return NamedDetector(name="mine", cls=cls, needs_labels=labels, identity=identity)


class Gives:
    """Scores with whatever stands in `value`."""

    value: object = None

    def fit(self, recordings):
        pass

    def score(self, recording):
        return self.value


def scores_of(value: object) -> np.ndarray:
    cls = type("GivesThis", (Gives,), {"value": value})
    return fit_detector(named(cls), [RECORDING], [], 0).score(RECORDING, "test_01/DoS")


def test_a_window_has_the_largest_score_of_its_frames() -> None:
    frames = np.zeros(25)
    frames[[0, 12, 24]] = 3.0, 2.0, 9.0
    assert scores_of(frames).tolist() == [3.0, 2.0, 2.0, 9.0]
    assert scores_of(frames.astype(np.float32)).dtype == np.float64
    assert scores_of((frames > 2.5).tolist()).tolist() == [1.0, 0.0, 0.0, 1.0]


def test_scores_of_windows_stay_as_they_are() -> None:
    assert scores_of([0.5, -1, 2, 3]).tolist() == [0.5, -1, 2, 3]


def test_one_that_needs_labels_gets_them_and_others_do_not() -> None:
    seen = []

    class Supervised:
        needs_labels = True

        def fit(self, recordings, labels):
            seen.append((recordings, labels))

        def score(self, recording):
            return recording.time

    kinds: tuple[LabelledDetector, BenignDetector] = (Supervised(), Gives())
    assert len(kinds) == 2  # their form is that of the interface
    label = np.ones(25, np.uint8)
    fitted = fit_detector(named(Supervised, labels=True), [RECORDING], [label], 0)
    assert seen == [([RECORDING], [label])]
    assert len(fitted.score(RECORDING, "x")) == 4


def test_a_seed_decides_what_is_drawn_while_it_learns() -> None:
    drawn = []

    class Draws(Gives):
        def fit(self, recordings):
            drawn.append((random.random(), np.random.rand(), float(torch.rand(1))))

    for seed in (1, 1, 2):
        fit_detector(named(Draws), [RECORDING], [], seed)
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_it_prints_is_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    class Talks(Gives):
        value = np.zeros(4)

        def fit(self, recordings):
            sys.stdout.write("epoch 1\n")

    fit_detector(named(Talks), [RECORDING], [], 0).score(RECORDING, "x")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "epoch 1\n")


WRONG = {
    "too few": (np.zeros(3), "gave float64 of shape (3,). Wanted: numbers of shape (25,), one per "
                "frame, or (4,), one per window of 10 frames at a stride of 5"),
    "a column": (np.zeros((25, 1)), "gave float64 of shape (25, 1)"),
    "one number": (1.0, "gave float64 of shape ()"),
    "nothing": (None, "gave object of shape ()"),
    "words": (["a"] * 4, "gave <U1 of shape (4,)"),
    "nan": ([0, np.nan, np.inf, 1], "2 of 4 scores aren't finite. Give a low number where"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_scores_that_are_none_are_told_with_the_file(what: str) -> None:
    value, said = WRONG[what]
    message = re.escape(f"detector mine, score: test_01/DoS: {said}")
    with pytest.raises(TrainingError, match=message):
        scores_of(value)


def test_what_it_raises_is_told_with_the_place() -> None:
    class Fails(Gives):
        def fit(self, recordings):
            raise ValueError("too few\nvery few frames")

    class Leaves(Gives):
        def score(self, recording):
            sys.exit("no licence")

    with pytest.raises(TrainingError) as caught:
        fit_detector(named(Fails), [RECORDING], [], 0)
    said = str(caught.value)
    assert said.startswith("detector mine, fit: 1 training recording: ValueError: too few")
    assert "(test_fitted.py:" in said and "Nothing was written" in said
    fitted = fit_detector(named(Leaves), [RECORDING], [], 0)
    with pytest.raises(TrainingError, match="mine, score: test_01/DoS: SystemExit: no licence"):
        fitted.score(RECORDING, "test_01/DoS")
