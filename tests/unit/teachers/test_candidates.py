"""Teachers on disk: damaged ones, and files that describe themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from can_train.config.frozen import encode_run_config
from can_train.errors import ArtifactError
from can_train.files import sha256_of
from can_train.teachers.policy import register_teacher
from can_train.teachers.weights_file import ARTIFACT_FORMAT
from tests.unit.teachers.registry_for_tests import finished, fitting


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
        fitting(tmp_path / "t", frozen.config.data)[0].checked_sha256()


def test_a_file_without_description_counts_by_its_own_config(tmp_path: Path) -> None:
    frozen = finished(tmp_path, 1, 0.8)
    path = tmp_path / "t" / "car" / "gat_teacher.pth"
    path.parent.mkdir(parents=True)
    torch.save({"format": ARTIFACT_FORMAT, "config": encode_run_config(frozen.config)}, path)
    (found,) = fitting(tmp_path / "t", frozen.config.data)
    assert (found.path, found.checked_sha256()) == (path, sha256_of(path))
    other = replace(frozen.config.data, features="classic")
    assert not fitting(tmp_path / "t", other)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ArtifactError, match="truncated"):
        fitting(tmp_path / "t", frozen.config.data)
