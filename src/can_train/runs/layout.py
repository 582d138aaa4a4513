"""Every path of a run, and how a run is found again (stdlib only)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from can_train.errors import PreflightError

RUN_ID_LENGTH: Final = 12
IDENTITY_WORDS: Final = 7
"""modality / dataset / learning_type / model / model_size / distillation / training_strategy."""


class Identity(Protocol):
    """The seven words that place a run in the tree (`config.schema.RunConfig` has them)."""

    @property
    def modality(self) -> str:
        """Application domain."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""

    @property
    def learning_type(self) -> str:
        """Follows from the strategy."""

    @property
    def model(self) -> str:
        """One of vgae, gat, dqn."""

    @property
    def model_size(self) -> str:
        """Teacher or student."""

    @property
    def distillation_word(self) -> str:
        """Either with-kd or no-kd."""

    @property
    def training_strategy(self) -> str:
        """How the model is trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The three folders under which everything is stored, as absolute paths."""

    data: Path
    experiments: Path
    teachers: Path


def home_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder beside the launcher: `$CAN_TRAIN_HOME`, else the current directory."""
    return Path(environ.get("CAN_TRAIN_HOME") or Path.cwd()).absolute()


def roots_from(
    data: str | None = None,
    experiments: str | None = None,
    teachers: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Roots:
    """Given folders as absolute paths; those not given lie in `home_dir`."""
    home = home_dir(environ)
    return Roots(
        data=Path(data).absolute() if data else home / "data",
        experiments=Path(experiments).absolute() if experiments else home / "experimentruns",
        teachers=Path(teachers).absolute() if teachers else home / "config" / "teacher_models",
    )


def root_options(roots: Roots) -> str:
    """Options that name the folders which aren't those beside the launcher, with a blank before."""
    usual = roots_from()
    given = (
        ("data", roots.data, usual.data),
        ("experiment", roots.experiments, usual.experiments),
        ("teacher", roots.teachers, usual.teachers),
    )
    return "".join(
        f" --{name}-root {shlex.quote(str(mine))}" for name, mine, theirs in given if mine != theirs
    )


def identity_dir(experiment_root: Path, config: Identity) -> Path:
    """Folder that holds all runs with the same seven words."""
    distilled = "distilled" if config.distillation_word == "with-kd" else "no_distillation"
    return experiment_root.joinpath(
        config.modality,
        config.dataset,
        config.learning_type,
        config.model,
        config.model_size,
        distilled,
        config.training_strategy,
    )


def run_dir(experiment_root: Path, config: Identity, run_id: str) -> Path:
    """Folder owned by one run."""
    return identity_dir(experiment_root, config) / run_id


def frozen_path(run: Path, sha256: str) -> Path:
    """The frozen config of a run, named after its own hash."""
    return run / "configs" / f"frozen_config_{sha256[:RUN_ID_LENGTH]}.json"


def artifact_path(run: Path, model: str, model_size: str) -> Path:
    """The artifact (`.pth`) that other stages and users consume."""
    return run / "models" / f"{model}_{model_size}.pth"


def checkpoints_dir(run: Path) -> Path:
    """Folder of the checkpoints that a run resumes from."""
    return run / "checkpoints"


def logs_dir(run: Path) -> Path:
    """Folder of `run.jsonl` and `metrics.csv`."""
    return run / "logs"


def stage_logs(run: Path, stage: str, job: str) -> tuple[Path, Path]:
    """Standard output and standard error of `stage`, run as `job` (`local` or a job's number)."""
    folder = run / "slurm_logs"
    return folder / f"{stage}_{job}.out", folder / f"{stage}_{job}.err"


def status_path(run: Path) -> Path:
    """`status.json` of a run."""
    return run / "status.json"


def owner_path(run: Path) -> Path:
    """`owner.json`: exists exactly while a process owns the run (or died owning it)."""
    return run / "owner.json"


def summary_path(run: Path) -> Path:
    """`summary.json`: final figures of a finished run."""
    return run / "summary.json"


def plan_dir(experiment_root: Path, plan_id: str) -> Path:
    """Folder of one plan."""
    return experiment_root / "plans" / plan_id


def iter_plans(experiment_root: Path) -> Iterator[Path]:
    """All plan folders, sorted by name."""
    yield from (p.parent for p in sorted(experiment_root.glob("plans/*/plan.json")))


def iter_runs(experiment_root: Path) -> Iterator[Path]:
    """All run folders under `experiment_root`, sorted; `latest` links are left out."""
    pattern = "/".join(["*"] * (IDENTITY_WORDS + 1)) + "/configs"
    for configs in sorted(experiment_root.glob(pattern)):
        if not configs.parent.is_symlink():
            yield configs.parent


def frozen_of_run(run: Path) -> Path:
    """The frozen config in a run folder.

    Raises:
        PreflightError: There is none, or more than one.
    """
    found = sorted(run.glob("configs/frozen_config_*.json"))
    if len(found) != 1:
        raise PreflightError(
            f"{run}: expected one configs/frozen_config_*.json, found {len(found)}. "
            "Show the runs that exist: can-train status"
        )
    return found[0]


def find_run(experiment_root: Path, name: str) -> Path:
    """The run folder called `name`: a run id, a unique prefix of one, or a path.

    Raises:
        PreflightError: No run, or several, are called so.
    """
    path = Path(name)
    if (path / "configs").is_dir():
        return path.resolve()
    runs = list(iter_runs(experiment_root))
    exact = [run for run in runs if run.name == name]
    found = exact or [run for run in runs if name and run.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise PreflightError(
            f"no run {name} under {experiment_root}. Show the runs that exist: "
            f"can-train status --experiment-root {experiment_root}"
        )
    listed = ", ".join(run.name for run in found)
    raise PreflightError(f"{name} is the beginning of several runs: {listed}. Give more letters.")


def point_latest(run: Path) -> None:
    """Points the `latest` link beside `run` at it, atomically."""
    import secrets  # costs every start of the command line some milliseconds

    temporary = run.parent / f".latest-{os.getpid()}-{secrets.token_hex(4)}"
    temporary.symlink_to(run.name, target_is_directory=True)
    os.replace(temporary, run.parent / "latest")
