"""Layer 4: everything about the outside world, looked at before the first job starts."""

from __future__ import annotations

import getpass
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from can_train.config.fields import option_of
from can_train.config.frozen import FrozenConfig
from can_train.config.resolve import ResolvedStage
from can_train.config.schema import Resources
from can_train.config.spec import experts
from can_train.config.typed import Typed
from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest
from can_train.errors import ArtifactError, CanTrainError, DataError, PreflightError, did_you_mean
from can_train.jobs.slurm.client import call
from can_train.jobs.slurm.script import walltime_s
from can_train.runs.find import find_run
from can_train.runs.layout import Roots, artifact_path, roots_from
from can_train.runs.state import claimant, current_status
from can_train.teachers.weights_file import checked_sha256

COLUMNS: Final = ("timestamp", "arbitration_id", "dlc", "payload", "label")
SHORTEST_WALLTIME_S: Final = 60
LONGEST_WALLTIME_S: Final = 365 * 24 * 3600
SMALLEST_MEMORY_MB: Final = 500
"""torch alone needs as much."""

LARGEST_MEMORY_MB: Final = 16 * 1024**2
_MEMORY: Final = re.compile(r"(\d+)([KMGT]?)", re.IGNORECASE)

STAGE_BYTES: Final = 100_000_000
"""Room for one stage: two checkpoints of a teacher with its optimiser state, artifact and logs."""


def frames_problems(roots: Roots, manifest: DatasetManifest) -> Iterator[CanTrainError]:
    """Recordings of the manifest whose frames aren't on disk."""
    folder = dataset_dir(roots.data, manifest.modality, manifest.dataset) / "frames"
    missing = [
        recording.name
        for recording in manifest.recordings
        if not all((folder / recording.digest / f"{name}.npy").is_file() for name in COLUMNS)
    ]
    if missing:
        yield DataError(
            f"{folder}: frames of {', '.join(missing)} are missing. Prepare the dataset again: "
            f"can-train data prepare --modality {manifest.modality} "
            f"--dataset {manifest.dataset} --source DIR"
        )
    if not manifest.train:
        yield DataError(
            f"dataset {manifest.dataset} has no training recordings (scenarios train_01_… and "
            "train_02_…). Prepare it with some: can-train data prepare --modality "
            f"{manifest.modality} --dataset {manifest.dataset} --benign DIR --attack DIR"
        )


def path_problems(typed: Typed) -> Iterator[PreflightError]:
    """Model files that were given and don't exist, where the plan itself can't be told."""
    text = {**typed.file_text, **typed.text}
    for name in ("teacher_path", *(spec.path_word for spec in experts())):
        for item in dict.fromkeys(text.get(name, "").split(",")):
            path = item.strip()
            if path.endswith(".pth") and not Path(path).is_file():
                yield PreflightError(
                    f"{option_of(name)}: {path} doesn't exist. Show what does: can-train status"
                )


def frozen_problems(frozen: FrozenConfig, experiments: Path) -> Iterator[CanTrainError]:
    """Data or parents of a frozen config that aren't what they were."""
    config = frozen.config
    try:
        manifest = load_manifest(frozen.data_root, config.modality, config.dataset)
    except (DataError, PreflightError) as problem:
        yield problem
    else:
        if manifest.digest != config.data.dataset_digest:
            yield DataError(
                f"dataset {config.dataset} has digest {manifest.digest[:12]}, frozen was "
                f"{config.data.dataset_digest[:12]}: it changed. Give the training command again"
            )
        roots = roots_from(str(frozen.data_root), str(experiments))
        yield from frames_problems(roots, manifest)
    for name, parent in config.parents.items():
        try:
            if parent.path is not None:
                checked_sha256(Path(parent.path), parent.sha256)
            else:
                find_run(experiments, parent.run_id or "")
        except CanTrainError as problem:
            yield type(problem)(f"{name}: {problem}")


def disk_problems(roots: Roots, stages: int) -> Iterator[CanTrainError]:
    """An experiment root that can't be written to, or has too little space."""
    folder = roots.experiments
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield PreflightError(
            f"--experiment-root: {roots.experiments} can't be written to. Give another folder: "
            "--experiment-root DIR"
        )
        return
    free, needed = shutil.disk_usage(folder).free, stages * STAGE_BYTES
    if free < needed:
        yield PreflightError(
            f"--experiment-root: {roots.experiments} has {free / 1e9:.1f} GB free, {stages} stages "
            f"need {needed / 1e9:.1f} GB. Free some space, or give another folder: "
            "--experiment-root DIR"
        )


def resource_problems(stages: Sequence[ResolvedStage]) -> Iterator[PreflightError]:
    """Walltimes and amounts of memory that Slurm wouldn't read, or that can't be meant."""
    for stage in stages:
        asked = stage.resources
        where = f"stage {stage.number} ({stage.model})"
        if asked.walltime is not None:
            seconds = walltime_s(asked.walltime)
            if seconds is None or not SHORTEST_WALLTIME_S <= seconds <= LONGEST_WALLTIME_S:
                yield PreflightError(
                    f"--walltime: {where}: {asked.walltime} isn't a time limit from 1 minute to "
                    "365 days. Use MINUTES, HH:MM:SS or D-HH:MM:SS, such as --walltime 02:00:00"
                )
        if asked.memory is not None:
            megabytes = memory_mb(asked.memory)
            if megabytes is None or not SMALLEST_MEMORY_MB <= megabytes <= LARGEST_MEMORY_MB:
                yield PreflightError(
                    f"--memory: {where}: {asked.memory} isn't an amount from 500M to 16T. "
                    "Use a number with M, G or T, such as --memory 16G"
                )


def slurm_problems(asked: Sequence[tuple[str, Resources]]) -> Iterator[PreflightError]:
    """Partitions and accounts that the cluster doesn't know; nothing where it doesn't answer.

    Args:
        asked: What each stage asks for, site profile included, by the stage in words.
    """
    if shutil.which("sinfo") is None:
        return
    user = getpass.getuser()
    questions = {
        "partition": ["sinfo", "-h", "-o", "%R"],
        "account": ["sacctmgr", "-nP", "show", "assoc", f"user={user}", "format=account"],
    }
    for name, question in questions.items():
        wanted = {getattr(resources, name): where for where, resources in reversed(asked)}
        wanted.pop(None, None)
        if not wanted:
            continue
        answer = call(question)
        known = sorted({line.strip() for line in answer.stdout.splitlines() if line.strip()})
        if answer.returncode != 0 or not known:
            continue  # without accounting there are no accounts; sbatch has the last word
        for word, where in wanted.items():
            if not set(word.split(",")) <= set(known):
                near = did_you_mean(word, known) or "."
                yield PreflightError(
                    f"--{name}: {where}: Slurm knows no {name} {word}{near} "
                    f"Allowed: {', '.join(known)}"
                )


def memory_mb(text: str) -> float | None:
    """An amount of memory as Slurm reads it, in MB; None if it isn't one."""
    found = _MEMORY.fullmatch(text)
    if found is None:
        return None
    return int(found[1]) * {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}[found[2].upper()]


def run_problems(planned: Sequence[FrozenConfig]) -> Iterator[CanTrainError]:
    """Runs that are being worked on, or finished without an artifact."""
    for frozen in planned:
        run, model, size = frozen.run_dir, frozen.config.model, frozen.config.model_size
        status = current_status(run)
        if status is None:
            continue
        artifact = artifact_path(run, model, size)
        if status.state == "finished" and not artifact.is_file():
            yield ArtifactError(
                f"{artifact}: missing although run {run.name} finished. "
                "Make it again: the same command with --force"
            )
        worker = claimant(run)
        if worker is not None:
            yield PreflightError(
                f"run {run.name} ({model} {size}) is {status.state} in {worker}. Wait for "
                f"it (can-train status {run.name}), or end it: can-train cancel {run.name}"
            )
