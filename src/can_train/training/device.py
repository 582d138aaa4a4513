"""How much memory a device has and how much of it this process uses: CUDA and CPU alike."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from can_train.training.memory import FORGET_PEAK

GIB: Final = 2**30
_KIB: Final = 1024
_MIB: Final = 2**20
_NO_LIMIT: Final = 2**60
"""Control groups of version 1 show this and more where there is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """Something that bounds the memory of this process.

    Attributes:
        name: What it is: `physical memory`, `control group`, `Slurm`, `address space`.
        total: Bytes that it allows.
        used: Bytes of them that are in use, also by others.
    """

    name: str
    total: int
    used: int

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return max(0, self.total - self.used)


class MemoryDevice(ABC):
    """Memory of the device that something is trained on."""

    @abstractmethod
    def limit(self) -> MemoryLimit:
        """What leaves least."""

    @property
    @abstractmethod
    def device_class(self) -> str:
        """Kind of device and its memory, the same on equal devices."""

    @abstractmethod
    def settle(self) -> None:
        """Gives back what isn't used any more; `peak` is about what comes after."""

    @abstractmethod
    def used(self) -> int:
        """Bytes that this process uses."""

    @abstractmethod
    def peak(self) -> int:
        """Most bytes that it used since `settle`."""

    @abstractmethod
    def peak_share(self) -> float:
        """The same of what it is allowed, with what is held in reserve."""


class CudaMemory(MemoryDevice):
    """A CUDA device: what torch allocated, and what it reserved.

    Args:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def limit(self) -> MemoryLimit:
        """Its memory; what torch holds in reserve is free."""
        free, total = torch.cuda.mem_get_info(self._device)
        reserve = torch.cuda.memory_reserved(self._device) - self.used()
        return MemoryLimit(name="device memory", total=total, used=total - free - reserve)

    @property
    def device_class(self) -> str:
        """Its name, which tells its memory, too."""
        return torch.cuda.get_device_name(self._device)

    def settle(self) -> None:
        """Empties torch's reserve."""
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self._device)

    def used(self) -> int:
        """In tensors."""
        return torch.cuda.memory_allocated(self._device)

    def peak(self) -> int:
        """In tensors."""
        return torch.cuda.max_memory_allocated(self._device)

    def peak_share(self) -> float:
        """Reserved, which is never less than allocated."""
        reserved = torch.cuda.max_memory_reserved(self._device)
        return reserved / self.limit().total


class CpuMemory(MemoryDevice):
    """The machine, or the part of it that this process may use.

    Args:
        environ: Where Slurm says what it gives.
        root: Of `proc` and `sys`; tests have their own.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> None:
        self._environ, self._root = environ, root

    def limit(self) -> MemoryLimit:
        """Physical memory, a control group, Slurm or the address space: what leaves least."""
        return min(self.limits(), key=lambda limit: limit.free)

    def limits(self) -> Iterator[MemoryLimit]:
        """All that there are."""
        memory = _fields(self._root / "proc/meminfo")
        total = memory["MemTotal"]
        used = total - memory.get("MemAvailable", memory.get("MemFree", total))
        yield MemoryLimit(name="physical memory", total=total, used=used)
        yield from self._control_groups()
        given = _slurm_bytes(self._environ)
        if given:
            yield MemoryLimit(name="Slurm", total=given, used=self.used())
        space = resource.getrlimit(resource.RLIMIT_AS)[0]
        if space != resource.RLIM_INFINITY:
            mapped = self._status("VmSize")
            yield MemoryLimit(name="address space", total=space, used=mapped)

    @property
    def device_class(self) -> str:
        """`cpu`, and the memory that it may use, in GiB."""
        least = min(limit.total for limit in self.limits())
        return f"cpu {max(1, round(least / GIB))} GiB"

    def settle(self) -> None:
        """Gives the heap's free pages back, and forgets the peak.

        Where the kernel doesn't let a process forget, the peak is that since it began: what is
        measured is then too much, and a batch too small rather than too large.
        """
        ctypes.CDLL(None).malloc_trim(0)
        with contextlib.suppress(OSError):
            (self._root / "proc/self/clear_refs").write_text(FORGET_PEAK, encoding="ascii")

    def used(self) -> int:
        """The resident set."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The largest resident set."""
        return self._status("VmHWM")

    def peak_share(self) -> float:
        """Of the least that is allowed; of an address space what was mapped."""
        spaces = [limit.total for limit in self.limits() if limit.name == "address space"]
        others = [limit.total for limit in self.limits() if limit.name != "address space"]
        mapped = self._status("VmPeak") / spaces[0] if spaces else 0.0
        return max(self.peak() / min(others), mapped)

    def _status(self, name: str) -> int:
        return _fields(self._root / "proc/self/status")[name]

    def _control_groups(self) -> Iterator[MemoryLimit]:
        """That of this process and those around it, of version 2 and of version 1."""
        for line in _text(self._root / "proc/self/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                kind = "", "memory.max", "memory.current", "inactive_file"
            elif "memory" in controllers.split(","):
                kind = (
                    "memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                    "total_inactive_file",
                )  # fmt: skip
            else:
                continue
            top = self._root / "sys/fs/cgroup" / kind[0]
            folder = top / path.lstrip("/")
            for group in (folder, *folder.parents):
                if not group.is_relative_to(top):
                    break
                yield from _control_group(group, *kind[1:])


def training_device() -> torch.device:
    """Where stages are trained: on a CUDA device if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def memory_of(device: torch.device) -> MemoryDevice:
    """Memory of `device`."""
    return CudaMemory(device) if device.type == "cuda" else CpuMemory()


def _control_group(group: Path, most: str, now: str, idle: str) -> Iterator[MemoryLimit]:
    """A group's limit; pages of files that can be dropped at once aren't counted as used."""
    total = _text(group / most).strip()
    if not total.isdigit() or int(total) >= _NO_LIMIT:
        return
    stat = dict(line.split(" ", 1) for line in _text(group / "memory.stat").splitlines())
    used = int(_text(group / now) or 0) - int(stat.get(idle, 0))
    yield MemoryLimit(name="control group", total=int(total), used=max(0, used))


def _slurm_bytes(environ: Mapping[str, str]) -> int:
    """Memory that Slurm gives to this job on this node, in bytes; 0: it doesn't say."""
    if (mib := environ.get("SLURM_MEM_PER_NODE", "")).isdigit():
        return int(mib) * _MIB
    each, cpus = environ.get("SLURM_MEM_PER_CPU", ""), environ.get("SLURM_CPUS_ON_NODE", "")
    return int(each) * int(cpus) * _MIB if each.isdigit() and cpus.isdigit() else 0


def _fields(path: Path) -> dict[str, int]:
    """Lines such as `VmHWM:  1234 kB` in bytes."""
    pairs = (line.split(":", 1) for line in _text(path).splitlines() if line.endswith(" kB"))
    return {name: int(value.split()[0]) * _KIB for name, value in pairs}


def _text(path: Path) -> str:
    """Content of a file of the kernel; empty where it has none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
