"""Where stages are trained, and the memory of that device."""

from __future__ import annotations

from dataclasses import replace

import torch

from can_train.training.host_memory import CpuMemory
from can_train.training.memory import MIB, MemoryDevice, MemoryLimit, PeakMemory


class CudaMemory(MemoryDevice):
    """A CUDA device: what torch allocated, and what it reserved.

    Args:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._host = device, CpuMemory()

    def limit(self) -> MemoryLimit:
        """Its memory; what torch holds in reserve is free."""
        free, total = torch.cuda.mem_get_info(self._device)
        reserve = torch.cuda.memory_reserved(self._device) - self.used()
        return MemoryLimit(name="device memory", total=total, used=total - free - reserve)

    @property
    def device_class(self) -> str:
        """Its name, which tells its memory, too."""
        return torch.cuda.get_device_name(self._device)

    def forget_peak(self) -> None:
        """On the device and on the host."""
        torch.cuda.reset_peak_memory_stats(self._device)
        self._host.forget_peak()

    def settle(self) -> None:
        """Empties torch's reserve, and forgets the peak."""
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        self.forget_peak()

    def used(self) -> int:
        """In tensors."""
        return torch.cuda.memory_allocated(self._device)

    def peak(self) -> int:
        """In tensors."""
        return torch.cuda.max_memory_allocated(self._device)

    def peaks(self) -> PeakMemory:
        """On the device what was reserved counts, which is never less than allocated."""
        reserved = torch.cuda.max_memory_reserved(self._device)
        return replace(
            self._host.peaks(),
            device_allocated_mib=round(self.peak() / MIB, 1),
            device_reserved_mib=round(reserved / MIB, 1),
            device_share=round(reserved / self.limit().total, 4),
        )


def training_device() -> torch.device:
    """Where stages are trained: on a CUDA device if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def memory_of(device: torch.device) -> MemoryDevice:
    """Memory of `device`."""
    return CudaMemory(device) if device.type == "cuda" else CpuMemory()
