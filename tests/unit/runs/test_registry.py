"""Registered teachers: who replaces whom, and what a damaged one means."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from can_train.config.frozen import FrozenConfig, freeze, run_id_of
from can_train.config.presets import preset
from can_train.config.schema import DataConfig, RunConfig
from can_train.errors import ArtifactError
from can_train.runs.files import sha256_of
from can_train.runs.layout import Roots, artifact_path, run_dir
from can_train.runs.registry import register_teacher, registered_teachers
from can_train.runs.summary import Validation, write_summary
from can_train.runs.teachers import all_places


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
    validation = Validation(
        metric="val_pr_auc",
        value=value,
        higher_is_better=True,
        artifact_sha256=sha256_of(artifact),
    )
    write_summary(run, validation, {"parameters": 2})
    return freeze(config, run, roots, register=True)


def names(tmp_path: Path) -> list[str]:
    return [path.name for path in all_places(tmp_path / "t")]


def test_only_a_better_teacher_of_the_same_windows_replaces_one(tmp_path: Path) -> None:
    first = finished(tmp_path, 1, 0.8)
    assert register_teacher(first).startswith("teacher registered: ")
    assert register_teacher(first).startswith("teacher already registered: ")
    worse = register_teacher(finished(tmp_path, 2, 0.7))
    assert "not registered" in worse and "val_pr_auc 0.8, this one 0.7" in worse
    better = finished(tmp_path, 3, 0.9)
    register_teacher(better)
    (found,) = registered_teachers(tmp_path / "t", "car", "gat", better.config.data)
    assert found.checked_sha256() == sha256_of(artifact_path(better.run_dir, "gat", "teacher"))
    assert names(tmp_path) == ["gat_teacher.pth"]


def test_teachers_of_other_windows_stand_beside(tmp_path: Path) -> None:
    register_teacher(finished(tmp_path, 1, 0.8))
    classic = finished(tmp_path, 2, 0.1, features="classic", window=50)
    register_teacher(classic)
    assert names(tmp_path) == ["gat_teacher.classic-w50.pth", "gat_teacher.pth"]
    (found,) = registered_teachers(tmp_path / "t", "car", "gat", classic.config.data)
    assert found.path.name == "gat_teacher.classic-w50.pth"


def test_a_third_split_is_told_not_to_fit(tmp_path: Path) -> None:
    for seed, split in enumerate(("s", "s2")):
        register_teacher(finished(tmp_path, seed, 0.8, split_digest=split))
    third = register_teacher(finished(tmp_path, 9, 0.9, split_digest="s3"))
    assert "hold teachers of other splits" in third
    assert names(tmp_path) == ["gat_teacher.pth", "gat_teacher.relational-w100.pth"]


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing", "description"])
def test_a_damaged_teacher_is_an_artifact_error(tmp_path: Path, damage: str) -> None:
    frozen = finished(tmp_path, 1, 0.8)
    register_teacher(frozen)
    path = tmp_path / "t" / "car" / "gat_teacher.pth"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-30])
    elif damage == "altered":
        torch.save(torch.zeros(2), path)
    elif damage == "missing":
        path.unlink()
    else:
        path.with_suffix(".json").write_text('{"sha256": 1}')
    with pytest.raises(ArtifactError, match="gat_teacher"):
        registered_teachers(tmp_path / "t", "car", "gat", frozen.config.data)[0].checked_sha256()


def test_an_interrupted_registration_is_completed_by_the_next(tmp_path: Path) -> None:
    register_teacher(finished(tmp_path, 1, 0.8))
    better = finished(tmp_path, 2, 0.9)
    path = tmp_path / "t" / "car" / "gat_teacher.pth"
    path.write_bytes(artifact_path(better.run_dir, "gat", "teacher").read_bytes())
    register_teacher(better)
    assert registered_teachers(tmp_path / "t", "car", "gat", better.config.data)


def test_without_a_registry_nothing_is_written(tmp_path: Path) -> None:
    frozen = replace(finished(tmp_path, 1, 0.8), teacher_root=None)
    assert register_teacher(frozen) == "teacher not registered: --no-register"
    assert not (tmp_path / "t").exists()
