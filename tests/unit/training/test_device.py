"""A device and its memory."""

from __future__ import annotations

import pytest
import torch

from can_train.training.device import memory_of, training_device
from can_train.training.host_memory import CpuMemory
from can_train.training.memory import MIB


def test_the_memory_of_a_cpu_is_that_of_the_host() -> None:
    assert isinstance(memory_of(torch.device("cpu")), CpuMemory)


@pytest.mark.gpu
def test_a_cuda_device_knows_its_peak_and_gives_back_what_is_free() -> None:
    memory = memory_of(training_device())
    memory.settle()
    before, free = memory.used(), memory.limit().free
    tensor = torch.ones(256 * MIB // 4, device="cuda")
    assert memory.peak() - before == pytest.approx(256 * MIB, rel=0.01)
    assert free - memory.limit().free == pytest.approx(256 * MIB, rel=0.05)
    peaks = memory.peaks()
    del tensor
    assert peaks.device_allocated_mib is not None and peaks.device_reserved_mib is not None
    assert peaks.device_reserved_mib >= peaks.device_allocated_mib >= 256
    assert 0 < memory.peaks().share < 1
    memory.settle()
    assert memory.limit().free == pytest.approx(free, rel=0.01)
    assert memory.device_class == torch.cuda.get_device_name()
