"""Evaluates a finished run: every official scenario, per file, beside the controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.alarms.events import EVENT_GAP_S
from can_train.alarms.rule import DEFAULT_RULE
from can_train.config.schema import RunConfig
from can_train.dataset.manifest import DatasetRef
from can_train.dataset.request import AS_FOUND, Reading
from can_train.dataset.windows import FUSION, DatasetWindows, open_windows
from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.detectors.known_vehicle import ROW as PROFILE
from can_train.errors import counted
from can_train.evaluation.alarms import (
    UNDEFINED_ALARMS,
    AlarmCounts,
    AlarmMetrics,
    alarm_metrics,
    count_alarms,
)
from can_train.evaluation.bootstrap import block_bootstrap
from can_train.evaluation.controls.data import control_data
from can_train.evaluation.controls.fusion import (
    FusionControls,
    StateClassifier,
    best_fixed_alpha,
    fit_logistic_regression,
    fit_small_mlp,
)
from can_train.evaluation.controls.windows import Control, control_threshold, fit_controls
from can_train.evaluation.experts import Experts, load_experts, score_by_experts
from can_train.evaluation.latency import Latency, latency_of
from can_train.evaluation.metrics import undefined_metrics, window_metrics
from can_train.evaluation.new_vehicle import CalibrateOn, calibrate_on
from can_train.evaluation.outside import outside_places
from can_train.evaluation.places import Place, places_of
from can_train.evaluation.report import ARTIFACT, EvaluationReport, EvaluationRow, write_report
from can_train.evaluation.timeline import Timeline
from can_train.evaluation.tracing import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """One row name with its threshold; `control` is set for controls on windows."""

    name: str
    kind: Literal["model", "control"]
    threshold: Threshold | None
    control: Control | None = None


def _say_nothing(text: str) -> None:
    """Nobody wants to know."""


def evaluate_run(
    run_dir: Path,
    data_root: Path,
    recordings: Path | None = None,
    calibrate: CalibrateOn | None = None,
    tell: Callable[[str], None] = _say_nothing,
    reading: Reading = AS_FOUND,
) -> EvaluationReport:
    """Scores all test recordings (and held-out ones) and writes the report into the run.

    Controls are fitted on the training windows and, those of the fusion, on the windows that the
    fusion was trained on. The thresholds of controls come from the real benign calibration
    windows, those of models are the stored ones.

    Args:
        run_dir: A finished run.
        data_root: Where its dataset lies.
        recordings: A folder of labelled recordings that were never imported, which are scored as
            well; nothing is written then.
        calibrate: Raise the thresholds of the models for a vehicle; nothing is written then. The
            windows that they are calibrated on aren't scored.
        tell: Called with what is done next.
        reading: How `recordings` are read.

    Raises:
        ArtifactError: An artifact is missing, damaged, or not the one the run was built on.
        DataError: The training recordings changed since the run was frozen, or those of
            `recordings` can't be evaluated.
    """
    experts = load_experts(run_dir)
    config = experts.frozen.config
    torch.set_num_threads(config.training.threads)
    new = None if calibrate is None else calibrate_on(calibrate, experts.scorer)
    ref = DatasetRef(modality=config.modality, dataset=config.dataset)
    inputs = open_windows(data_root, ref, config.data, experts.frozen.training_digest)
    rows: list[EvaluationRow] = []
    digests: dict[str, str] = {}
    tracer = Tracer(experts=experts)
    with outside_places(recordings, inputs, reading) as outside:
        tell("fitting the controls")
        fusion = _fit_fusion_controls(experts, inputs)
        scorers = _window_scorers(experts, inputs) + _fusion_scorers(experts, inputs, fusion)
        for place in chain(places_of(inputs), outside):
            left = place if new is None else new.unused_part(place)
            if len(left.windows):
                tell(f"scoring {place.scenario}: {counted(len(left.windows), 'window')}")
                rows += _rows_of(tracer, left, scorers, fusion)
                digests |= left.digests
    tell("measuring the latency")
    latency = _latency(experts, inputs, data_root)
    report = EvaluationReport(
        modality=config.modality,
        dataset=config.dataset,
        run_id=run_dir.name,
        rows=tuple(rows),
        runs=experts.runs,
        settings=_settings(config) | _artifacts(experts) | ({} if new is None else new.settings),
        recordings=digests,
        latency_ms=latency.per_window_ms,
        frames_per_s=latency.frames_per_s,
        pictures=tracer.pictures(),
    )
    if recordings is None and calibrate is None:
        write_report(report, run_dir)
    return report


def _settings(config: RunConfig) -> dict[str, str | int | float]:
    """What else the numbers depend on."""
    return {
        "seed": config.seed,
        "features": config.data.features,
        "window": config.data.window,
        "stride": config.data.stride,
        "split": config.data.split,
        "dataset_digest": config.data.dataset_digest,
        "split_digest": config.data.split_digest,
        "target_fpr": config.target_fpr,
        "alarm_rule": str(DEFAULT_RULE),
        "event_gap_s": EVENT_GAP_S,
        "threads": config.training.threads,
    }


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


def _window_scorers(experts: Experts, inputs: DatasetWindows) -> list[Scorer]:
    """The models, then the controls on windows."""
    config = experts.frozen.config
    scorers = [
        Scorer(name=name, kind="model", threshold=threshold)
        for name, threshold in experts.thresholds.items()
    ]
    train = control_data(inputs.store, inputs.windows("train"))
    calibration = control_data(inputs.store, inputs.windows("threshold"))
    for name, control in fit_controls(train, config.seed).items():
        threshold = (
            None if control is None else control_threshold(control, calibration, config.target_fpr)
        )
        scorers.append(Scorer(name=name, kind="control", threshold=threshold, control=control))
    return scorers


def _rows_of(
    tracer: Tracer, place: Place, scorers: Sequence[Scorer], fusion: FusionControls | None
) -> list[EvaluationRow]:
    """Rows of one scenario: all its files together, then each file."""
    experts = tracer.experts
    scores = score_by_experts(experts, place.store, place.windows)
    found, p_values = dict(scores.by_scorer), dict(scores.p_value)
    if fusion is not None:
        found |= fusion.score(scores.fusion)
    if (known := experts.own.vehicles) is not None:
        found[PROFILE] = known.of_store(place.store, place.windows, place.folder)
        p_values[PROFILE] = known.evidence.p_value(found[PROFILE])
    data = control_data(place.store, place.windows)
    for scorer in scorers:
        if scorer.control is not None:
            found[scorer.name] = scorer.control.score(data)
    seed = experts.frozen.config.seed
    counts: dict[str, list[AlarmCounts]] = {scorer.name: [] for scorer in scorers}
    rows: list[EvaluationRow] = []
    for file, inside in place.files():
        timeline = file.timeline()
        part = {name: score[inside] for name, score in found.items()}
        tracer.file(file, timeline, part)
        if file.labels_say_nothing:
            timeline = None
        for scorer in scorers:
            counted = _counted(timeline, scorer, part)
            counts[scorer.name] += counted
            rows.append(_row(file, scorer, part, seed, counted))
    tracer.scenario(place, found, p_values)
    pooled = [_row(place, scorer, found, seed, counts[scorer.name]) for scorer in scorers]
    return pooled + rows


def _counted(
    timeline: Timeline | None, scorer: Scorer, scores: Mapping[str, NDArray[np.float64]]
) -> list[AlarmCounts]:
    """Of one file; empty where nothing can be counted."""
    score = scores.get(scorer.name)
    if timeline is None or scorer.threshold is None or score is None:
        return []
    return [count_alarms(timeline, score, scorer.threshold.value)]


def _row(
    place: Place,
    scorer: Scorer,
    scores: Mapping[str, NDArray[np.float64]],
    seed: int,
    counts: Sequence[AlarmCounts],
) -> EvaluationRow:
    threshold, score = scorer.threshold, scores.get(scorer.name)
    metrics = intervals = alarms = None
    if threshold is not None and score is not None:
        label = place.label
        if place.labels_say_nothing:
            metrics = undefined_metrics(len(place.windows))
        else:
            metrics = window_metrics(label, score, threshold.value, place.benign_hours)
        alarms = _alarms(place, counts)
        if place.file is not None and metrics.attacks:
            intervals = block_bootstrap(label, score, threshold.value, seed)
    return EvaluationRow(
        scenario=place.scenario,
        file=place.file,
        scorer=scorer.name,
        kind=scorer.kind,
        threshold=threshold,
        metrics=metrics,
        intervals=intervals,
        alarms=alarms,
    )


def _alarms(place: Place, counts: Sequence[AlarmCounts]) -> AlarmMetrics:
    """Of all files of a place, or n/a: a part of them wouldn't be what its row says."""
    recordings = np.unique(place.store.recording[place.windows])
    return alarm_metrics(counts) if len(counts) == len(recordings) else UNDEFINED_ALARMS
