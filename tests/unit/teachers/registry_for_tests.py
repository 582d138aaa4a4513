"""Finished teachers, and the registered ones that fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from can_train.config.frozen import FrozenConfig, freeze, run_id_of
from can_train.config.presets import preset
from can_train.config.schema import DataConfig, RunConfig
from can_train.files import sha256_of
from can_train.runs.layout import Roots, artifact_path, run_dir
from can_train.runs.summary import RankedFigure, write_summary
from can_train.teachers.candidates import Candidate, registered_teachers
from can_train.teachers.fit import Wanted


def finished(tmp_path: Path, seed: int, value: float, **data: object) -> FrozenConfig:
    base = preset("gat", "teacher", "normal")
    config = RunConfig(
        modality="automotive",
        dataset="car",
        model="gat",
        model_size="teacher",
        training_strategy="normal",
        data=replace(DataConfig(dataset_digest="d", split_digest="s"), **data),  # type: ignore[arg-type]
        architecture=base.architecture,
        seed=seed,
    )
    roots = Roots(data=tmp_path / "d", experiments=tmp_path / "e", teachers=tmp_path / "t")
    run = run_dir(roots.experiments, config, run_id_of(config))
    artifact = artifact_path(run, "gat", "teacher")
    artifact.parent.mkdir(parents=True)
    torch.save(torch.full((2,), seed), artifact)
    validation = RankedFigure(
        metric="val_pr_auc",
        value=value,
        higher_is_better=True,
        artifact_sha256=sha256_of(artifact),
    )
    write_summary(run, validation, {"parameters": 2})
    return freeze(config, run, roots, register=True)


def fitting(root: Path, data: DataConfig) -> list[Candidate]:
    wanted = Wanted(modality="automotive", dataset="car", model="gat", data=data)
    return registered_teachers(root, wanted)
