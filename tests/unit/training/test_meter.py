"""What an epoch cost: shares of known pauses, and windows per second of training alone."""

from __future__ import annotations

import time

import pytest
import torch

from can_train.training.meter import EpochMeter

PAUSES = (0.02, 0.01, 0.04, 0.01)


def test_shares_are_those_of_the_parts_and_the_speed_is_that_of_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = [1.0]
    monkeypatch.setattr(time, "perf_counter", lambda: passed[0])
    meter = EpochMeter(torch.device("cpu"))
    for windows in (100, 64):  # the second epoch begins anew
        meter.begin(windows)
        for step in range(2):
            meter.start_step(step)
            for pause in PAUSES:
                passed[0] += pause
                meter.part_done()
        meter.trained()
        passed[0] += 0.1  # judging the epoch
        cost = meter.resources(3)
    assert cost.epoch == 3
    assert cost.loading_share == pytest.approx(0.25, abs=1e-3)
    assert cost.forward_share == pytest.approx(0.125, abs=1e-3)
    assert cost.backward_share == pytest.approx(0.5, abs=1e-3)
    assert cost.seconds == pytest.approx(2 * sum(PAUSES) + 0.1)
    assert cost.windows_per_s == pytest.approx(64 / (2 * sum(PAUSES)), rel=1e-3)
    assert cost.host_mib and cost.device_allocated_mib is None


def test_an_epoch_of_which_nothing_was_left_to_train_has_no_speed_and_no_shares() -> None:
    meter = EpochMeter(torch.device("cpu"))
    meter.begin(0)
    meter.trained()
    cost = meter.resources(0)
    assert cost.windows_per_s is None and cost.loading_share is None


@pytest.mark.gpu
def test_on_a_device_the_work_is_measured_and_not_the_calls() -> None:
    device = torch.device("cuda")
    matrix = torch.ones(4096, 4096, device=device)
    meter = EpochMeter(device)
    meter.begin(32)
    for step in range(32):
        meter.start_step(step)
        meter.part_done()
        meter.part_done()
        for _ in range(8):
            matrix @ matrix
        meter.part_done()
        meter.part_done()
    meter.trained()
    cost = meter.resources(0)
    assert cost.backward_share is not None and cost.backward_share > 0.9
    assert cost.device_allocated_mib and cost.device_allocated_mib >= 64
