"""One frozen config, end to end: data, parents, training, calibration, artifact, summary."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from can_train.config.frozen import FrozenConfig, load_frozen
from can_train.config.schema import RESULTS_VERSION, TEACHER, DistillationConfig, RunConfig
from can_train.config.spec import spec_of
from can_train.dataset.manifest import DatasetRef
from can_train.dataset.statistics import dataset_statistics
from can_train.dataset.windows import open_windows
from can_train.detectors.artifact import save_detector
from can_train.detectors.base import Detector
from can_train.detectors.build import Trainable, build_stage, calibrated_detector
from can_train.detectors.counts import parameter_count
from can_train.detectors.parents import load_parents, parent_path
from can_train.errors import ConfigError
from can_train.files import sha256_of
from can_train.runs.events import RunFinished, RunStarted
from can_train.runs.layout import artifact_path, checkpoints_dir
from can_train.runs.state import record_parents
from can_train.runs.summary import ranked, write_summary
from can_train.training.batch_decision import BatchDecision
from can_train.training.batch_size import RecordedBatches, held_batches, settle_batch
from can_train.training.device import memory_of, training_device
from can_train.training.final_figures import validation_figures
from can_train.training.loop import FitResult, fit
from can_train.training.out_of_memory import STEP
from can_train.training.precision import products_in, require
from can_train.training.recorder import Recorder, SilentRecorder, telling_interruptions

if TYPE_CHECKING:
    from can_train.training.ranks import Ranks

logger = logging.getLogger("can_train")


def run_frozen(path: Path, ranks: Ranks | None = None) -> None:
    """Trains what the frozen config at `path` describes, in this process.

    Args:
        path: The frozen config.
        ranks: The processes that train it together, of which this is the first; the others call
            `help_frozen`. None: this one alone.

    Raises:
        CanTrainError: Config, data or parents aren't what was frozen, or training failed.
    """
    started = time.monotonic()
    frozen = _loaded(path)
    with telling_interruptions(frozen.run_dir):
        stage = prepare(frozen)
        _require_parts(stage, ranks)
        recorder = Recorder(frozen.run_dir, epochs=stage.module.epochs)
        _announce(frozen.config, stage, recorder)
        if ranks is not None:
            logger.info("%d processes train together, by %s", ranks.place.size, ranks.backend)
            ranks.begin()
        evidence = stage.agreement.figures("before") if stage.agreement else {}
        with products_in(frozen.config.training.precision):
            batch, result = _fitted(frozen, stage, recorder, ranks)
        if stage.agreement:
            evidence |= stage.agreement.figures("after")
        detector = calibrated_detector(stage)
        target = artifact_path(frozen.run_dir, frozen.config.model, frozen.config.model_size)
        digest = save_detector(target, detector)
        validation = validation_figures(stage, detector)
        seconds = time.monotonic() - started
        figures = {
            "seconds": round(seconds, 1),
            "processes": 1 if ranks is None else ranks.place.size,
            **_batches(stage, batch, result),
            **_pace(result, seconds),
            **_finite({**evidence, **validation}),
            **_teacher_hashes(frozen, stage),
        }
        _summarise(frozen, detector, result, digest, figures)
        recorder.event(RunFinished(artifact_sha256=digest, best_epoch=result.best_epoch))
    logger.info(
        "finished: best epoch %d of %d, threshold %.6g, artifact %s (sha256 %s)",
        result.best_epoch + 1,
        result.epochs,
        detector.threshold.value,
        target,
        digest[:12],
    )


def help_frozen(path: Path, ranks: Ranks) -> None:
    """Computes its part of every batch of a run that another process leads; writes nothing.

    Args:
        path: The frozen config.
        ranks: The processes; this isn't the first one.

    Raises:
        CanTrainError: Config, data or parents aren't what was frozen, or training failed.
        Stopped: Somebody asked, and the first process has saved the position.
    """
    frozen = _loaded(path)
    if not ranks.shall_begin():  # what the first one makes and caches is there now
        return
    module = _stage_of(frozen, load_parents(frozen.config, frozen.experiment_root)).module
    recorder = SilentRecorder(frozen.run_dir, epochs=module.epochs)
    device = training_device()
    with products_in(frozen.config.training.precision):
        holding = held_batches(module.to(device), memory_of(device))
        fit(module, checkpoints_dir(frozen.run_dir), recorder, ranks=ranks, holding=holding)


def _loaded(path: Path) -> FrozenConfig:
    """The frozen config, with threads and precision set as it says."""
    frozen = load_frozen(path)
    torch.set_num_threads(frozen.config.training.threads)
    require(frozen.config.training.precision)
    return frozen


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def prepare(frozen: FrozenConfig) -> Trainable:
    """Data, parents and the stage they make; a teacher is freed when this returns.

    Raises:
        CanTrainError: Data or parents aren't what was frozen.
        Stopped: Somebody asked while a teacher's outputs were computed.
    """
    config = frozen.config
    if config.results != RESULTS_VERSION:
        raise ConfigError(
            f"run {frozen.run_id} was frozen for results of version {config.results}, this "
            f"can-train makes version {RESULTS_VERSION} under another id. Give the training "
            "command again"
        )
    parents = load_parents(config, frozen.experiment_root)
    record_parents(frozen.run_dir, {role: parent.sha256 for role, parent in parents.items()})
    return _stage_of(frozen, parents)


def _stage_of(frozen: FrozenConfig, parents: Mapping[str, Detector]) -> Trainable:
    config = frozen.config
    ref = DatasetRef(modality=config.modality, dataset=config.dataset)
    inputs = open_windows(frozen.data_root, ref, config.data, frozen.training_digest)
    return build_stage(config, inputs, parents)


def _announce(config: RunConfig, stage: Trainable, recorder: Recorder) -> None:
    """Logs what is about to happen, distillation first of all."""
    statistics = dataset_statistics(stage.inputs)
    parameters = parameter_count(stage.module.model)
    if config.distillation is None:
        logger.info("Knowledge Distillation: DISABLED")
    else:
        _announce_distillation(config.distillation, stage.parents[TEACHER])
    logger.info(
        "epochs %d, learning rate %g, batch size %d, seed %d",
        stage.module.epochs,
        config.training.learning_rate,
        stage.module.batch_size,
        config.seed,
    )
    logger.info(
        "%s %s (%s): %s parameters; windows: %s",
        config.model,
        config.model_size,
        config.training_strategy,
        f"{parameters:,}",
        ", ".join(f"{k} {s.windows:,} ({s.attacks:,} attack)" for k, s in statistics.sides.items()),
    )
    recorder.event(
        RunStarted(
            parameters=parameters,
            distillation=config.distillation_word,
            parents=stage.parents,
            epochs=stage.module.epochs,
            batch_size=stage.module.batch_size,
            device="cuda" if torch.cuda.is_available() else "cpu",
        )
    )
    recorder.event(statistics)


def _announce_distillation(config: DistillationConfig, sha256: str) -> None:
    logger.info(
        "Knowledge Distillation: ENABLED (teacher %s, T=%g, alpha=%g)",
        sha256[:12],
        config.temperature,
        config.alpha,
    )


def _require_parts(stage: Trainable, ranks: Ranks | None) -> None:
    """Refuses several processes where a batch can't be shared.

    Raises:
        ConfigError: The detector doesn't say that it can.
    """
    if ranks is not None and not spec_of(stage.config.model).data_parallel:
        raise ConfigError(
            f"{stage.config.model} trains in one process, and {ranks.place.size} were started. "
            "Use: --nodes 1, and at most --gpus 1"
        )


def _fitted(
    frozen: FrozenConfig, stage: Trainable, recorder: Recorder, ranks: Ranks | None
) -> tuple[BatchDecision, FitResult]:
    """Trains in batches that fit into memory.

    What several processes use of theirs says nothing about the safety factor, which is for a whole
    batch in one: it isn't recorded.
    """
    device = training_device()
    memory = memory_of(device)
    stage.module.to(device)
    batch = settle_batch(frozen, stage.module, memory)
    folder, holding = checkpoints_dir(frozen.run_dir), held_batches(stage.module, memory)
    if ranks is not None:
        if stage.module.batch_size < ranks.place.size:
            logger.warning(
                "batches of %d windows leave some of %d processes without work",
                stage.module.batch_size,
                ranks.place.size,
            )
        return batch, fit(stage.module, folder, recorder, ranks=ranks, holding=holding)
    watch = RecordedBatches(frozen, batch, memory)
    result = fit(stage.module, folder, recorder, watch, holding=holding)
    watch.finished()
    return batch, result


def _batches(
    stage: Trainable, batch: BatchDecision, result: FitResult
) -> dict[str, int | bool | str]:
    """What a batch held, and whether memory let the run be the one that was planned."""
    halved = [
        f"epoch {epoch + 1}, {f'step {step + 1}' if of == STEP else of}"
        for epoch, step, of in result.halvings
    ]
    return {
        "batch_options": batch.options,
        "batch_halvings": len(halved),
        "batch_halved_at": "; ".join(halved),
        "batch_windows_at_end": stage.module.batch_size,
        "as_planned": not halved,
    }


def _pace(result: FitResult, seconds: float) -> dict[str, float]:
    """How fast it was trained, for estimates of runs like it."""
    if result.epoch_s is None:
        return {}
    return {
        "epoch_seconds": round(result.epoch_s, 4),
        "epoch_windows": result.epoch_windows,
        "around_seconds": round(max(0.0, seconds - result.epochs * result.epoch_s), 1),
    }


def _teacher_hashes(frozen: FrozenConfig, stage: Trainable) -> dict[str, str]:
    """The teacher's hash when it was loaded, and that of its file now."""
    kd = frozen.config.distillation
    if kd is None:
        return {}
    path = parent_path(kd.teacher, frozen.experiment_root, frozen.config.model)
    return {"teacher_sha256": stage.parents[TEACHER], "teacher_sha256_after": sha256_of(path)}


def _summarise(
    frozen: FrozenConfig,
    detector: Detector,
    result: FitResult,
    digest: str,
    figures: Mapping[str, float | str | None],
) -> None:
    name, value = next(iter(result.metrics.items()))
    write_summary(
        frozen.run_dir,
        ranked(name, value, digest),
        {
            "epochs": result.epochs,
            "best_epoch": result.best_epoch,
            "parameters": parameter_count(detector.network),
            "threshold": detector.threshold.value,
            "threshold_benign_windows": detector.threshold.benign_windows,
            **figures,
            **{f"best_{k}": v for k, v in result.metrics.items()},
        },
    )
