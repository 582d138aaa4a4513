"""Evaluates a finished run: every official scenario, per file, beside the controls."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.dataset.windows import StageInputs, open_inputs
from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.evaluation.bootstrap import block_bootstrap
from can_train.evaluation.controls.data import control_data
from can_train.evaluation.controls.fusion import (
    FixedAlpha,
    StateClassifier,
    best_fixed_alpha,
    fit_logistic_regression,
    fit_small_mlp,
)
from can_train.evaluation.controls.windows import Control, control_threshold, fit_controls
from can_train.evaluation.experts import (
    Experts,
    FusionView,
    load_experts,
    score_by_experts,
)
from can_train.evaluation.latency import latency_ms
from can_train.evaluation.metrics import undefined_metrics, window_metrics
from can_train.evaluation.report import EvaluationReport, EvaluationRow, write_report
from can_train.graphs.store import GraphStore, open_store

logger = logging.getLogger("can_train")

HELD_OUT: Final = "held_out"
"""Scenario name of the recordings that a leave-one-out split kept out of training."""

_S_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """One row name with its threshold; `control` is set for controls on windows."""

    name: str
    kind: Literal["model", "control"]
    threshold: Threshold | None
    control: Control | None = None


def evaluate_run(run_dir: Path, data_root: Path) -> EvaluationReport:
    """Scores all test recordings (and held-out ones) and writes the report into the run.

    Controls are fitted on the training windows and, those of the fusion, on the windows that the
    fusion was trained on; every threshold comes from the same benign calibration windows.

    Raises:
        ArtifactError: An artifact is missing, damaged, or not the one the run was built on.
        DataError: The dataset changed since the run was frozen.
    """
    experts = load_experts(run_dir)
    config = experts.frozen.config
    torch.set_num_threads(config.training.threads)
    inputs = open_inputs(data_root, (config.modality, config.dataset), config.data)
    fusion = _fit_fusion_controls(experts, inputs)
    scorers = _window_scorers(experts, inputs) + _fusion_scorers(experts, inputs, fusion)
    rows: list[EvaluationRow] = []
    for place in _scenarios(inputs, data_root):
        rows += _scenario_rows(experts, place, scorers, fusion)
    report = EvaluationReport(
        modality=config.modality,
        dataset=config.dataset,
        run_id=run_dir.name,
        rows=tuple(rows),
        runs=experts.runs,
        settings={
            "seed": config.seed,
            "features": config.data.features,
            "window": config.data.window,
            "stride": config.data.stride,
            "split": config.data.split,
            "dataset_digest": config.data.dataset_digest,
            "split_digest": config.data.split_digest,
            "target_fpr": config.target_fpr,
            "threads": config.training.threads,
        },
        latency_ms=_latency(experts, inputs, data_root),
    )
    write_report(report, run_dir)
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionControls:
    """Simple fusions of the two experts, fitted on side `fusion`.

    Attributes:
        alpha: The best fixed weight of the GAT.
        classifiers: Classifiers on the fusion state, by name; None where a class is missing.
    """

    alpha: FixedAlpha
    classifiers: dict[str, StateClassifier | None]

    def score(self, view: FusionView | None) -> dict[str, NDArray[np.float64]]:
        """Scores [B] of every control that could be fitted."""
        if view is None:
            return {}
        found = {"best_fixed_alpha": self.alpha.score(view.anomaly, view.probability)}
        for name, classifier in self.classifiers.items():
            if classifier is not None:
                found[name] = classifier.score(view.state)
        return found


def _latency(
    experts: Experts, inputs: StageInputs, data_root: Path
) -> dict[str, tuple[float, float]]:
    """Of the longest test recording (training recording if there is no test)."""
    recordings = inputs.manifest.test or inputs.manifest.train
    return latency_ms(experts, data_root, max(recordings, key=lambda r: r.frames))


def _fit_fusion_controls(experts: Experts, inputs: StageInputs) -> FusionControls | None:
    """None unless the evaluated run is a fusion and has windows to fit on."""
    windows = inputs.windows("fusion")
    view = score_by_experts(experts, inputs.store, windows).fusion if len(windows) else None
    if view is None:
        return None
    label, seed = inputs.store.label[windows], experts.frozen.config.seed
    return FusionControls(
        alpha=best_fixed_alpha(view.anomaly, view.probability, label),
        classifiers={
            "logistic_regression": fit_logistic_regression(view.state, label, seed),
            "small_mlp": fit_small_mlp(view.state, label, seed),
        },
    )


def _fusion_scorers(
    experts: Experts, inputs: StageInputs, fusion: FusionControls | None
) -> list[Scorer]:
    """Thresholds of the fusion controls, from the same windows as all others."""
    if fusion is None:
        return []
    benign = inputs.windows("threshold", benign=True)
    found = fusion.score(score_by_experts(experts, inputs.store, benign).fusion)
    target = experts.frozen.config.target_fpr
    names = ("best_fixed_alpha", *fusion.classifiers)
    return [
        Scorer(
            name=name,
            kind="control",
            threshold=conformal_threshold(found[name], target) if name in found else None,
        )
        for name in names
    ]


def _scenarios(
    inputs: StageInputs, data_root: Path
) -> Iterator[tuple[GraphStore, str, NDArray[np.int64]]]:
    """Store, name and windows of the held-out recordings, if any, and of each test scenario."""
    held_out = inputs.windows(HELD_OUT)
    if len(held_out):
        yield inputs.store, HELD_OUT, held_out
    manifest, train = inputs.manifest, inputs.store
    if not manifest.test:
        return
    store = open_store(
        data_root,
        (manifest.modality, manifest.dataset),
        manifest.test,
        features=train.features,
        window=train.window,
        stride=train.stride,
    )
    of_window = np.array([r.scenario for r in store.recordings])[store.recording]
    for recording in store.recordings:
        if recording.frames < store.window:
            logger.warning(
                "%s/%s isn't scored: its %d frames are fewer than a window of %d",
                recording.scenario,
                recording.name,
                recording.frames,
                store.window,
            )
    for scenario in np.unique(of_window).tolist():
        yield store, scenario, np.flatnonzero(of_window == scenario)


def _scenario_rows(
    experts: Experts,
    place: tuple[GraphStore, str, NDArray[np.int64]],
    scorers: list[Scorer],
    fusion: FusionControls | None,
) -> list[EvaluationRow]:
    """Rows of one scenario: all its files together, then each file."""
    store, scenario, windows = place
    scores = score_by_experts(experts, store, windows)
    found = dict(scores.by_scorer)
    if fusion is not None:
        found |= fusion.score(scores.fusion)
    data = control_data(store, windows)
    for scorer in scorers:
        if scorer.control is not None:
            found[scorer.name] = scorer.control.score(data)
    seed = experts.frozen.config.seed
    rows = [_row((store, scenario, None), windows, scorer, found, seed) for scorer in scorers]
    for number in np.unique(store.recording[windows]):
        inside = store.recording[windows] == number
        part = {name: score[inside] for name, score in found.items()}
        file = store.recordings[number].name
        rows += [
            _row((store, scenario, file), windows[inside], scorer, part, seed) for scorer in scorers
        ]
    return rows


def _row(
    place: tuple[GraphStore, str, str | None],
    windows: NDArray[np.int64],
    scorer: Scorer,
    scores: dict[str, NDArray[np.float64]],
    seed: int,
) -> EvaluationRow:
    store, scenario, file = place
    threshold, score = scorer.threshold, scores.get(scorer.name)
    metrics = intervals = None
    if threshold is not None and score is not None:
        label = store.label[windows]
        present = [store.recordings[i] for i in np.unique(store.recording[windows])]
        if any(recording.labels_say_nothing for recording in present):
            metrics = undefined_metrics(len(windows))
        else:
            metrics = window_metrics(label, score, threshold.value, _benign_hours(store, windows))
        if file is not None and metrics.attacks:
            intervals = block_bootstrap(label, score, threshold.value, seed)
    return EvaluationRow(
        scenario=scenario,
        file=file,
        scorer=scorer.name,
        kind=scorer.kind,
        threshold=threshold,
        metrics=metrics,
        intervals=intervals,
    )


def _benign_hours(store: GraphStore, windows: NDArray[np.int64]) -> float:
    """Recording time behind the benign ones of `windows`; overlapping frames count once."""
    benign = windows[store.label[windows] == 0]
    share = min(1.0, store.stride / store.window)
    return float(store.duration_s[benign].sum(dtype=np.float64)) * share / _S_PER_HOUR


def _window_scorers(experts: Experts, inputs: StageInputs) -> list[Scorer]:
    """The models, then the controls on windows."""
    config = experts.frozen.config
    models = [
        Scorer(name=name, kind="model", threshold=threshold)
        for name, threshold in experts.thresholds.items()
    ]
    store = inputs.store
    train = control_data(store, inputs.windows("train"))
    calibration = control_data(store, inputs.windows("threshold"))
    controls = []
    for name, control in fit_controls(train, config.seed).items():
        threshold = (
            None if control is None else control_threshold(control, calibration, config.target_fpr)
        )
        controls.append(Scorer(name=name, kind="control", threshold=threshold, control=control))
    return models + controls
