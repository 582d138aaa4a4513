"""The peak of memory is that of what happened since it was set back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.training.memory import MIB, _mib, peak_memory, reset_peak

CPU = torch.device("cpu")
BLOCK = 96 * MIB


def test_the_peak_rises_with_what_is_used_and_falls_once_it_is_set_back() -> None:
    reset_peak(CPU)
    before = peak_memory(CPU)
    block = np.ones(BLOCK, np.uint8)
    del block
    during = peak_memory(CPU)
    reset_peak(CPU)
    after = peak_memory(CPU)
    assert before.host_mib and during.host_mib and after.host_mib
    assert during.host_mib - before.host_mib > 0.9 * BLOCK / MIB
    assert during.host_mib - after.host_mib > 0.9 * BLOCK / MIB
    assert after.host_share and during.host_share
    assert 0 < after.host_share < during.host_share <= 1


def test_a_cpu_has_no_memory_of_a_device() -> None:
    peak = peak_memory(CPU)
    assert peak.device_allocated_mib is None
    assert peak.device_reserved_mib is None
    assert peak.device_share is None


@pytest.mark.gpu
def test_the_peak_of_a_device_counts_its_tensors() -> None:
    device = torch.device("cuda")
    reset_peak(device)
    block = torch.ones(BLOCK, dtype=torch.uint8, device=device)
    peak = peak_memory(device)
    del block
    assert peak.device_allocated_mib is not None and peak.device_reserved_mib is not None
    assert peak.device_allocated_mib >= BLOCK / MIB
    assert peak.device_reserved_mib >= peak.device_allocated_mib
    assert peak.device_share is not None and 0 < peak.device_share <= 1


def test_a_kernel_that_does_not_tell_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tpython\nVmHWM:\t  2048 kB\n")
    assert _mib(tmp_path / "status", "VmHWM") == 2.0
    assert _mib(tmp_path / "status", "VmPeak") is None
