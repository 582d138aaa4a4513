"""One evaluated run as a comparison sees it: figures from its JSON files, and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from can_train.baselines.named import DetectorIdentity
from can_train.comparison.intervals import over_seeds
from can_train.config.codec import Json
from can_train.config.frozen import canonical_json, encode_run_config, frozen_config_of
from can_train.config.schema import Parent, RunConfig
from can_train.config.spec import spec_of
from can_train.detectors.calibration import Threshold
from can_train.errors import ArtifactError, PreflightError
from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import EvaluationReport, RowKind, load_report
from can_train.runs.find import find_run
from can_train.runs.layout import (
    IDENTITY_WORDS,
    artifact_path,
    evaluation_path,
    is_run,
)
from can_train.runs.made import check_made
from can_train.runs.summary import read_parameters, read_validation

BesideFigures: TypeAlias = Mapping[str, Mapping[str, WindowMetrics]]
"""Figures of what stands beside the models, by scenario and name."""

KINDS: Final = ("student", "student+KD", "teacher", "teacher+KD")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One evaluated run.

    Attributes:
        run_id: Its id.
        folder: Where it lies.
        config: Its configuration.
        distilled: Whether it learned from a teacher, or (fusion) its experts did.
        metrics: Figures by scenario, of all its files together.
        parameters, artifact_bytes: Size of its model and of the file.
        made_s: When the artifact was written, in seconds since the epoch.
        latency_ms: Median and 99th percentile per window, graph building included; None where it
            wasn't measured.
        controls: Figures of the controls beside it, by scenario and name.
        others: The same of detectors of others.
        detectors: Which these were, by name.
        threshold: What its windows were decided by; None: not known.
        tests: Digests of the official test recordings behind the figures, by `scenario/file`.
    """

    run_id: str
    folder: Path
    config: RunConfig
    distilled: bool
    metrics: Mapping[str, WindowMetrics | None]
    parameters: int
    artifact_bytes: int
    made_s: float
    latency_ms: tuple[float, float] | None = None
    controls: BesideFigures = field(default_factory=dict)
    others: BesideFigures = field(default_factory=dict)
    detectors: Mapping[str, DetectorIdentity] = field(default_factory=dict)
    threshold: Threshold | None = None
    tests: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return f"{self.config.model_size}{'+KD' if self.distilled else ''}"

    def value(self, scenario: str, metric: str) -> float | None:
        """One figure; None where it isn't defined."""
        found = self.metrics.get(scenario)
        return None if found is None else figures_of(found)[metric]

    def average(self, scenarios: Sequence[str], metric: str) -> float | None:
        """Mean of a figure over scenarios; None where one isn't defined."""
        found = over_seeds([self.value(scenario, metric) for scenario in scenarios])
        return None if found is None else found.mean


def reports_of(runs: Sequence[Path]) -> dict[Path, EvaluationReport]:
    """The evaluations that stand in run folders."""
    paths = {run: evaluation_path(run) for run in runs}
    return {run: load_report(path) for run, path in paths.items() if path.is_file()}


def evaluation_of(run: Path, reports: Mapping[Path, EvaluationReport]) -> EvaluationReport | None:
    """The run's own evaluation, else one of a run that was built on it."""
    own = reports.get(run)
    if own is not None:
        return own
    scorer = spec_of(_model_of(run)).row
    return next((r for r in reports.values() if r.runs.get(scorer) == run.name), None)


def _model_of(run: Path) -> str:
    return run.absolute().parts[-5]


def load_compared(run: Path, reports: Mapping[Path, EvaluationReport]) -> ComparedRun:
    """A finished run with the figures of its own model.

    Raises:
        PreflightError: It isn't evaluated.
        ArtifactError: One of its files is missing or damaged.
    """
    report = evaluation_of(run, reports)
    if report is None:
        raise PreflightError(f"run {run.name} isn't evaluated. Use: can-train evaluate {run.name}")
    check_made(run)
    config = frozen_config_of(run).config
    artifact = artifact_path(run, config.model, config.model_size)
    if not report.is_of(config.model, read_validation(run).artifact_sha256):
        raise ArtifactError(
            f"{evaluation_path(run)}: of another model file than {artifact}. "
            f"Evaluate it again: can-train evaluate {run.name}"
        )
    scorer = spec_of(config.model).row
    mine = [row for row in report.rows if row.file is None and row.scorer == scorer]
    return ComparedRun(
        run_id=run.name,
        folder=run,
        config=config,
        distilled=_distilled(config, run.absolute().parents[IDENTITY_WORDS]),
        metrics={row.scenario: row.metrics for row in mine},
        parameters=read_parameters(run),
        artifact_bytes=artifact.stat().st_size,
        made_s=artifact.stat().st_mtime,
        latency_ms=report.latency_ms.get(scorer),
        controls=_beside(report, "control"),
        others=_beside(report, "other"),
        detectors=report.detectors,
        threshold=mine[0].threshold if mine else None,
        tests={key: sha for key, sha in report.recordings.items() if key.startswith("test")},
    )


def _beside(report: EvaluationReport, kind: RowKind) -> BesideFigures:
    found: dict[str, dict[str, WindowMetrics]] = {}
    for row in report.rows:
        if row.file is None and row.kind == kind and row.metrics:
            found.setdefault(row.scenario, {})[row.scorer] = row.metrics
    return found


def _distilled(config: RunConfig, experiment_root: Path) -> bool:
    if spec_of(config.model).distils:
        return config.distillation is not None
    experts = (_run_of(parent, experiment_root) for parent in config.experts.values())
    return any(frozen_config_of(run).config.distillation for run in experts if run)


def _run_of(parent: Parent, experiment_root: Path) -> Path | None:
    """Folder of the run that made an expert; None for a file that lies in no run."""
    if parent.run_id is not None:
        return find_run(experiment_root, parent.run_id)
    folder = Path(parent.path or "").parent.parent
    return folder if is_run(folder) else None


def settings_of(run: ComparedRun) -> dict[str, Json]:
    """What makes runs comparable, flat: the config without seed and parents."""
    config = run.config
    distillation = config.distillation
    if distillation is not None:
        distillation = replace(distillation, teacher=Parent())
    bare = replace(config, seed=0, experts={}, distillation=distillation)
    flat = _flat(encode_run_config(bare))
    return {**flat, "distilled": run.distilled}


def key_of(run: ComparedRun) -> str:
    """Equal for runs that differ by seed and parents only."""
    return canonical_json(settings_of(run))


def base_of(run: ComparedRun) -> str:
    """The settings without distillation; two groups that agree in them differ by it only."""
    kept = {k: v for k, v in settings_of(run).items() if not k.startswith("distill")}
    return canonical_json(kept)


def _flat(value: Json, prefix: str = "") -> dict[str, Json]:
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Json] = {}
    for key, item in value.items():
        found |= _flat(item, f"{prefix}.{key}" if prefix else key)
    return found


def figures_of(metrics: WindowMetrics) -> dict[str, float | None]:
    """Those that runs are compared by, by name."""
    return {
        "roc_auc": metrics.roc_auc,
        "pr_auc": metrics.pr_auc,
        "f1": metrics.f1,
        "fpr": metrics.fpr,
        "recall": metrics.recall,
        "false_alarms_per_hour": metrics.false_alarms_per_hour,
    }
