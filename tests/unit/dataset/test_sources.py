"""Of which frames synthetic recordings are made, and whether there are any."""

from __future__ import annotations

from can_train.dataset.sources import is_source, no_source, source_spans
from can_train.dataset.stretches import Stretch


def stretch(side: str, start: int, stop: int) -> Stretch:
    return Stretch(recording="r", side=side, start=start, stop=stop)


def test_training_takes_its_own_stretches_as_they_are() -> None:
    stretches = [stretch("train", 0, 70), stretch("validation", 80, 95), stretch("train", 99, 120)]
    assert source_spans(stretches, training=True) == [(0, 70), (99, 120)]


def test_the_other_sides_are_one_piece_unless_training_lies_between_them() -> None:
    stretches = [
        stretch("train", 0, 70), stretch("validation", 80, 90), stretch("fusion", 92, 95),
        stretch("train", 100, 110), stretch("threshold", 112, 120),
    ]  # fmt: skip
    assert source_spans(stretches, training=False) == [(80, 95), (112, 120)]
    assert source_spans([], training=False) == []


def test_three_seconds_are_enough() -> None:
    assert is_source(3.0) and not is_source(2.99)
    told = no_source("car", "time", ("training",))
    assert told.startswith("--augment: dataset car, split time has no 3 s of benign traffic")
