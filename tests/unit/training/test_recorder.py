"""What a run tells of itself while it trains."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from can_train.config.run_log import read_events
from can_train.runs.layout import metrics_path
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
    told.keep()
    status = read_status(tmp_path)
    assert status is not None and (status.epoch, status.step) == (2, 0)


def test_a_resumed_run_drops_the_epochs_that_it_repeats(tmp_path: Path) -> None:
    told = Recorder(tmp_path, epochs=4)
    for epoch in range(3):
        told.epoch(epoch, {"val_loss": 0.5 - epoch / 10}, best=True)
    told.keep()
    again = Recorder(tmp_path, epochs=4)
    again.epoch(1, {"val_loss": 0.25, "alpha": 0.5}, best=True)
    again.epoch(2, {"val_loss": 0.125, "alpha": 0.75}, best=True)
    again.keep()
    assert metrics_path(tmp_path).read_bytes() == (
        b"epoch,val_loss,alpha\r\n0,0.5,\r\n1,0.25,0.5\r\n2,0.125,0.75\r\n"
    )


def test_rows_of_an_earlier_attempt_are_read_once(tmp_path: Path) -> None:
    told = Recorder(tmp_path, epochs=4)
    told.epoch(0, {"val_loss": 0.5}, best=True)
    told.keep()
    metrics_path(tmp_path).unlink()
    told.epoch(1, {"val_loss": 0.25}, best=True)
    told.keep()
    assert metrics_path(tmp_path).read_text(encoding="utf-8").splitlines()[1:] == [
        "0,0.5",
        "1,0.25",
    ]


def test_epochs_share_a_write_of_what_is_written_anew(tmp_path: Path) -> None:
    told = Recorder(tmp_path, epochs=4)
    told.keep()
    assert not metrics_path(tmp_path).exists()
    for epoch in range(3):
        told.epoch(epoch, {"val_loss": 0.5 - epoch / 10}, best=True)
        assert len(read_events(tmp_path)) == epoch + 1
    assert not metrics_path(tmp_path).exists() and read_status(tmp_path) is None
    told.keep()
    status = read_status(tmp_path)
    assert status is not None and (status.epoch, status.metric, status.value) == (
        3,
        "val_loss",
        0.3,
    )
    assert len(metrics_path(tmp_path).read_text(encoding="utf-8").splitlines()) == 4
    metrics_path(tmp_path).unlink()
    told.keep()  # nothing came since
    assert not metrics_path(tmp_path).exists()
