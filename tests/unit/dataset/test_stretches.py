"""Windows are counted before graphs are built, and come to the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.splits import open_split, windows_on
from can_train.dataset.stretches import PARTS, WindowCount, count_windows
from tests.unit.datasets_for_tests import REF, store_of


@pytest.mark.parametrize("split", ["time", "leave-vehicle-out:kia"])
@pytest.mark.parametrize("stride", [20, 7])
def test_what_is_counted_is_what_the_split_gives(
    prepared: tuple[Path, DatasetManifest], split: str, stride: int
) -> None:
    root, manifest = prepared
    data = DataConfig(dataset_digest="d", split_digest="s", window=20, stride=stride, split=split)
    store = store_of(root, manifest, stride)
    sides = open_split(root, manifest, name=split, window=20).sides(store)
    built = {}
    for side in PARTS:
        label = store.label[windows_on(sides, [side])]
        attack = int(np.count_nonzero(label))
        built[side] = WindowCount(benign=len(label) - attack, attack=attack)
    assert count_windows(REF.folder(root), manifest, data) == built
    assert sum(count.attack for count in built.values()) > 0
