"""Jitted passes over all windows of a recording: graph sizes and sequence hashes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled

_BASE: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""Odd base of the rolling polynomial modulo 2**64: the golden ratio's fraction."""

_MIX: Final = np.uint64(0xBF58_476D_1CE4_E5B9)
"""Multiplier of the splitmix64 finaliser (Steele, Lea and Flood, OOPSLA 2014)."""

_SHIFT: Final = np.uint64(31)


@compiled()
def count_graphs(
    slots: NDArray[np.int32], starts: NDArray[np.int64], window: int, slot_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct IDs, and distinct ordered pairs of consecutive IDs, in each window.

    Args:
        slots: Number of each frame's arbitration ID, below `slot_count` [N].
        starts: First frame of each window [B].
        window: Frames per window.
        slot_count: Number of distinct IDs.

    Returns:
        Nodes [B] and edges [B], int64.
    """
    nodes = np.zeros(len(starts), np.int64)
    edges = np.zeros(len(starts), np.int64)
    node_stamp = np.full(slot_count, -1, np.int64)
    number = np.zeros(slot_count, np.int64)
    most = min(window, slot_count)
    edge_stamp = np.full((most, most), -1, np.int64)
    for w in range(len(starts)):
        before = np.int64(-1)
        for k in range(starts[w], starts[w] + window):
            slot = slots[k]
            if node_stamp[slot] != w:
                node_stamp[slot] = w
                number[slot] = nodes[w]
                nodes[w] += 1
            here = number[slot]
            if before >= 0 and edge_stamp[before, here] != w:
                edge_stamp[before, here] = w
                edges[w] += 1
            before = here
    return nodes, edges


@compiled()
def sequence_hashes(
    ids: NDArray[np.uint32], dlc: NDArray[np.uint8], words: NDArray[np.uint64], window: int
) -> NDArray[np.uint64]:
    """Hash of the IDs and payloads of every `window` consecutive frames.

    H[i] = sum over k < W of f[i + k] * base**(W - 1 - k) modulo 2**64, f being the hash of a
    frame's ID, DLC and payload; computed from H[i - 1] in constant time.

    Args:
        ids: Arbitration IDs [N].
        dlc: Number of payload bytes [N].
        words: Payload as 64-bit words [N, P / 8].
        window: Frames per window.

    Returns:
        One hash per start 0 … N - W, uint64.
    """
    count = len(ids)
    frame = np.empty(count, np.uint64)
    for i in range(count):
        value = np.uint64(ids[i]) * np.uint64(256) + np.uint64(dlc[i])
        for word in words[i]:
            value = (value ^ (value >> _SHIFT)) * _MIX
            value = (value ^ (value >> _SHIFT)) * _BASE + word
        value = (value ^ (value >> _SHIFT)) * _MIX
        frame[i] = value ^ (value >> _SHIFT)
    hashes = np.empty(max(count - window + 1, 0), np.uint64)
    top = np.uint64(1)
    for _ in range(window):
        top *= _BASE
    rolling = np.uint64(0)
    for i in range(count):
        rolling = rolling * _BASE + frame[i]
        if i >= window:
            rolling -= frame[i - window] * top
        if i >= window - 1:
            hashes[i - window + 1] = rolling
    return hashes
