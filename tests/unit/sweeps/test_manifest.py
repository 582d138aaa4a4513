"""The record of a sweep: whole, in the order of its axes, and refused once it was changed."""

from __future__ import annotations

import json

import pytest

from can_train.errors import ArtifactError
from can_train.runs.layout import Roots, manifest_path, sweep_dir
from can_train.sweeps.manifest import (
    listed_sweeps,
    manifest_of,
    mark,
    read_manifest,
    write_manifest,
)
from tests.unit.sweeps.conftest import MakeSweep

KEYS = {"sweep_id", "created_at", "grid_definition", "configs", "total_combinations", "name",
        "command", "git_commit", "data_digests", "state"}  # fmt: skip


def test_what_is_written_is_read_with_its_axes_in_order(sweep_of: MakeSweep, roots: Roots) -> None:
    manifest = sweep_of("seed=2,1", "epochs=[3,4],[4,4]", model="vgae,gat").manifest
    path = write_manifest(roots.experiments, manifest)
    assert read_manifest(path) == manifest
    document = json.loads(path.read_text())
    assert set(document) >= KEYS
    assert list(document["grid_definition"].items()) == [
        ("seed", [2, 1]), ("epochs", [[3, 4], [4, 4]]),
    ]  # fmt: skip
    first = document["configs"][0]
    assert set(first) >= {"id", "path", "params"}
    assert first["params"] == {"seed": 2, "epochs": [3, 4]}
    (digest,) = document["data_digests"].values()
    assert len(digest) == 64


def test_a_state_that_is_recorded_is_all_that_changes(sweep_of: MakeSweep, roots: Roots) -> None:
    manifest = sweep_of("seed=1,2", model="gat").manifest
    path = write_manifest(roots.experiments, manifest)
    mark(roots.experiments, manifest, "cancelled")
    assert read_manifest(path).state == "cancelled"
    assert read_manifest(path).configs == manifest.configs


def test_a_record_that_was_changed_is_refused_and_listed(sweep_of: MakeSweep, roots: Roots) -> None:
    manifest = sweep_of("seed=1,2", model="gat").manifest
    path = write_manifest(roots.experiments, manifest)
    path.write_text(path.read_text().replace('"seed": 1', '"seed": 3'))
    with pytest.raises(ArtifactError, match="changed since it was written"):
        read_manifest(path)
    (listed,) = listed_sweeps(roots.experiments)
    assert listed.manifest is None and "changed since it was written" in listed.problem


def test_a_record_of_another_sweep_or_version_is_named(sweep_of: MakeSweep, roots: Roots) -> None:
    manifest = sweep_of("seed=1,2", model="gat").manifest
    path = write_manifest(roots.experiments, manifest)
    other = sweep_dir(roots.experiments, "f00d")
    other.mkdir()
    manifest_path(other).write_bytes(path.read_bytes())
    with pytest.raises(ArtifactError, match=f"of sweep {manifest.sweep_id}"):
        manifest_of(other)
    manifest_path(other).write_text('{"sweep_id": "f00d"}')
    with pytest.raises(ArtifactError, match="not a sweep of this version"):
        manifest_of(other)
    with pytest.raises(ArtifactError, match="can't be read"):
        read_manifest(other / "nosuch.json")
