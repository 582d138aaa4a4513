"""Evaluates detectors of others and the controls on a dataset, beside no trained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from can_train.baselines.named import NamedDetector
from can_train.config.fields import SETTINGS
from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetRef, load_manifest, split_digest
from can_train.dataset.windows import open_windows
from can_train.errors import counted
from can_train.evaluation.beside import Tell, Terms, fit_beside, say_nothing, settings_of
from can_train.evaluation.places import places_of
from can_train.evaluation.report import EvaluationReport, EvaluationRow
from can_train.evaluation.rows import rows_of


def evaluate_dataset(
    data_root: Path,
    ref: DatasetRef,
    named: Sequence[NamedDetector],
    tell: Tell = say_nothing,
) -> EvaluationReport:
    """Scores all test recordings of a dataset with the settings that a run has by default.

    So the rows are those that stand beside such a run, and nothing is written.

    Args:
        data_root: Where the dataset lies.
        ref: Which dataset.
        named: Detectors of others.
        tell: Called with what is done next.

    Raises:
        PreflightError: No such dataset was prepared.
        DataError: It can't be read, or lacks what detectors and thresholds need.
        TrainingError: A detector fails.
    """
    identity = load_manifest(data_root, ref.modality, ref.dataset).identity
    plain = DataConfig(dataset_digest=identity, split_digest="")
    data = replace(plain, split_digest=split_digest(identity, plain.split, plain.window))
    inputs = open_windows(data_root, ref, data)
    terms = Terms(seed=int(_usual("seed")), target_fpr=_usual("target_fpr"))
    places = list(places_of(inputs))
    beside = fit_beside(named, inputs, places, terms, tell)
    rows: list[EvaluationRow] = []
    digests: dict[str, str] = {}
    for place in places:
        tell(f"scoring {place.scenario}: {counted(len(place.windows), 'window')}")
        rows += rows_of(place, beside.scorers, beside.scores(place), terms.seed)
        digests |= place.digests
    return EvaluationReport(
        modality=ref.modality,
        dataset=ref.dataset,
        run_id="",
        rows=tuple(rows),
        settings=settings_of(data, terms),
        recordings=digests,
        detectors=beside.others.identities,
    )


def _usual(name: str) -> float:
    """Default of a setting that is a number."""
    found = SETTINGS[name].default
    if not isinstance(found, int | float):
        raise TypeError(f"{name}: {found!r}")
    return found
