"""What bounds the memory of a process on a CPU, and its peak."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from can_train.training.host_memory import CpuMemory
from can_train.training.memory import GIB, MIB

MEMINFO = "MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB\n"
STATUS = (
    "Name: python\nVmSize: 4194304 kB\nVmPeak: 4194304 kB\nVmHWM: 1048576 kB\nVmRSS: 524288 kB\n"
)


def machine(root: Path, files: Mapping[str, str]) -> CpuMemory:
    for name, text in {"proc/meminfo": MEMINFO, "proc/self/status": STATUS, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return CpuMemory({}, root)


def test_a_machine_without_limits(tmp_path: Path) -> None:
    memory = machine(tmp_path, {})
    limit = memory.limit()
    assert (limit.name, limit.total, limit.free) == ("physical memory", 16 * GIB, 8 * GIB)
    assert memory.device_class == "cpu 16 GiB"
    assert memory.used() == GIB // 2
    assert memory.peaks().host_share == pytest.approx(1 / 16, abs=1e-4)


@pytest.mark.parametrize(
    "files",
    [
        {  # version 2: the limit stands at a group around this one
            "proc/self/cgroup": "0::/job/step\n",
            "sys/fs/cgroup/job/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/job/memory.current": f"{GIB}\n",
            "sys/fs/cgroup/job/memory.stat": (
                f"anon 1\nactive_file {GIB // 4}\ninactive_file {GIB // 4}\n"
            ),
            "sys/fs/cgroup/job/step/memory.max": "max\n",
        },
        {  # version 1
            "proc/self/cgroup": "5:cpu:/\n4:memory:/job\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory/job/memory.usage_in_bytes": f"{GIB}\n",
            "sys/fs/cgroup/memory/job/memory.stat": (
                f"active_file 1\ntotal_active_file 0\ntotal_inactive_file {GIB // 2}\n"
            ),
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    ],
)
def test_a_control_group_bounds_and_pages_of_files_are_free(
    tmp_path: Path, files: Mapping[str, str]
) -> None:
    memory = machine(tmp_path, files)
    limit = memory.limit()
    assert (limit.name, limit.total, limit.free) == ("control group", 2 * GIB, 3 * GIB // 2)
    assert memory.device_class == "cpu 2 GiB"
    assert memory.peaks().host_share == pytest.approx(0.5)


@pytest.mark.parametrize(
    "environ",
    [
        {"SLURM_MEM_PER_NODE": "1024"},
        {"SLURM_MEM_PER_CPU": "256", "SLURM_CPUS_ON_NODE": "4"},
    ],
)
def test_slurm_bounds(tmp_path: Path, environ: Mapping[str, str]) -> None:
    machine(tmp_path, {})
    limit = CpuMemory(environ, tmp_path).limit()
    assert (limit.name, limit.total, limit.free) == ("Slurm", GIB, GIB // 2)


def test_a_limit_of_the_address_space_bounds(tmp_path: Path) -> None:
    memory = machine(tmp_path, {})
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (64 * GIB, before[1]))
    try:
        found = {limit.name: limit.free for limit in memory.limits()}
        share = memory.peaks().host_share
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert found["address space"] == 60 * GIB
    assert share == pytest.approx(4 / 64)


def test_the_peak_is_of_what_came_since() -> None:
    memory = CpuMemory()
    array = np.ones(64 * MIB // 8)
    del array
    memory.settle()
    before = memory.used()
    assert memory.peak() - before < 8 * MIB
    array = np.ones(32 * MIB // 8)
    assert 30 * MIB < memory.peak() - before < 48 * MIB
    peaks = memory.peaks()
    assert peaks.host_mib == pytest.approx(memory.peak() / MIB, abs=1)
    assert 0 < peaks.share == peaks.host_share < 1
    assert peaks.device_allocated_mib is peaks.device_reserved_mib is peaks.device_share is None
    del array


def test_a_kernel_that_tells_no_peak_stops_nobody(tmp_path: Path) -> None:
    plain = "Name: python\nVmSize: 4194304 kB\nVmRSS: 524288 kB\n"
    memory = machine(tmp_path, {"proc/self/status": plain})
    memory.settle()
    assert memory.peak() == GIB // 2
    assert memory.peaks().host_share == pytest.approx(1 / 32, abs=1e-4)


IN_A_JOB = """
import logging, resource, sys
import torch
from can_train.training.host_memory import CpuMemory
from can_train.training.memory import MIB

logging.basicConfig(level="INFO", format="%(message)s")
torch.ones(2**20).sum()
memory = CpuMemory({"SLURM_MEM_PER_NODE": str(CpuMemory().used() // MIB + int(sys.argv[1]))})
before, hold = resource.getrlimit(resource.RLIMIT_DATA), memory.hold()
fits = []
for mib in map(int, sys.argv[2:]):
    with hold:
        try:
            torch.ones(mib * MIB // 4)
            fits.append("fits")
        except RuntimeError as error:
            fits.append("fails" if "allocate memory" in str(error) else str(error))
        small = [bytes(100) for _ in range(1000)]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
torch.ones(int(sys.argv[1]) * MIB // 4)
print(*fits)
"""


@pytest.mark.parametrize(
    ("free", "sizes", "expected"),
    [
        (512, (410, 470, 410), "fits fails fits"),  # 64 MiB are left over
        (100, (40, 60, 40), "fits fails fits"),  # half
    ],
)
def test_a_job_fails_to_allocate_before_it_is_killed(
    free: int, sizes: tuple[int, ...], expected: str
) -> None:
    words = [sys.executable, "-c", IN_A_JOB, str(free), *map(str, sizes)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected.split()
    assert "GiB (Slurm) an allocation fails, before the job is killed" in done.stderr


def refuses_nothing(memory: CpuMemory) -> bool:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with memory.hold():
        return resource.getrlimit(resource.RLIMIT_DATA) == before


def test_what_is_not_of_a_job_refuses_nothing(tmp_path: Path) -> None:
    memory = machine(tmp_path, {})  # physical memory alone: others may give theirs back
    assert not memory.is_killing and refuses_nothing(memory)


def test_a_kernel_that_does_not_say_what_is_mapped_refuses_nothing(tmp_path: Path) -> None:
    machine(tmp_path, {})
    memory = CpuMemory({"SLURM_MEM_PER_NODE": "1024"}, tmp_path)
    assert memory.is_killing and refuses_nothing(memory)


def test_a_limit_that_nobody_keeps_refuses_nothing() -> None:
    assert refuses_nothing(CpuMemory({"SLURM_MEM_PER_NODE": "10"}))  # this process takes more


def test_a_bound_of_the_user_stays(tmp_path: Path) -> None:
    machine(tmp_path, {"proc/self/status": STATUS + "VmData: 524288 kB\n"})
    memory = CpuMemory({"SLURM_MEM_PER_NODE": "65536"}, tmp_path)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert not refuses_nothing(memory)
    resource.setrlimit(resource.RLIMIT_DATA, (16 * GIB, before[1]))
    try:
        assert refuses_nothing(memory)  # 15 GiB are free
        assert resource.getrlimit(resource.RLIMIT_DATA) == (16 * GIB, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
