"""Peak memory of this process between two looks: on its CUDA device and on the machine."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

MIB: Final = 2**20
_PROCESS: Final = Path("/proc/self")
_MACHINE: Final = Path("/proc/meminfo")
FORGET_PEAK: Final = "5"
"""Written to `clear_refs`, it sets the peak of the resident set back (Linux, proc(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakMemory:
    """Most memory that was in use since `reset_peak`; None where nobody tells it.

    Attributes:
        host_mib: Resident set of this process, in MiB.
        host_share: The same of the machine's memory, in (0, 1].
        device_allocated_mib: In tensors on the device, in MiB.
        device_reserved_mib: Held by torch's allocator on the device, in MiB.
        device_share: The same of the device's memory, in [0, 1].
    """

    host_mib: float | None = None
    host_share: float | None = None
    device_allocated_mib: float | None = None
    device_reserved_mib: float | None = None
    device_share: float | None = None


def reset_peak(device: torch.device) -> None:
    """From now on `peak_memory` is about what comes.

    Where the kernel doesn't let a process set its own peak back, that of the host stays the peak
    since the process began.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        (_PROCESS / "clear_refs").write_text(FORGET_PEAK)


def peak_memory(device: torch.device) -> PeakMemory:
    """The most that was in use since `reset_peak`, in this process and on `device`."""
    host, machine = _mib(_PROCESS / "status", "VmHWM"), _mib(_MACHINE, "MemTotal")
    share = None if host is None or machine is None else round(host / machine, 4)
    if device.type != "cuda":
        return PeakMemory(host_mib=host, host_share=share)
    reserved = torch.cuda.max_memory_reserved(device)
    whole = torch.cuda.get_device_properties(device).total_memory
    return PeakMemory(
        host_mib=host,
        host_share=share,
        device_allocated_mib=round(torch.cuda.max_memory_allocated(device) / MIB, 1),
        device_reserved_mib=round(reserved / MIB, 1),
        device_share=round(reserved / whole, 4),
    )


def _mib(path: Path, name: str) -> float | None:
    """A line such as `VmHWM:  1234 kB` of a file in /proc; None where the kernel has none."""
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return round(int(found[0]) / 1024, 1) if found else None
