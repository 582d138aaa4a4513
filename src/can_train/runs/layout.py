"""Every path of a run or a plan (stdlib only)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from can_train.errors import ArtifactError, PreflightError
from can_train.vocab import NO_KD, WITH_KD

RUN_ID_LENGTH: Final = 12
IDENTITY_WORDS: Final = 7
"""modality / dataset / learning_type / model / model_size / distillation / training_strategy."""

MODEL_PART: Final = 5
"""Where the model stands among the parts of a run's path, counted from its end."""

CONFIGS: Final = "configs"
LATEST: Final = "latest"
LAST: Final = "last.ckpt"
BEST: Final = "best.pt"
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
    data: str | Path | None = None,
    experiments: str | Path | None = None,
    teachers: str | Path | None = None,
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


def experiment_option(experiment_root: Path) -> str:
    """The option that names the folder of all runs, if it isn't that beside the launcher."""
    return root_options(replace(roots_from(), experiments=experiment_root))


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
    return run / CONFIGS / f"frozen_config_{sha256[:RUN_ID_LENGTH]}.json"


def artifact_path(run: Path, model: str, model_size: str) -> Path:
    """The artifact (`.pth`) that other stages and users consume."""
    return run / "models" / f"{model}_{model_size}.pth"


def checkpoints_dir(run: Path) -> Path:
    """Folder of the checkpoints that a run resumes from."""
    return run / "checkpoints"


def best_checkpoint(run: Path) -> Path:
    """Weights of the best epoch, once."""
    return checkpoints_dir(run) / BEST


def last_checkpoint(run: Path) -> Path:
    """Where training stands."""
    return checkpoints_dir(run) / LAST


def run_log(run: Path) -> Path:
    """`run.jsonl`: one JSON object per event."""
    return run / "logs" / "run.jsonl"


def metrics_path(run: Path) -> Path:
    """`metrics.csv`: one line per epoch."""
    return run / "logs" / "metrics.csv"


def mirror_log(run: Path) -> Path:
    """`mlflow.log`: what the mirror of the run said while nobody read along."""
    return run / "logs" / "mlflow.log"


def stage_logs_dir(run: Path) -> Path:
    """Folder of what jobs wrote to their standard output and error, and of their scripts."""
    return run / "slurm_logs"


def stage_logs(run: Path, stage: str, job: str) -> tuple[Path, Path]:
    """Standard output and standard error of `stage`, run as `job` (`local` or a job's number)."""
    folder = stage_logs_dir(run)
    return folder / f"{stage}_{job}.out", folder / f"{stage}_{job}.err"


def log_of(run: Path, job: str) -> Path | None:
    """What `job` wrote to its standard error while it worked on the run; None: nothing."""
    model = run.absolute().parts[-MODEL_PART]
    _, log = stage_logs(run, model, job)
    return log if log.is_file() else None


def job_script(folder: Path, *, is_array: bool = False) -> Path:
    """The script of a job (or of an array of them) whose files lie in `folder`."""
    return folder / ("array.sh" if is_array else "job.sh")


def array_dir(plan: Path, number: int | str) -> Path:
    """Folder of the script and the logs of a job array; `number` counts those of a plan."""
    return plan / f"array{number}"


def status_path(run: Path) -> Path:
    """`status.json` of a run."""
    return run / "status.json"


def batch_path(run: Path) -> Path:
    """`batch_size.json`: what a batch holds and why; written once."""
    return run / "batch_size.json"


def owner_path(run: Path) -> Path:
    """`owner.json`: exists exactly while a process owns the run (or died owning it)."""
    return run / "owner.json"


def owner_lock(run: Path) -> Path:
    """Lock under which a dead owner is replaced."""
    return run / "owner.lock"


def summary_path(run: Path) -> Path:
    """`summary.json`: final figures of a finished run."""
    return run / "summary.json"


def evaluation_path(run: Path) -> Path:
    """`evaluation.json`: figures of a finished run on every test scenario."""
    return run / "evaluation.json"


def evaluation_table_path(run: Path) -> Path:
    """`evaluation.csv`: the same, one line per row."""
    return run / "evaluation.csv"


def pictures_path(run: Path) -> Path:
    """`pictures.json`: curves, events and explained windows, which a report draws."""
    return run / "pictures.json"


def scored_windows_path(run: Path) -> Path:
    """`windows.parquet`: the margin of each window of the test files, which a report draws."""
    return run / "windows.parquet"


def report_path(folder: Path) -> Path:
    """`report.html` of a run, plan, sweep or dataset."""
    return folder / "report.html"


def latency_path(run: Path) -> Path:
    """`latency.json`: time per window, and how busy the machine was."""
    return run / "latency.json"


def plan_dir(experiment_root: Path, plan_id: str) -> Path:
    """Folder of one plan."""
    return experiment_root / "plans" / plan_id


def plan_path(plan: Path) -> Path:
    """`plan.json` in the folder of a plan."""
    return plan / "plan.json"


def submission_path(plan: Path) -> Path:
    """`submission.json`: what was handed to a scheduler, in the folder of a plan."""
    return plan / "submission.json"


def submission_lock(plan: Path) -> Path:
    """Lock that all plans beside `plan` share: they may share runs."""
    return plan.parent / "submission.lock"


def iter_plans(experiment_root: Path) -> Iterator[Path]:
    """All plan folders, sorted by name."""
    for folder in sorted(experiment_root.glob("plans/*")):
        if is_plan(folder):
            yield folder


def is_plan(folder: Path) -> bool:
    """Whether `folder` is that of a plan."""
    return plan_path(folder).is_file()


def sweep_dir(experiment_root: Path, sweep_id: str) -> Path:
    """Folder of one sweep."""
    return experiment_root / "sweeps" / sweep_id


def manifest_path(sweep: Path) -> Path:
    """`manifest.json` in the folder of a sweep: its grid and its runs."""
    return sweep / "manifest.json"


def search_journal(sweep: Path) -> Path:
    """What a search has tried, as Optuna writes it down."""
    return sweep / "search.journal"


def search_lock(sweep: Path) -> Path:
    """Locked while a process searches."""
    return sweep / "search.lock"


def is_sweep(folder: Path) -> bool:
    """Whether `folder` is that of a sweep."""
    return manifest_path(folder).is_file()


def iter_sweeps(experiment_root: Path) -> Iterator[Path]:
    """All sweep folders, sorted by name."""
    for folder in sorted(experiment_root.glob("sweeps/*")):
        if is_sweep(folder):
            yield folder


def iter_runs(experiment_root: Path) -> Iterator[Path]:
    """All run folders under `experiment_root`, sorted; `latest` links are left out."""
    pattern = "/".join(["*"] * (IDENTITY_WORDS + 1)) + f"/{CONFIGS}"
    for configs in sorted(experiment_root.glob(pattern)):
        if not configs.parent.is_symlink():
            yield configs.parent


def is_run(folder: Path) -> bool:
    """Whether `folder` is that of a run."""
    return (folder / CONFIGS).is_dir()


def frozen_configs(run: Path) -> list[Path]:
    """Frozen configs in a run folder, which should be one."""
    return sorted(run.glob(f"{CONFIGS}/frozen_config_*.json"))


def frozen_of_run(run: Path) -> Path:
    """The frozen config in a run folder.

    Raises:
        ArtifactError: There is none, or more than one.
    """
    found = frozen_configs(run)
    if len(found) != 1:
        raise ArtifactError(
            f"{run}: expected one configs/frozen_config_*.json, found {len(found)}. "
            "Restore it, or give the training command again with --force"
        )
    return found[0]


def latest_link(run: Path) -> Path:
    """The link beside `run` that points to the run which was started last."""
    return run.parent / LATEST
