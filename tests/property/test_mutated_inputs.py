"""Recordings that are damaged in any way are read, or refused with an error of can-train's own.

A small share, with a fixed seed; `python -m benchmarks.mutations` makes as many as one likes.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benchmarks.mutation_kinds import MUTATIONS, mutated
from benchmarks.mutation_seeds import READERS, seeds_of
from benchmarks.mutations import attempt

from can_train.frames.readers.registry import formats

NEED_EXTRAS = {"asc": "can", "blf": "can", "sqlite": "can", "mf4": "asammdf"}


def test_every_reader_has_inputs() -> None:
    assert {*formats(), "packed", "labels"} == set(READERS)


def test_every_mutation_changes_something() -> None:
    text = b"(1.5) can0 1A0#0011\n(1.6) can0 1A1#0022\n(1.7) can0 1A2#0033\n" * 3
    for mutate in MUTATIONS:
        draw, found = random.Random(0), set()
        for _ in range(20):
            data = bytearray(text)
            mutate(draw, data)
            found.add(bytes(data))
        assert len(found - {text}) > 5, mutate.__name__
    assert len({mutated(random.Random(k), [text]) for k in range(50)}) > 45


@pytest.mark.recordings
@pytest.mark.parametrize("reader", READERS)
def test_spoilt_recordings_are_read_or_refused(
    recordings: Path, tmp_path: Path, reader: str
) -> None:
    pytest.importorskip(NEED_EXTRAS.get(reader, "numpy"))
    seeds = seeds_of(reader, recordings)
    inputs = 300 if reader == "mf4" else 60  # what is spoilt in one place is seldom read
    outcome = attempt(reader, seeds, inputs=inputs, seconds=60.0, seed=1, folder=tmp_path)
    assert not outcome.failures, outcome.line
    assert outcome.read > 0
