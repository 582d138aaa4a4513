"""What a sweep cost, from the records of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.config.frozen import frozen_config_of
from can_train.config.run_log import read_events
from can_train.errors import CanTrainError, counted
from can_train.jobs.board import Row
from can_train.jobs.executor import executors
from can_train.runs.events import EnergyUsed
from can_train.runs.layout import summary_path
from can_train.runs.summary import read_figures

HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What runs cost.

    Attributes:
        runs: How many of them ever started.
        hours: Hours that they worked, one after another.
        cpu_hours: The same times the CPU threads of each.
        gpu_hours: The same times the GPUs that each asked for.
        energy_kwh: What all of their attempts used; None: none of their machines tells.
    """

    runs: int
    hours: float
    cpu_hours: float
    gpu_hours: float
    energy_kwh: float | None = None

    @property
    def words(self) -> str:
        """In a line."""
        gpus = f", {self.gpu_hours:.2f} GPU-hours" if self.gpu_hours else ""
        energy = "n/a" if self.energy_kwh is None else f"{self.energy_kwh:.3g} kWh"
        return (
            f"the bill: {counted(self.runs, 'run')}, {self.cpu_hours:.2f} CPU-hours{gpus}, "
            f"energy {energy} "
            f"({self.hours:.2f} hours of work)"
        )


def bill_of(rows: Sequence[Row], plan: Path) -> Bill:
    """What runs cost: training, calibration and what else their jobs did; each run once.

    Args:
        rows: How they stand.
        plan: Folder of their plan, for which executors tell the GPUs that they gave.
    """
    gpus = {n: count for each in executors().values() for n, count in each.gpus(plan).items()}
    costs = [(row.job.run_dir, seconds) for row in rows if (seconds := _seconds(row)) is not None]
    cpus = {run: _cpus(run) for run, _ in costs}
    return Bill(
        runs=len(costs),
        hours=_hours(seconds for _, seconds in costs),
        cpu_hours=_hours(seconds * cpus[run] for run, seconds in costs),
        gpu_hours=_hours(seconds * gpus.get(run.name, 0) for run, seconds in costs),
        energy_kwh=_energy_kwh([run for run, _ in costs]),
    )


def _seconds(row: Row) -> float | None:
    """Time of its latest attempt, or that of training where it is longer; None: never started."""
    path = summary_path(row.job.run_dir)
    trained = read_figures(row.job.run_dir).get("seconds") if path.is_file() else None
    known = [seconds for seconds in (row.elapsed_s, trained) if seconds is not None]
    return max(known) if known else None


def _energy_kwh(runs: Sequence[Path]) -> float | None:
    """Energy of all attempts of these runs that could tell."""
    used = [
        kilojoules
        for run in runs
        for logged in read_events(run)
        if isinstance(logged.event, EnergyUsed)
        for kilojoules in (logged.event.cpu_kj, logged.event.gpu_kj)
        if kilojoules is not None
    ]
    return sum(used) / HOUR_S if used else None


def _cpus(run: Path) -> float:
    """Threads of all processes that trained it."""
    path = summary_path(run)
    processes = read_figures(run).get("processes", 1) if path.is_file() else 1
    try:
        return processes * frozen_config_of(run).config.training.threads
    except CanTrainError:
        return processes


def _hours(seconds: Iterable[float]) -> float:
    return sum(seconds) / HOUR_S
