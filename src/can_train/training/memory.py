"""What a device says about its memory: how much there is, how much is used, and the peak."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20
GIB: Final = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """Something that bounds the memory of this process.

    Attributes:
        name: What it is: `physical memory`, `control group`, of a job, `address space`.
        total: Bytes that it allows.
        used: Bytes of them that are in use, also by others.
        kills: Whether it is one of this job, and what goes beyond it is killed and not refused.
    """

    name: str
    total: int
    used: int
    kills: bool = False

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return max(0, self.total - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakMemory:
    """Most memory that was in use for some time, in this process and on its device.

    Attributes:
        host_mib: Resident set of this process, in MiB.
        host_share: The same of what it may use.
        device_allocated_mib: In tensors on a CUDA device, in MiB; None without one.
        device_reserved_mib: Held by torch's allocator on it, in MiB.
        device_share: The same of the device's memory.
    """

    host_mib: float
    host_share: float
    device_allocated_mib: float | None = None
    device_reserved_mib: float | None = None
    device_share: float | None = None

    @property
    def share(self) -> float:
        """That of the device something is trained on."""
        return self.host_share if self.device_share is None else self.device_share


class MemoryDevice(ABC):
    """Memory of the device that something is trained on."""

    @abstractmethod
    def limit(self) -> MemoryLimit:
        """What leaves least."""

    @property
    def is_killing(self) -> bool:
        """Whether a job is killed, and nothing fails, where it takes too much."""
        return False

    @property
    @abstractmethod
    def device_class(self) -> str:
        """Kind of device and its memory, the same on equal devices."""

    @abstractmethod
    def forget_peak(self) -> None:
        """From now on `peak` and `peaks` are about what comes."""

    @abstractmethod
    def settle(self) -> None:
        """Gives back what isn't used any more, and forgets the peak."""

    @abstractmethod
    def used(self) -> int:
        """Bytes that this process uses."""

    @abstractmethod
    def peak(self) -> int:
        """Most bytes that it used since the peak was forgotten."""

    @abstractmethod
    def peaks(self) -> PeakMemory:
        """The same for records, with what is held in reserve."""

    def hold(self) -> AbstractContextManager[object]:
        """A block in which what a job would be killed for fails instead.

        It can be entered any number of times, and does nothing where that can't be had.
        """
        return contextlib.nullcontext()
