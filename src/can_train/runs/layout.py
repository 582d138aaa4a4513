"""Every path of a run (stdlib only)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from can_train.errors import PreflightError
from can_train.vocab import NO_KD, WITH_KD

RUN_ID_LENGTH: Final = 12
IDENTITY_WORDS: Final = 7
"""modality / dataset / learning_type / model / model_size / distillation / training_strategy."""

_FOLDER_OF_WORD: Final[Mapping[str, str]] = {WITH_KD: "distilled", NO_KD: "no_distillation"}
"""How the two words for distillation stand in a path."""


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
        """Name of the detector."""

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
class RunIdentity:
    """The seven words as the folders of a run say them."""

    modality: str
    dataset: str
    learning_type: str
    model: str
    model_size: str
    distillation_word: str
    training_strategy: str


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
    return experiment_root.joinpath(
        config.modality,
        config.dataset,
        config.learning_type,
        config.model,
        config.model_size,
        _FOLDER_OF_WORD[config.distillation_word],
        config.training_strategy,
    )


def identity_of(run: Path) -> RunIdentity:
    """The seven words of a run, from its folders; one that we didn't name stands for no-kd.

    Raises:
        PreflightError: It lies in too few folders.
    """
    words = run.absolute().parts[-IDENTITY_WORDS - 1 : -1]
    word_of_folder = {folder: word for word, folder in _FOLDER_OF_WORD.items()}
    if len(words) < IDENTITY_WORDS:
        raise PreflightError(f"{run}: not the folder of a run. Show the runs: can-train status")
    modality, dataset, learning_type, model, size, folder, strategy = words
    return RunIdentity(
        modality=modality,
        dataset=dataset,
        learning_type=learning_type,
        model=model,
        model_size=size,
        distillation_word=word_of_folder.get(folder, NO_KD),
        training_strategy=strategy,
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


def point_latest(run: Path) -> None:
    """Points the `latest` link beside `run` at it, atomically."""
    import secrets  # costs every start of the command line some milliseconds

    temporary = run.parent / f".latest-{os.getpid()}-{secrets.token_hex(4)}"
    temporary.symlink_to(run.name, target_is_directory=True)
    os.replace(temporary, run.parent / "latest")
