"""What goes when a run, a plan or a dataset is removed, and what stands against it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from can_train.config.frozen import load_frozen
from can_train.config.schema import Parent, RunConfig
from can_train.dataset.manifest import DatasetRef
from can_train.errors import CanTrainError, PreflightError, counted
from can_train.pipeline.stored import ListedPlan, listed_plans
from can_train.runs.layout import frozen_of_run, identity_of, iter_runs
from can_train.runs.remove import remove_plan, remove_run
from can_train.runs.state import claimant


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Folders that go together.

    Attributes:
        runs, plans: Of runs, and of the records of plans.
        datasets: Of datasets.
        kept: Runs of a removed plan that stay, since another plan has them.
    """

    runs: tuple[Path, ...] = ()
    plans: tuple[Path, ...] = ()
    datasets: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that goes."""
        return (*self.runs, *self.plans, *self.datasets)

    def carry_out(self) -> None:
        """Removes them; the records of plans last, so that it can be repeated after a kill."""
        for run in self.runs:
            remove_run(run)
        for plan in self.plans:
            remove_plan(plan)
        for dataset in self.datasets:
            shutil.rmtree(dataset)


def removal_of_run(experiment_root: Path, run: Path) -> Removal:
    """A run, and the record of a plan that has no other stage.

    Raises:
        PreflightError: A process works on it, or others need it.
    """
    plans = [plan for plan in listed_plans(experiment_root) if run in _runs_of(plan)]
    for plan in plans:
        if any(other.is_dir() for other in _runs_of(plan) if other != run):
            raise PreflightError(
                f"run {run.name} is a stage of plan {plan.folder.name}, which couldn't be resumed "
                f"without it. Remove the plan with its runs: can-train rm {plan.folder.name}"
            )
    _refuse(experiment_root, [run])
    return Removal(runs=(run,), plans=tuple(plan.folder for plan in plans))


def removal_of_plan(experiment_root: Path, folder: Path) -> Removal:
    """A plan with its runs, but for those that another plan has.

    Raises:
        PreflightError: A process works on one of its runs, or others need one.
    """
    plans = listed_plans(experiment_root)
    mine = [run for plan in plans if plan.folder == folder for run in _runs_of(plan)]
    others = {run for plan in plans if plan.folder != folder for run in _runs_of(plan)}
    runs = tuple(run for run in mine if run not in others and run.is_dir())
    kept = tuple(run for run in mine if run in others)
    _refuse(experiment_root, runs)
    return Removal(runs=runs, plans=(folder,), kept=kept)


def removal_of_dataset(experiment_root: Path, data_root: Path, ref: DatasetRef) -> Removal:
    """A dataset.

    Raises:
        PreflightError: Runs were made of it.
    """
    runs = [r.name for r in iter_runs(experiment_root) if _is_of(r, ref)]
    if runs:
        raise PreflightError(
            f"dataset {ref.dataset}: {counted(len(runs), 'run')} under "
            f"{experiment_root} couldn't be evaluated or resumed without it: {_listed(runs)}. "
            f"Remove these first: can-train rm {runs[0]}"
        )
    return Removal(datasets=(ref.folder(data_root),))


def _refuse(experiment_root: Path, runs: Sequence[Path]) -> None:
    """Refuses runs that somebody works on, or that others were built on.

    Raises:
        PreflightError: There is one.
    """
    for run in runs:
        if (process := claimant(run)) is not None:
            raise PreflightError(
                f"{process} works on run {run.name}. End it: can-train cancel {run.name}"
            )
    for run in runs:
        builders = [r.name for r in _built_on(experiment_root, run) if r not in runs]
        if builders:
            raise PreflightError(
                f"run {run.name} was built on by {_listed(builders)}. "
                f"Remove that first: can-train rm {builders[0]}"
            )


def _built_on(experiment_root: Path, run: Path) -> Iterator[Path]:
    """Runs that consume the artifact of `run`; a frozen config that can't be read names none."""
    for other in iter_runs(experiment_root):
        try:
            config = load_frozen(frozen_of_run(other)).config
        except CanTrainError:
            continue
        if any(_is_made_by(parent, run) for parent in _parents(config)):
            yield other


def _parents(config: RunConfig) -> Iterator[Parent]:
    yield from config.experts.values()
    if config.distillation is not None:
        yield config.distillation.teacher


def _is_made_by(parent: Parent, run: Path) -> bool:
    by_path = parent.path is not None and Path(parent.path).is_relative_to(run.absolute())
    return parent.run_id == run.name or by_path


def _runs_of(plan: ListedPlan) -> list[Path]:
    return [stage.job.run_dir for stage in plan.stages]


def _is_of(run: Path, ref: DatasetRef) -> bool:
    words = identity_of(run)
    return (words.modality, words.dataset) == (ref.modality, ref.dataset)


def _listed(names: Iterable[str], most: int = 5) -> str:
    """Names, or the first of many."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
