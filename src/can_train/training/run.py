"""One frozen config, end to end: data, parents, training, calibration, artifact, summary."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import torch

from can_train.config.frozen import FrozenConfig, load_frozen
from can_train.config.schema import DistillationConfig, RunConfig
from can_train.data.inputs import StageInputs, open_inputs
from can_train.models.counts import parameter_count
from can_train.runs.checkpoint import Artifact, save_artifact
from can_train.runs.layout import artifact_path, checkpoints_dir
from can_train.runs.parents import load_parents
from can_train.runs.status import record_parents
from can_train.runs.summary import Validation, write_summary
from can_train.training.fit import FitResult, fit
from can_train.training.recorder import Recorder
from can_train.training.stages import Stage, build_stage, calibrated_artifact

logger = logging.getLogger("can_train")


def run_frozen(path: Path) -> None:
    """Trains what the frozen config at `path` describes, in this process.

    Raises:
        CanTrainError: Config, data or parents aren't what was frozen, or training failed.
    """
    started = time.monotonic()
    frozen = load_frozen(path)
    config = frozen.config
    torch.set_num_threads(config.training.threads)
    recorder = Recorder(frozen.run_dir, epochs=config.training.epochs)
    parents = load_parents(config, frozen.experiment_root)
    digests = {role: parent.sha256 for role, parent in parents.items()}
    record_parents(frozen.run_dir, digests)
    inputs = open_inputs(frozen.data_root, (config.modality, config.dataset), config.data)
    stage = build_stage(config, inputs, parents)
    _announce(config, stage, recorder, digests)
    result = fit(stage.module, checkpoints_dir(frozen.run_dir), recorder)
    artifact = calibrated_artifact(stage)
    target = artifact_path(frozen.run_dir, config.model, config.model_size)
    digest = save_artifact(target, artifact)
    _summarise(frozen, artifact, result, digest, time.monotonic() - started)
    recorder.event("finished", artifact_sha256=digest, best_epoch=result.best_epoch)
    logger.info(
        "finished: best epoch %d of %d, threshold %.6g, artifact %s (sha256 %s)",
        result.best_epoch + 1,
        result.epochs,
        artifact.threshold.value,
        target,
        digest[:12],
    )


def _announce(config: RunConfig, stage: Stage, recorder: Recorder, digests: dict[str, str]) -> None:
    """Logs what is about to happen, distillation first of all."""
    counts = _window_counts(stage.inputs)
    parameters = parameter_count(stage.module.model)
    if config.distillation is not None:
        _announce_distillation(config.distillation, digests["teacher"])
    logger.info(
        "%s %s (%s): %s parameters; windows: %s",
        config.model,
        config.model_size,
        config.training_strategy,
        f"{parameters:,}",
        ", ".join(f"{side} {n:,} ({a:,} attack)" for side, (n, a) in counts.items()),
    )
    recorder.event(
        "start",
        parameters=parameters,
        distillation=config.distillation_word,
        parents=digests,
        windows={side: n for side, (n, _) in counts.items()},
    )


def _announce_distillation(config: DistillationConfig, sha256: str) -> None:
    logger.info(
        "Knowledge Distillation: ENABLED (teacher %s, T=%g, alpha=%g)",
        sha256[:12],
        config.temperature,
        config.alpha,
    )


def _window_counts(inputs: StageInputs) -> dict[str, tuple[int, int]]:
    counts = {}
    for side in ("train", "validation", "fusion", "threshold"):
        windows = inputs.windows(side)
        counts[side] = (len(windows), int(inputs.store.label[windows].sum()))
    return counts


def _summarise(
    frozen: FrozenConfig, artifact: Artifact, result: FitResult, digest: str, seconds: float
) -> None:
    name, value = next(iter(result.metrics.items()))
    validation = Validation(
        metric=name,
        value=value,
        higher_is_better=not name.endswith("loss"),
        artifact_sha256=digest,
    )
    write_summary(
        frozen.run_dir,
        validation,
        {
            "epochs": result.epochs,
            "best_epoch": result.best_epoch,
            "parameters": parameter_count(artifact.model),
            "threshold": artifact.threshold.value,
            "threshold_benign_windows": artifact.threshold.benign_windows,
            "seconds": round(seconds, 1),
            **{f"best_{k}": v for k, v in result.metrics.items()},
        },
    )
