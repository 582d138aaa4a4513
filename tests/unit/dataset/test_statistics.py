"""Statistics of what a run sees, against counting window by window and frame by frame."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import split_digest
from can_train.dataset.splits import SIDES, UNUSED
from can_train.dataset.statistics import dataset_statistics, shared_frames
from can_train.dataset.windows import DatasetWindows, open_windows
from tests.unit.datasets_for_tests import REF


def opened(prepared, **changes) -> DatasetWindows:
    root, manifest = prepared
    digest = split_digest(manifest.digest, "time", 20)
    data = DataConfig(dataset_digest=manifest.digest, split_digest=digest, window=20, **changes)
    return open_windows(root, REF, data)


def test_windows_classes_kinds_and_sizes_are_counted(prepared):
    inputs = opened(prepared, stride=10)
    store, found = inputs.store, dataset_statistics(inputs)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    windows: Counter[str] = Counter()
    nodes, edges = [], []
    for window, side in enumerate(inputs.sides.tolist()):
        if side == UNUSED:
            continue
        windows[SIDES[side]] += 1
        nodes.append(int(store.node_ptr[window + 1] - store.node_ptr[window]))
        edges.append(int(store.edge_ptr[window + 1] - store.edge_ptr[window]))
        if store.label[window]:
            kinds[SIDES[side]][store.recordings[store.recording[window]].attack_kind] += 1
    assert {side: each.windows for side, each in found.sides.items()} == windows
    assert {side: each.attack_kinds for side, each in found.sides.items() if each.attacks} == kinds
    assert all(sum(each.attack_kinds.values()) == each.attacks for each in found.sides.values())
    assert sum(each.attacks for each in found.sides.values()) > 0
    for counts, spread in ((nodes, found.nodes), (edges, found.edges)):
        assert spread.mean == round(float(np.mean(counts)), 2)
        assert spread.p95 == round(float(np.percentile(counts, 95)), 2)
        assert spread.max == max(counts)
    assert found.shared_frames == 0


def test_a_leak_between_two_sides_is_counted_in_frames(prepared):
    inputs = opened(prepared, stride=10)
    sides = inputs.sides.copy()
    same = inputs.store.recording == 0
    at = int(np.flatnonzero(same & (sides == SIDES.index("train")))[5])
    assert inputs.store.start[at + 1] - inputs.store.start[at] == 10
    sides[at + 1 :][same[at + 1 :]] = SIDES.index("validation")
    covered: dict[int, set[int]] = defaultdict(set)
    for window in np.flatnonzero(same & (sides != UNUSED)).tolist():
        start = int(inputs.store.start[window])
        for frame in range(start, start + 20):
            covered[frame].add(int(sides[window]))
    shared = sum(len(found) > 1 for found in covered.values())
    assert shared == 10
    assert shared_frames(inputs.store, sides) == shared
