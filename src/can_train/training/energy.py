"""Energy of a run, where the machine tells: counters of its CPU packages, and nvidia-smi.

A package's counter is everybody's: a run is charged its threads' share of the machine's CPUs. The
counter begins anew after some ten minutes at full power, so it is looked at more often.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from can_train.config.run_log import append_event
from can_train.runs.events import EnergyUsed

POWERCAP: Final = Path("/sys/class/powercap")
PACKAGES: Final = "intel-rapl:[0-9]*"
"""Domains of Linux's RAPL driver, AMD's among them; only root may read their counters on most."""

EVERY_S: Final = 30.0
ASK_S: Final = 5.0
"""How long nvidia-smi may take to answer."""

MICRO: Final = 1e-6
KILO: Final = 1e-3


@dataclass(slots=True, kw_only=True)
class Package:
    """The counter of one CPU package.

    Attributes:
        counter: Its file, in microjoules.
        range_uj: Where it begins anew.
        before_uj: What it said last.
        joules: Since the first look.
    """

    counter: Path
    range_uj: int
    before_uj: int
    joules: float = 0.0

    def look(self) -> None:
        """Adds what was used since the last look."""
        now = int(self.counter.read_text(encoding="ascii"))
        used = now - self.before_uj
        self.joules += MICRO * (used if used >= 0 else used + self.range_uj)
        self.before_uj = now


class EnergyMeter:
    """Measures while the block lasts, and tells the run's log at its end; silent where it can't.

    Args:
        run: Folder of the run.
        threads: CPU threads that it uses.
        powercap: Where the counters of packages are.
    """

    def __init__(self, run: Path, threads: int, powercap: Path = POWERCAP) -> None:
        self._run = run
        self._share = min(1.0, threads / (os.cpu_count() or 1))
        self._packages = list(_packages(powercap))
        self._has_gpu = gpu_power_w() is not None
        self._gpu_j = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._looked = time.monotonic()
        if self._packages or self._has_gpu:
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._thread.ident:
            return
        self._ended.set()
        self._thread.join()
        joules = sum(package.joules for package in self._packages) * self._share
        used = EnergyUsed(
            cpu_kj=round(joules * KILO, 3) if self._packages else None,
            gpu_kj=round(self._gpu_j * KILO, 3) if self._has_gpu else None,
        )
        append_event(self._run, used)

    def _watch(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(EVERY_S)
            for package in self._packages:
                package.look()
            now = time.monotonic()
            if self._has_gpu:
                self._gpu_j += (gpu_power_w() or 0.0) * (now - self._looked)
            self._looked = now


def gpu_power_w() -> float | None:
    """Watts that this process's GPUs draw together; None where nvidia-smi can't say."""
    if shutil.which("nvidia-smi") is None:
        return None
    words = ["nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    words += [f"--id={visible}"] if visible else []
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=ASK_S)
        return sum(float(line) for line in done.stdout.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _packages(powercap: Path) -> Iterator[Package]:
    """Counters that can be read; those of parts of a package have a second colon."""
    for domain in sorted(powercap.glob(PACKAGES)):
        try:
            if domain.name.count(":") > 1 or not _text(domain / "name").startswith("package"):
                continue
            counter = domain / "energy_uj"
            yield Package(
                counter=counter,
                range_uj=int(_text(domain / "max_energy_range_uj")),
                before_uj=int(_text(counter)),
            )
        except (OSError, ValueError):
            continue  # this machine doesn't tell


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii")
