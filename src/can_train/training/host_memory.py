"""How much memory this process may use on the host, how much it uses, and its peak."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from can_train.training.memory import GIB, MIB, MemoryDevice, MemoryLimit, PeakMemory

logger = logging.getLogger("can_train")

LEFT_OVER: Final = 64 * MIB
"""What a process leaves of its job's memory: for pages of files that it comes to read, and for
what else the job runs; half of what is free where that is less."""

_KIB: Final = 1024
_NO_LIMIT: Final = 2**60
"""Control groups of version 1 show this and more where there is no limit."""

_FORGET_PEAK: Final = "5"
"""Written to `clear_refs`, it sets the peak of the resident set back (Linux, proc(5))."""


class BoundedData:
    """In the block this process gets private memory (`RLIMIT_DATA`) up to a bound only.

    Args:
        most: Bytes.
    """

    def __init__(self, most: int) -> None:
        self._most, self._before = most, (0, 0)

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_DATA)
        bounds = [bound for bound in self._before if bound != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min([self._most, *bounds]), self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_DATA, self._before)


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
            yield MemoryLimit(name="Slurm", total=given, used=self.used(), kills=True)
        space = resource.getrlimit(resource.RLIMIT_AS)[0]
        if space != resource.RLIM_INFINITY:
            mapped = self._status("VmSize")
            yield MemoryLimit(name="address space", total=space, used=mapped)

    @property
    def is_killing(self) -> bool:
        """Whether Slurm or a control group bounds it."""
        return any(limit.kills for limit in self.limits())

    @property
    def device_class(self) -> str:
        """`cpu`, and the memory that it may use, in GiB."""
        least = min(limit.total for limit in self.limits())
        return f"cpu {max(1, round(least / GIB))} GiB"

    def hold(self) -> AbstractContextManager[object]:
        """Lets an allocation fail where Slurm or a control group would kill the job for it.

        Both look at what is resident, the kernel refuses what is mapped: private memory of this
        process, which grows with what becomes resident. So it may grow by what is free now, less
        what is left over. A limit that has been passed already is one that nobody keeps.
        """
        limits = [limit for limit in self.limits() if limit.kills and limit.free]
        data = _fields(self._root / "proc/self/status").get("VmData")
        if not limits or data is None:
            return contextlib.nullcontext()
        least = min(limits, key=lambda limit: limit.free)
        more = least.free - min(LEFT_OVER, least.free // 2)
        logger.info(
            "memory: beyond %.2f of %.2f GiB (%s) an allocation fails, before the job is killed",
            (least.used + more) / GIB, least.total / GIB, least.name,
        )  # fmt: skip
        return BoundedData(data + more)

    def forget_peak(self) -> None:
        """The peak begins anew.

        Where the kernel doesn't let a process forget, it is that since the process began: what is
        measured is then too much, and a batch too small rather than too large.
        """
        with contextlib.suppress(OSError):
            (self._root / "proc/self/clear_refs").write_text(_FORGET_PEAK, encoding="ascii")

    def settle(self) -> None:
        """Gives the heap's free pages back, and forgets the peak."""
        ctypes.CDLL(None).malloc_trim(0)
        self.forget_peak()

    def used(self) -> int:
        """The resident set."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The largest resident set; where the kernel doesn't tell, that of now."""
        return self._status("VmHWM", "VmRSS")

    def peaks(self) -> PeakMemory:
        """Of the least that is allowed; of an address space what was mapped."""
        limits = list(self.limits())
        spaces = [limit.total for limit in limits if limit.name == "address space"]
        others = [limit.total for limit in limits if limit.name != "address space"]
        mapped = self._status("VmPeak", "VmSize") / spaces[0] if spaces else 0.0
        peak = self.peak()
        share = max(peak / min(others), mapped)
        return PeakMemory(host_mib=round(peak / MIB, 1), host_share=round(share, 4))

    def _status(self, *names: str) -> int:
        """The first of these lines that the kernel has."""
        found = _fields(self._root / "proc/self/status")
        return next(found[name] for name in names if name in found)

    def _control_groups(self) -> Iterator[MemoryLimit]:
        """That of this process and those around it, of version 2 and of version 1."""
        for line in _text(self._root / "proc/self/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                kind = "", "memory.max", "memory.current", ""
            elif "memory" in controllers.split(","):
                kind = "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
            else:
                continue
            top = self._root / "sys/fs/cgroup" / kind[0]
            folder = top / path.lstrip("/")
            for group in (folder, *folder.parents):
                if not group.is_relative_to(top):
                    break
                yield from _control_group(group, *kind[1:])


def _control_group(group: Path, most: str, now: str, prefix: str) -> Iterator[MemoryLimit]:
    """A group's limit; pages of files aren't counted as used: they are dropped before it kills."""
    total = _text(group / most).strip()
    if not total.isdigit() or int(total) >= _NO_LIMIT:
        return
    stat = dict(line.split(" ", 1) for line in _text(group / "memory.stat").splitlines())
    files = sum(int(stat.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
    used = max(0, int(_text(group / now) or 0) - files)
    yield MemoryLimit(name="control group", total=int(total), used=used, kills=True)


def _slurm_bytes(environ: Mapping[str, str]) -> int:
    """Memory that Slurm gives to this job on this node, in bytes; 0: it doesn't say."""
    if (mib := environ.get("SLURM_MEM_PER_NODE", "")).isdigit():
        return int(mib) * MIB
    each, cpus = environ.get("SLURM_MEM_PER_CPU", ""), environ.get("SLURM_CPUS_ON_NODE", "")
    return int(each) * int(cpus) * MIB if each.isdigit() and cpus.isdigit() else 0


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
