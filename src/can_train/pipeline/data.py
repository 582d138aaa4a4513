"""The windows that the stages of a plan share, and what is wrong with their dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from can_train.config.codec import from_plain
from can_train.config.requests import PlanRequest
from can_train.config.resolve import data_config
from can_train.config.schema import UNIVERSE_VERSION, DataConfig
from can_train.config.typed import Typed
from can_train.dataset.manifest import DatasetManifest, load_manifest, split_digest
from can_train.dataset.split_names import split_problems
from can_train.errors import CanTrainError, DataError, PreflightError, raise_all
from can_train.pipeline.preflight import frames_problems
from can_train.runs.layout import Roots
from can_train.vocab import MODALITIES_WITH_DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanData:
    """A prepared dataset and the windows of a plan."""

    manifest: DatasetManifest
    windows: DataConfig


def plan_data(request: PlanRequest, roots: Roots, problems: list[CanTrainError]) -> PlanData | None:
    """The dataset and the windows of a plan; None where it can't be read.

    Args:
        request: The plan.
        roots: Where datasets lie.
        problems: Takes what is wrong.
    """
    try:
        manifest = load_manifest(roots.data, request.modality, request.dataset)
    except (DataError, PreflightError) as problem:
        problems.append(problem)
        return None
    windows = _with_digest(manifest, data_config(request, manifest.identity, ""))
    problems += frames_problems(roots, manifest)
    problems += split_problems(manifest, windows.split)
    return PlanData(manifest=manifest, windows=windows)


def dataset_problems(typed: Typed, roots: Roots) -> list[CanTrainError]:
    """The dataset's problems where the plan can't be told."""
    text = {**typed.file_text, **typed.text}
    modality, dataset = text.get("modality"), text.get("dataset")
    if modality not in MODALITIES_WITH_DATA or not dataset:
        return []
    try:
        manifest = load_manifest(roots.data, modality, dataset)
    except (DataError, PreflightError) as problem:
        return [problem]
    return list(frames_problems(roots, manifest))


def windows_of(
    roots: Roots, modality: str, dataset: str, given: Mapping[str, object]
) -> DataConfig:
    """The windows of a prepared dataset, with what was given of features, window and split.

    Raises:
        ConfigError: A value isn't allowed.
        PreflightError: The dataset isn't prepared, or has no such split.
    """
    manifest = load_manifest(roots.data, modality, dataset)
    usual = asdict(DataConfig(dataset_digest=manifest.identity, split_digest=""))
    windows = from_plain(DataConfig, {**usual, **given}, "data")
    raise_all(list(split_problems(manifest, windows.split)))
    return _with_digest(manifest, windows)


def _with_digest(manifest: DatasetManifest, windows: DataConfig) -> DataConfig:
    digest = split_digest(manifest.identity, windows.split, windows.window)
    universe = UNIVERSE_VERSION if windows.augment else 0
    return replace(windows, split_digest=digest, universe=universe)
