"""Sizes of graphs and equal windows, counted against plain Python."""

from __future__ import annotations

import numpy as np

from can_train.graphs.counts import count_graphs, sequence_hashes


def test_nodes_and_edges_agree_with_sets() -> None:
    slots = np.random.default_rng(0).integers(0, 9, 400).astype(np.int32)
    starts = np.arange(0, 351, 7)
    nodes, edges = count_graphs(slots, starts, 50, 9)
    for start, node, edge in zip(starts.tolist(), nodes.tolist(), edges.tolist(), strict=True):
        cut = slots[start : start + 50].tolist()
        assert node == len(set(cut))
        assert edge == len(set(zip(cut, cut[1:], strict=False)))


def test_equal_hashes_are_equal_sequences() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 2, 3000).astype(np.uint32)
    dlc = rng.integers(0, 2, 3000).astype(np.uint8)
    words = rng.integers(0, 2, (3000, 1)).astype(np.uint64)
    hashes = sequence_hashes(ids, dlc, words, 3).tolist()
    frames = list(zip(ids.tolist(), dlc.tolist(), words[:, 0].tolist(), strict=True))
    sequences = [tuple(frames[i : i + 3]) for i in range(len(frames) - 2)]
    assert len(hashes) == len(sequences)
    assert len(set(hashes)) == len(set(sequences)) == len(set(zip(hashes, sequences, strict=True)))
