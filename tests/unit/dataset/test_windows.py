"""Windows of a dataset on the sides of its split, with what is fitted on them."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import load_manifest, split_digest
from can_train.dataset.windows import open_windows
from can_train.errors import DataError
from can_train.graphs.scaling import fit_scaler, fit_vocabulary
from can_train.graphs.store import rows_of
from tests.unit.datasets_for_tests import (
    REF,
)


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
    assert fit_scaler(inputs.store, attacks).node_mean.shape == (20,)


def test_inputs_refuse_a_dataset_that_changed_since_freezing(prepared):
    root, manifest = prepared
    data = DataConfig(dataset_digest="0" * 64, split_digest="0" * 64, window=20, stride=20)
    with pytest.raises(DataError, match="changed since this run was frozen"):
        open_windows(root, REF, data)
    assert load_manifest(root, REF.modality, REF.dataset).digest == manifest.digest
