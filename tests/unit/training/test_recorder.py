"""What a run tells of itself while it trains."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from can_train.runs.state import read_status
from can_train.training.recorder import Recorder


def test_progress_inside_an_epoch_is_told_and_not_after_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 100.5, 101.2])
    fake = SimpleNamespace(monotonic=lambda: next(clock), time=time.time)
    monkeypatch.setattr("can_train.training.recorder.time", fake)
    told = Recorder(tmp_path, epochs=5)
    seen = []
    for step in (1, 2, 3):
        told.step(1, step, 9)
        status = read_status(tmp_path)
        assert status is not None
        seen.append((status.epoch, status.epochs, status.step, status.steps))
    assert seen == [(1, 5, 1, 9), (1, 5, 1, 9), (1, 5, 3, 9)]
    told.epoch(1, {"val_loss": 0.5}, best=True)
    status = read_status(tmp_path)
    assert status is not None and (status.epoch, status.step) == (2, 0)
