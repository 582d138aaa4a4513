"""Writes bundles, with what their manifests tell beside the detector itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

import can_train
from can_train.config.frozen import frozen_config_of
from can_train.deploy.exporter import Export
from can_train.detectors.bundle import SUFFIX, bundle_bytes
from can_train.files import read_object, writing
from can_train.runs.layout import evaluation_path, is_run, summary_path
from can_train.runs.summary import read_validation

LICENCE: Final = (
    "can-train is under the MIT licence. The weights were learnt from the dataset that is named "
    "here: whoever passes them on has to mind its terms, too."
)

_FIGURES: Final = ("roc_auc", "f1", "fpr")
"""Of each scenario."""


def write(export: Export) -> None:
    """Writes the bundle; that of a bundle is the same file."""
    if export.source.suffix == SUFFIX:
        content = export.source.read_bytes()
    else:
        content = bundle_bytes(export.detector, about(export))
    with writing(export.out) as stream:
        stream.write(content)


def about(export: Export) -> dict[str, Any]:
    """Versions, identity, dataset, figures and licence, as JSON values."""
    config = export.detector.own.config
    run = run_of(export.source)
    return {
        "versions": {"can_train": can_train.__version__, "numpy": np.__version__},
        "identity": {
            "run": "" if run is None else run.name,
            "modality": config.modality,
            "model": config.model,
            "model_size": config.model_size,
            "training_strategy": config.training_strategy,
            "distillation": config.distillation_word,
            "artifact_sha256": export.detector.own.sha256,
        },
        "dataset": {
            "name": config.dataset,
            "digest": config.data.dataset_digest,
            "split_digest": config.data.split_digest,
            "training_digest": None if run is None else frozen_config_of(run).training_digest,
        },
        "window": {
            "features": config.data.features,
            "frames": config.data.window,
            "stride": config.data.stride,
        },
        "metrics": {} if run is None else _metrics(run, export.detector.own.spec.row),
        "licence": LICENCE,
    }


def run_of(source: Path) -> Path | None:
    """The run that a detector is of; None for a file that lies in none."""
    run = source.absolute().parent.parent if source.is_file() else source
    return run if is_run(run) else None


def _metrics(run: Path, scorer: str) -> dict[str, Any]:
    """The figure by which the run was chosen, and its own ones of each scenario, if evaluated."""
    found: dict[str, Any] = {}
    if summary_path(run).is_file():
        best = read_validation(run)
        found["validation"] = {best.metric: best.value}
    if evaluation_path(run).is_file():
        found["test"] = dict(_of_scenarios(read_object(evaluation_path(run)), scorer))
    return found


def _of_scenarios(evaluation: Mapping[str, Any], scorer: str) -> Iterator[tuple[str, Any]]:
    for row in evaluation["rows"]:
        if row["scorer"] == scorer and row["file"] is None:
            yield row["scenario"], {name: row["metrics"][name] for name in _FIGURES}
