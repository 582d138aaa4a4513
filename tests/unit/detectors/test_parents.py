"""Artifacts that a run consumes: found again after a replacement, refused where they don't fit."""

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.presets import preset
from can_train.config.schema import DataConfig, DistillationConfig, Parent, RunConfig
from can_train.detectors.artifact import save_detector
from can_train.detectors.calibration import Threshold
from can_train.detectors.parents import experts_of, load_parents, parent_path
from can_train.errors import ArtifactError
from can_train.teachers.files import kept_path
from tests.unit.detectors_for_tests import untrained

DATA = DataConfig(dataset_digest="d", split_digest="s")
OTHER = DataConfig(dataset_digest="d2", split_digest="s2")


def teacher_config(data: DataConfig = DATA) -> RunConfig:
    return RunConfig(
        modality="automotive",
        dataset="bus",
        model="gat",
        model_size="teacher",
        training_strategy="normal",
        data=data,
        architecture=preset("gat", "student", "normal").architecture,
    )


def saved(path: Path, config: RunConfig, value: float = 0.5) -> str:
    threshold = Threshold(
        value=value, target_fpr=0.001, benign_windows=9, exact=False, rule="real", real_value=value
    )
    return save_detector(path, untrained(config, threshold=threshold))


def student_of(
    path: Path, sha256: str, data: DataConfig = DATA, *, foreign: bool = False
) -> RunConfig:
    teacher = Parent(path=str(path), sha256=sha256)
    return replace(
        teacher_config(data),
        dataset="car",
        model_size="student",
        distillation=DistillationConfig(teacher=teacher, foreign_teacher=foreign),
    )


def test_a_frozen_teacher_that_was_replaced_since_is_found_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "gat_teacher.pth"
    sha256 = saved(path, teacher_config())
    student = student_of(path, sha256)
    assert load_parents(student, tmp_path)["teacher"].sha256 == sha256
    path.rename(kept_path(path, sha256))
    assert load_parents(student, tmp_path)["teacher"].sha256 == sha256
    saved(path, teacher_config(), value=0.7)
    assert load_parents(student, tmp_path)["teacher"].sha256 == sha256
    kept_path(path, sha256).unlink()
    with pytest.raises(ArtifactError, match="the file was changed"):
        load_parents(student, tmp_path)


def test_an_expert_that_was_replaced_since_is_found_wherever_it_is_needed(tmp_path: Path) -> None:
    """Training found the kept copy; evaluation and the summary looked at the new file."""
    path = tmp_path / "gat_teacher.pth"
    sha256 = saved(path, teacher_config())
    expert = Parent(path=str(path), sha256=sha256)
    config = replace(teacher_config(), training_strategy="curriculum", experts={"gat": expert})
    detector = untrained(config)
    detector.parents = {"gat": sha256}
    path.rename(kept_path(path, sha256))
    assert parent_path(expert, tmp_path, "gat") == kept_path(path, sha256)
    saved(path, teacher_config(), value=0.7)
    assert parent_path(expert, tmp_path, "gat") == kept_path(path, sha256)
    assert experts_of(detector, tmp_path, tmp_path)["gat"].sha256 == sha256


def test_a_teacher_of_another_dataset_loads_only_where_the_plan_allowed_it(tmp_path: Path) -> None:
    path = tmp_path / "gat_teacher.pth"
    sha256 = saved(path, teacher_config())
    with pytest.raises(ArtifactError, match=r"dataset bus \(this plan: car\)"):
        load_parents(student_of(path, sha256, OTHER), tmp_path)
    assert load_parents(student_of(path, sha256, OTHER, foreign=True), tmp_path)
    with pytest.raises(ArtifactError, match=r"window 100 \(this plan: 50\)"):
        load_parents(student_of(path, sha256, replace(OTHER, window=50), foreign=True), tmp_path)
    with pytest.raises(ArtifactError, match=r"split digest s \(this plan: s2\)"):
        same = student_of(path, sha256, replace(DATA, split_digest="s2"), foreign=True)
        load_parents(same, tmp_path)
