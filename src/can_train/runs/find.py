"""Runs, plans and datasets by what users call them: one rule for all commands (stdlib only).

A name is a folder, an id, or the beginning of exactly one id. An id that is whole wins over ids
that begin with it; an empty name means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from can_train.errors import ArtifactError, PreflightError
from can_train.files import read_object
from can_train.runs.layout import (
    identity_of,
    is_plan,
    is_run,
    is_sweep,
    iter_plans,
    iter_runs,
    iter_sweeps,
    plan_dir,
    plan_path,
    sweep_dir,
)

Kind = Literal["run", "plan", "sweep", "dataset"]

RUN_OR_PLAN: Final[tuple[Kind, ...]] = ("run", "plan")
_ALL: Final[tuple[Kind, ...]] = ("run", "plan", "dataset")
_IS: Final[Mapping[Kind, Callable[[Path], bool]]] = {
    "run": is_run,
    "plan": is_plan,
    "sweep": is_sweep,
}
"""Kinds that a folder's own content tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a name means.

    Attributes:
        kind: What it is.
        folder: Its folder; that of a dataset holds its runs.
    """

    kind: Kind
    folder: Path

    @property
    def name(self) -> str:
        """Its id; a dataset's name."""
        return self.folder.name

    @property
    def label(self) -> str:
        """Its name as messages show it; a dataset's with its modality."""
        return f"{self.folder.parent.name}/{self.name}" if self.kind == "dataset" else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Runs that were asked for, each once.

    Attributes:
        named: Runs that were named, by themselves or by their plan.
        found: Further runs, of datasets that were named.
    """

    named: tuple[Path, ...]
    found: tuple[Path, ...]


def find(experiment_root: Path, name: str, kinds: Sequence[Kind]) -> Found:
    """The run, plan or dataset called `name`.

    Args:
        experiment_root: Where runs lie.
        name: A folder, an id, or the beginning of exactly one id.
        kinds: What may be meant.

    Raises:
        PreflightError: Nothing, or several things, are called so.
    """
    if not name:
        raise PreflightError(
            f"an empty name means no {' or '.join(kinds)}. Give an id, the beginning of one, or a "
            f"folder; show what exists: can-train status --experiment-root {experiment_root}"
        )
    path = Path(name).resolve()
    for kind in kinds:
        if kind in _IS and _IS[kind](path):
            return Found(kind=kind, folder=path)
    known = [found for kind in kinds for found in _known(experiment_root, kind)]
    exact = [found for found in known if name == found.name or path == found.folder.resolve()]
    matching = exact or [found for found in known if found.name.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    raise _several(name, matching) if matching else _nothing(experiment_root, name, kinds)


def find_run(experiment_root: Path, name: str) -> Path:
    """Folder of the run called `name`.

    Raises:
        PreflightError: No run, or several, are called so.
    """
    return find(experiment_root, name, ("run",)).folder


def find_plan(experiment_root: Path, name: str) -> Path:
    """Folder of the plan called `name`.

    Raises:
        PreflightError: No plan, or several, are called so.
    """
    return find(experiment_root, name, ("plan",)).folder


def find_sweep(experiment_root: Path, name: str) -> Path:
    """Folder of the sweep called `name`.

    Raises:
        PreflightError: No sweep, or several, are called so.
    """
    return find(experiment_root, name, ("sweep",)).folder


def select(experiment_root: Path, names: Sequence[str]) -> Selection:
    """The runs that `names` mean: runs, plans and datasets.

    Raises:
        PreflightError: A name means nothing, or several things.
        ArtifactError: The record of a plan is damaged.
    """
    named: dict[Path, None] = {}
    found: dict[Path, None] = {}
    for name in names:
        meant = find(experiment_root, name, _ALL)
        if meant.kind == "dataset":
            runs = (r for r in iter_runs(experiment_root) if meant.folder in r.parents)
            found |= dict.fromkeys(runs)
        elif meant.kind == "plan":
            named |= dict.fromkeys(_runs_of_plan(experiment_root, meant.folder))
        else:
            named[meant.folder] = None
    return Selection(named=tuple(named), found=tuple(run for run in found if run not in named))


def _known(experiment_root: Path, kind: Kind) -> Iterator[Found]:
    """Everything of one kind; datasets are known by their runs."""
    listed = {"plan": iter_plans, "sweep": iter_sweeps}.get(kind, iter_runs)
    folders = list(listed(experiment_root))
    if kind == "dataset":
        words = map(identity_of, folders)
        folders = [experiment_root / w.modality / w.dataset for w in words]
    yield from (Found(kind=kind, folder=folder) for folder in dict.fromkeys(folders))


def _runs_of_plan(experiment_root: Path, plan: Path) -> list[Path]:
    """Run folders of a plan in the order of its stages."""
    path = plan_path(plan)
    stages = read_object(path).get("stages")
    if not isinstance(stages, list):
        raise ArtifactError(f"{path}: has no stages. Give the command again")
    return [experiment_root / str(stage["run_dir"]) for stage in stages]


def _several(name: str, matching: Sequence[Found]) -> PreflightError:
    kinds = list(dict.fromkeys(found.kind for found in matching))
    listed = ", ".join(
        found.label if len(kinds) == 1 else f"{found.kind} {found.label}" for found in matching
    )
    what = " and ".join(f"{kind}s" for kind in kinds)
    return PreflightError(
        f"{name} is the beginning of several {what}: {listed}. Give more letters."
    )


def _nothing(experiment_root: Path, name: str, kinds: Sequence[Kind]) -> PreflightError:
    if "run" not in kinds:
        place = plan_dir if "plan" in kinds else sweep_dir
        return PreflightError(
            f"no {kinds[0]} {name} under {place(experiment_root, '')}. "
            "Give the id that the training command printed"
        )
    datasets = sorted({found.name for found in _known(experiment_root, "dataset")})
    have = f" Datasets with runs: {', '.join(datasets)}." if datasets and "dataset" in kinds else ""
    return PreflightError(
        f"no run {name} under {experiment_root}. Show the runs that exist: "
        f"can-train status --experiment-root {experiment_root}{have}"
    )
