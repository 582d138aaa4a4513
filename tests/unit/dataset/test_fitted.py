"""Scaler and vocabulary are fitted once, and refused when they were altered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.fitted import Fitted, open_fitted
from can_train.errors import DataError
from can_train.graphs.scaling import FeatureScaler, IdVocabulary


def made() -> Fitted:
    numbers = [np.array([1 / 3, 2e-7, 5.0], np.float32) * k for k in range(1, 5)]
    names = ("node_mean", "node_scale", "edge_mean", "edge_scale")
    return Fitted(
        scaler=FeatureScaler(**dict(zip(names, numbers, strict=True))),
        vocabulary=IdVocabulary(ids=np.array([3, 0x8000_0001], np.uint32)),
    )


def never() -> Fitted:
    raise AssertionError("fitted again")


def opened(folder: Path, fit=never, **recipe) -> Fitted:
    return open_fitted(folder, fit, **{"store": "s", "split": "t" * 64, "most": None, **recipe})


def test_what_was_fitted_comes_back_bit_for_bit(tmp_path: Path) -> None:
    opened(tmp_path, made)
    again, expected = opened(tmp_path), made()
    for name in FeatureScaler.__slots__:
        one, other = getattr(again.scaler, name), getattr(expected.scaler, name)
        assert one.dtype == np.float32 and np.array_equal(one, other)
    assert np.array_equal(again.vocabulary.ids, expected.vocabulary.ids)


@pytest.mark.parametrize("other", [{"store": "x"}, {"split": "u" * 64}, {"most": 5}])
def test_other_windows_are_fitted_anew(tmp_path: Path, other: dict[str, object]) -> None:
    opened(tmp_path, made)
    with pytest.raises(AssertionError, match="fitted again"):
        opened(tmp_path, **other)


def test_what_was_altered_is_refused(tmp_path: Path) -> None:
    opened(tmp_path, made)
    (path,) = (tmp_path / "splits").iterdir()
    document = json.loads(path.read_text())
    document["ids"][0] = 4
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"not what was fitted.*Remove it: it is remade"):
        opened(tmp_path)
    path.write_text("[")
    with pytest.raises(DataError, match=path.name):
        opened(tmp_path)
