"""Evaluates a finished run: every official scenario, per file, beside the controls."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.baselines.named import NamedDetector
from can_train.dataset.manifest import DatasetRef
from can_train.dataset.request import AS_FOUND, Reading
from can_train.dataset.windows import FUSION, DatasetWindows, open_windows
from can_train.detectors.calibration import conformal_threshold
from can_train.detectors.known_vehicle import ROW as PROFILE
from can_train.errors import counted
from can_train.evaluation.beside import Tell, Terms, fit_beside, say_nothing, settings_of
from can_train.evaluation.controls.fusion import (
    FusionControls,
    StateClassifier,
    best_fixed_alpha,
    fit_logistic_regression,
    fit_small_mlp,
)
from can_train.evaluation.experts import Experts, load_experts, score_by_experts
from can_train.evaluation.latency import Latency, latency_of
from can_train.evaluation.new_vehicle import CalibrateOn, calibrate_on
from can_train.evaluation.outside import outside_places
from can_train.evaluation.places import Place, places_of
from can_train.evaluation.report import ARTIFACT, EvaluationReport, EvaluationRow, write_report
from can_train.evaluation.rows import Scorer, rows_of
from can_train.evaluation.tracing import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for beside the figures of a run on the scenarios of its dataset.

    Attributes:
        recordings: A folder of labelled recordings that were never imported, which are scored as
            well; nothing is written then.
        reading: How these are read.
        calibrate: Raise the thresholds of the models for a vehicle; nothing is written then. The
            windows that they are calibrated on aren't scored.
        detectors: Detectors of others, which are fitted and have rows, too.
    """

    recordings: Path | None = None
    reading: Reading = AS_FOUND
    calibrate: CalibrateOn | None = None
    detectors: tuple[NamedDetector, ...] = ()


USUAL: Final = Asked()


def evaluate_run(
    run_dir: Path, data_root: Path, asked: Asked = USUAL, tell: Tell = say_nothing
) -> EvaluationReport:
    """Scores all test recordings (and held-out ones) and writes the report into the run.

    Controls are fitted on the training windows and, those of the fusion, on the windows that the
    fusion was trained on. The thresholds of controls come from the real benign calibration
    windows, those of models are the stored ones.

    Args:
        run_dir: A finished run.
        data_root: Where its dataset lies.
        asked: What else is wanted.
        tell: Called with what is done next.

    Raises:
        ArtifactError: An artifact is missing, damaged, or not the one the run was built on.
        DataError: The training recordings changed since the run was frozen, or those that were
            named can't be evaluated.
        TrainingError: A detector of others fails.
    """
    experts = load_experts(run_dir)
    config = experts.frozen.config
    torch.set_num_threads(config.training.threads)
    new = None if asked.calibrate is None else calibrate_on(asked.calibrate, experts.scorer)
    ref = DatasetRef(modality=config.modality, dataset=config.dataset)
    inputs = open_windows(data_root, ref, config.data, experts.frozen.training_digest)
    terms = Terms(seed=config.seed, target_fpr=config.target_fpr)
    rows: list[EvaluationRow] = []
    digests: dict[str, str] = {}
    tracer = Tracer(experts=experts)
    with outside_places(asked.recordings, inputs, asked.reading) as outside:
        found = list(chain(places_of(inputs), outside))
        places = found if new is None else [new.unused_part(place) for place in found]
        places = [place for place in places if len(place.windows)]
        beside = fit_beside(asked.detectors, inputs, places, terms, tell)
        fusion = _fit_fusion_controls(experts, inputs)
        scorers = [*_models(experts), *beside.scorers, *_fusion_scorers(experts, inputs, fusion)]
        for place in places:
            tell(f"scoring {place.scenario}: {counted(len(place.windows), 'window')}")
            scores, p_values = _model_scores(experts, place, fusion)
            scores |= beside.scores(place)
            rows += rows_of(place, scorers, scores, config.seed, tracer.file)
            tracer.scenario(place, scores, p_values)
            digests |= place.digests
    tell("measuring the latency")
    latency = _latency(experts, inputs, data_root)
    report = EvaluationReport(
        modality=config.modality,
        dataset=config.dataset,
        run_id=run_dir.name,
        rows=tuple(rows),
        runs=experts.runs,
        settings={
            **settings_of(config.data, terms),
            "threads": config.training.threads,
            **_artifacts(experts),
            **({} if new is None else new.settings),
        },
        recordings=digests,
        detectors=beside.others.identities,
        latency_ms=latency.per_window_ms,
        frames_per_s=latency.frames_per_s,
        pictures=tracer.pictures(),
    )
    if asked.recordings is None and asked.calibrate is None:
        write_report(report, run_dir)
    return report


def _artifacts(experts: Experts) -> dict[str, str | int | float]:
    """sha256 of each model file, by the detector's name."""
    return {f"{name}{ARTIFACT}": found.sha256 for name, found in experts.detectors.items()}


def _latency(experts: Experts, inputs: DatasetWindows, data_root: Path) -> Latency:
    """Of the longest test recording (training recording if there is no test)."""
    recordings = inputs.manifest.test or inputs.manifest.train
    return latency_of(experts, data_root, max(recordings, key=lambda r: r.frames))


def _fit_fusion_controls(experts: Experts, inputs: DatasetWindows) -> FusionControls | None:
    """None unless the evaluated run is a fusion and has windows to fit on."""
    windows = inputs.windows(*FUSION)
    view = score_by_experts(experts, inputs.store, windows).fusion if len(windows) else None
    if view is None:
        return None
    label, seed = inputs.store.label[windows], experts.frozen.config.seed
    classifiers: dict[str, StateClassifier | None] = {
        "logistic_regression": fit_logistic_regression(view.state, label, seed),
        "small_mlp": fit_small_mlp(view.state, label, seed),
    }
    alpha = best_fixed_alpha(view.excess, label)
    return FusionControls(alpha=alpha, classifiers=classifiers)


def _fusion_scorers(
    experts: Experts, inputs: DatasetWindows, fusion: FusionControls | None
) -> list[Scorer]:
    """Thresholds of the fusion controls, from the same windows as all others."""
    if fusion is None:
        return []
    benign = inputs.windows("threshold", benign=True)
    found = fusion.score(score_by_experts(experts, inputs.store, benign).fusion)
    target = experts.frozen.config.target_fpr
    return [
        Scorer(
            name=name,
            kind="control",
            threshold=conformal_threshold(found[name], target) if name in found else None,
        )
        for name in fusion.names
    ]


def _models(experts: Experts) -> list[Scorer]:
    """Their thresholds are the stored ones."""
    return [
        Scorer(name=name, kind="model", threshold=threshold)
        for name, threshold in experts.thresholds.items()
    ]


def _model_scores(
    experts: Experts, place: Place, fusion: FusionControls | None
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Of the windows of a place [B]: scores of models and controls of a fusion; p-values."""
    scores = score_by_experts(experts, place.store, place.windows)
    found, p_values = dict(scores.by_scorer), dict(scores.p_value)
    if fusion is not None:
        found |= fusion.score(scores.fusion)
    if (known := experts.own.vehicles) is not None:
        found[PROFILE] = known.of_store(place.store, place.windows, place.folder)
        p_values[PROFILE] = known.evidence.p_value(found[PROFILE])
    return found, p_values
