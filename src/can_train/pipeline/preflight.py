"""Layer 4: everything about the outside world, looked at before the first job starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from can_train.config.fields import option_of
from can_train.config.frozen import FrozenConfig
from can_train.config.spec import experts
from can_train.config.typed import Typed
from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest
from can_train.errors import (
    CanTrainError,
    DataError,
    PreflightError,
    counted,
    each,
)
from can_train.frames.recording import COLUMN_NAMES, column_file
from can_train.pipeline.checkpoints import check_checkpoint
from can_train.runs.find import find_run
from can_train.runs.layout import Roots, roots_from
from can_train.runs.made import check_made
from can_train.runs.state import claimant, current_status
from can_train.teachers.weights_file import checked_sha256

STAGE_BYTES: Final = 100_000_000
"""Room for one stage: two checkpoints of a teacher with its optimiser state, artifact and logs."""


def frames_problems(roots: Roots, manifest: DatasetManifest) -> Iterator[CanTrainError]:
    """Recordings of the manifest whose frames aren't on disk."""
    folder = dataset_dir(roots.data, manifest.modality, manifest.dataset) / "frames"
    missing = [
        recording.name
        for recording in manifest.recordings
        if not all(column_file(folder / recording.digest, n).is_file() for n in COLUMN_NAMES)
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
        manifest = manifest.known_as(config.data.dataset_digest, frozen.training_digest)
        if manifest.identity != config.data.dataset_digest:
            yield DataError(
                f"dataset {config.dataset} has digest {manifest.identity[:12]}, frozen was "
                f"{config.data.dataset_digest[:12]}: it changed. Give the training command again"
            )
        roots = roots_from(str(frozen.data_root), str(experiments))
        yield from frames_problems(roots, manifest)
    for name, parent in config.parents.items():
        try:
            if parent.path is not None:
                checked_sha256(Path(parent.path), parent.sha256)
            else:
                check_made(find_run(experiments, parent.run_id or ""))
        except CanTrainError as error:
            yield from (type(problem)(f"{name}: {problem}") for problem in each(error))


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
            f"--experiment-root: {roots.experiments} has {free / 1e9:.1f} GB free, of the "
            f"{needed / 1e9:.1f} GB that {counted(stages, 'stage')} may take. "
            "Free some space, or give another folder: --experiment-root DIR"
        )


def run_problems(planned: Sequence[FrozenConfig]) -> Iterator[CanTrainError]:
    """Runs that are being worked on, or whose files aren't what they made."""
    for frozen in planned:
        run, model, size = frozen.run_dir, frozen.config.model, frozen.config.model_size
        status = current_status(run)
        if status is None:
            continue
        try:
            check_made(run)
            check_checkpoint(run)
        except CanTrainError as problem:
            yield from each(problem)
        worker = claimant(run)
        if worker is not None:
            yield PreflightError(
                f"run {run.name} ({model} {size}) is {status.state} in {worker}. Wait for "
                f"it (can-train status {run.name}), or end it: can-train cancel {run.name}"
            )
