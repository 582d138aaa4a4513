"""Windows of a dataset on the sides of its split, with what is fitted on them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import load_manifest, split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.errors import DataError
from can_train.graphs.scaling import fit_scaler, fit_vocabulary
from can_train.graphs.store import rows_of
from can_train.pipeline.data import windows_of
from can_train.runs.layout import roots_from
from tests.unit.datasets_for_tests import REF, some_frames, two_vehicles, with_attack, write_csv


def test_scaler_and_vocabulary_come_from_benign_training_windows(prepared):
    root, manifest = prepared
    digest = split_digest(manifest.digest, "time", 20)
    data = DataConfig(dataset_digest=manifest.digest, split_digest=digest, window=20, stride=20)
    inputs = open_windows(root, REF, data)
    benign = inputs.windows("train", benign=True)
    assert (inputs.store.label[benign] == 0).all()
    x = inputs.store.node_x[rows_of(inputs.store.node_ptr, benign)].astype(np.float64)
    assert np.allclose(inputs.scaler.node_mean, x.mean(0), atol=1e-4)
    assert np.allclose(inputs.scaler.node_scale, np.maximum(x.std(0), 0.05), rtol=1e-3)
    attacks = np.flatnonzero(inputs.store.label == 1)
    vocabulary = fit_vocabulary(inputs.store, attacks)
    assert vocabulary.index(np.array([0x7FF0], np.uint32)).tolist() == [0]
    known = vocabulary.ids[[0, -1]]
    assert vocabulary.index(known).tolist() == [1, len(vocabulary) - 1]
    assert fit_scaler(inputs.store, attacks).node_mean.shape == (21,)


def test_inputs_refuse_a_dataset_that_changed_since_freezing(prepared):
    root, manifest = prepared
    data = DataConfig(dataset_digest="0" * 64, split_digest="0" * 64, window=20, stride=20)
    with pytest.raises(DataError, match="changed since this run was frozen"):
        open_windows(root, REF, data)
    assert load_manifest(root, REF.modality, REF.dataset).digest == manifest.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A dataset that a run was frozen on, and the files that it was imported from."""

    source: Path
    root: Path
    data: DataConfig

    def imported_again(self) -> list[str]:
        """What `data prepare --force` says after the files were changed."""
        lines: list[str] = []
        request = PrepareRequest(
            modality=REF.modality, dataset=REF.dataset, data_root=self.root, source=self.source,
            force=True,
        )  # fmt: skip
        prepare_dataset(request, report=lines.append)
        return lines

    def opened(self) -> DatasetWindows:
        return open_windows(self.root, REF, self.data)


@pytest.fixture
def dated(tmp_path: Path) -> Dated:
    manifest = two_vehicles(tmp_path / "source", tmp_path / "data")
    digest = split_digest(manifest.digest, "time", 20)
    data = DataConfig(dataset_digest=manifest.digest, split_digest=digest, window=20, stride=20)
    return Dated(source=tmp_path / "source", root=tmp_path / "data", data=data)


TEST_FILE = "test_01_known_vehicle_known_attack/DoS-sonata.csv"
TRAINING_FILE = "train_02_with_attacks/DoS-kia.csv"


def test_test_files_may_change_under_a_frozen_run(
    dated: Dated, caplog: pytest.LogCaptureFixture
) -> None:
    before = dated.opened()
    write_csv(dated.source / TEST_FILE, with_attack(some_frames(8), 100, 4000))
    write_csv(dated.source / "test_02_unknown_vehicle_known_attack/DoS-y.csv", some_frames(9))
    assert dated.imported_again()[-1].endswith(
        "(only test files changed: finished runs stay usable)"
    )
    with caplog.at_level("INFO", "can_train"):
        now = dated.opened()
    assert [r.message.partition(" (")[0] for r in caplog.records] == [
        "dataset small: test files changed since this run was frozen"
    ]
    assert now.store.key == before.store.key
    assert np.array_equal(now.sides, before.sides)
    assert [r.name for r in now.manifest.test] == ["DoS-sonata", "DoS-y"]
    # A plan that is made now is of the same runs, and its teachers are those of before.
    again = windows_of(
        roots_from(str(dated.root)), REF.modality, REF.dataset, {"window": 20, "stride": 20}
    )
    assert again == dated.data


def test_labels_and_frames_of_training_files_may_not(dated: Dated) -> None:
    text = (dated.source / TRAINING_FILE).read_text()
    write_csv(dated.source / TRAINING_FILE, with_attack(some_frames(3), 2000, 4000))
    assert "(training files changed" in dated.imported_again()[-1]
    with pytest.raises(DataError, match="the training recordings of dataset small changed since"):
        dated.opened()
    (dated.source / TRAINING_FILE).write_text(text)
    write_csv(dated.source / TEST_FILE, some_frames(8))
    dated.imported_again()  # what the run was trained on is there again, with other test files
    assert len(dated.opened().store)


def test_a_training_file_that_becomes_a_test_file_is_a_change(dated: Dated) -> None:
    shutil.copy(dated.source / TRAINING_FILE, dated.source / TEST_FILE)
    dated.imported_again()
    with pytest.raises(DataError, match="the training recordings of dataset small changed since"):
        dated.opened()


def test_a_refused_import_says_that_finished_runs_would_stay_usable(dated: Dated) -> None:
    write_csv(dated.source / TEST_FILE, some_frames(8))
    request = PrepareRequest(
        modality=REF.modality, dataset=REF.dataset, data_root=dated.root, source=dated.source
    )
    with pytest.raises(DataError, match="only test files differ, so finished runs would stay"):
        prepare_dataset(request)


def test_an_unchanged_dataset_has_the_identity_that_runs_know(dated: Dated) -> None:
    manifest = load_manifest(dated.root, REF.modality, REF.dataset)
    assert manifest.identity == manifest.digest == dated.data.dataset_digest
    path = dated.root / "automotive" / "small" / "dataset.json"
    document = json.loads(path.read_text())
    del document["identities"], document["training_digest"]  # as it was written before
    path.write_text(json.dumps(document))
    assert load_manifest(dated.root, REF.modality, REF.dataset) == manifest


def test_the_same_training_recordings_elsewhere_are_known_by_their_digest(
    dated: Dated, tmp_path: Path
) -> None:
    noted = load_manifest(dated.root, REF.modality, REF.dataset).training_digest
    before = dated.opened()
    write_csv(dated.source / TEST_FILE, some_frames(8))
    elsewhere = replace(dated, root=tmp_path / "elsewhere")
    elsewhere.imported_again()
    with pytest.raises(DataError, match="changed since this run was frozen"):
        elsewhere.opened()
    now = open_windows(elsewhere.root, REF, dated.data, noted)
    assert (now.store.key, now.sides.tolist()) == (before.store.key, before.sides.tolist())
    write_csv(dated.source / TRAINING_FILE, some_frames(9))
    elsewhere.imported_again()
    with pytest.raises(DataError, match="changed since this run was frozen"):
        open_windows(elsewhere.root, REF, dated.data, noted)
