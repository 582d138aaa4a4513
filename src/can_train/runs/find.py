"""Runs by what users call them: a run, a plan or a dataset (stdlib only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from can_train.errors import ArtifactError, PreflightError
from can_train.files import read_object
from can_train.runs.layout import find_run, iter_plans, iter_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Runs that were asked for, each once.

    Attributes:
        named: Runs that were named, by themselves or by their plan.
        found: Further runs, of datasets that were named.
    """

    named: tuple[Path, ...]
    found: tuple[Path, ...]


def select_runs(root: Path, names: Sequence[str]) -> Selection:
    """The runs that `names` mean under the experiment root.

    Raises:
        PreflightError: A name means nothing, or several things.
    """
    named: dict[Path, None] = {}
    found: dict[Path, None] = {}
    for name in names:
        plan, of_dataset = plan_called(root, name), runs_of_dataset(root, name)
        if plan is not None:
            named |= dict.fromkeys(runs_of_plan(root, plan))
        elif of_dataset:
            found |= dict.fromkeys(of_dataset)
        else:
            named[_run_called(root, name)] = None
    return Selection(named=tuple(named), found=tuple(run for run in found if run not in named))


def plan_called(root: Path, name: str) -> Path | None:
    """The plan with this folder, id or beginning of an id; None if there isn't exactly one."""
    if (Path(name) / "plan.json").is_file():
        return Path(name)
    plans = [plan for plan in iter_plans(root) if plan.name.startswith(name)]
    return plans[0] if len(plans) == 1 else None


def runs_of_plan(root: Path, plan: Path) -> list[Path]:
    """Run folders of a plan in the order of its stages.

    Raises:
        ArtifactError: `plan.json` is damaged.
    """
    stages = read_object(plan / "plan.json").get("stages")
    if not isinstance(stages, list):
        raise ArtifactError(f"{plan / 'plan.json'}: has no stages. Give the command again")
    return [root / str(stage["run_dir"]) for stage in stages]


def runs_of_dataset(root: Path, name: str) -> list[Path]:
    """Run folders of all runs on one dataset; empty if there are none."""
    return [run for run in iter_runs(root) if run.relative_to(root).parts[1] == name]


def _run_called(root: Path, name: str) -> Path:
    try:
        return find_run(root, name)
    except PreflightError as error:
        datasets = sorted({run.relative_to(root).parts[1] for run in iter_runs(root)})
        have = f" Datasets with runs: {', '.join(datasets)}." if datasets else ""
        raise PreflightError(f"{error}{have}") from error
