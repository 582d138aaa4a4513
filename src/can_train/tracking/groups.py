"""Which plan and which sweep a run belongs to: its parents in MLflow (stdlib only)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from can_train.errors import CanTrainError
from can_train.files import read_object
from can_train.runs.layout import iter_plans, iter_sweeps, manifest_path, plan_path
from can_train.runs.state import current_status


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGroup:
    """Runs that belong together.

    Attributes:
        kind: What made them.
        name: Its id.
        runs: Their folders.
        created_s: When it was made, in seconds since 1970.
    """

    kind: Literal["plan", "sweep"]
    name: str
    runs: tuple[Path, ...]
    created_s: float

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.kind}/{self.name}"

    @property
    def state(self) -> str:
        """As MLflow calls it: RUNNING, FINISHED or FAILED."""
        states = {_state(run) for run in self.runs}
        if states <= {"finished"}:
            return "FINISHED"
        return "RUNNING" if states & {"planned", "pending", "running"} else "FAILED"

    @property
    def ended_ms(self) -> int | None:
        """When the last of its runs ended, in milliseconds since 1970; None: nobody knows."""
        known = [ended for run in self.runs if (ended := _ended_s(run)) is not None]
        return int(max(known) * 1000) if known else None


def groups_of(experiment_root: Path, run: Path) -> tuple[RunGroup, ...]:
    """Sweeps and plans with several runs that `run` is one of; the first is its parent."""
    found = [*_sweeps(experiment_root), *_plans(experiment_root)]
    return tuple(group for group in found if len(group.runs) > 1 and run in group.runs)


def _plans(experiment_root: Path) -> Iterator[RunGroup]:
    for folder in iter_plans(experiment_root):
        yield _group("plan", plan_path(folder), experiment_root)


def _sweeps(experiment_root: Path) -> Iterator[RunGroup]:
    for folder in iter_sweeps(experiment_root):
        yield _group("sweep", manifest_path(folder), experiment_root)


def _group(kind: Literal["plan", "sweep"], path: Path, experiment_root: Path) -> RunGroup:
    record = _read(path)
    return RunGroup(
        kind=kind,
        name=path.parent.name,
        runs=tuple(dict.fromkeys(experiment_root / run for run in _run_dirs(record))),
        created_s=_created_s(record, path),
    )


def _created_s(record: Mapping[str, object], path: Path) -> float:
    """When a record says that it was made; else when it was written."""
    told = record.get("created_at")
    try:
        return datetime.fromisoformat(str(told)).timestamp()
    except ValueError:
        return path.stat().st_mtime


def _read(path: Path) -> Mapping[str, object]:
    """A record; a damaged one groups nothing, and other commands name it."""
    try:
        return read_object(path)
    except (CanTrainError, OSError):
        return {}


def _run_dirs(value: object) -> Iterator[str]:
    """Every run that a record names, in its order, however deep."""
    if isinstance(value, dict) and isinstance(value.get("run_dir"), str):
        yield value["run_dir"]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _run_dirs(item)


def _state(run: Path) -> str:
    try:
        status = current_status(run)
    except CanTrainError:
        return "damaged"
    return "planned" if status is None else status.state


def _ended_s(run: Path) -> float | None:
    try:
        status = current_status(run)
    except CanTrainError:
        return None
    return None if status is None else status.ended_at
