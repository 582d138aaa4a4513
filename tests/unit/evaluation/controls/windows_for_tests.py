"""Windows for controls, from plain lists or drawn."""

import numpy as np

from can_train.evaluation.controls import ControlData


def windows(ids, label, *, features=None, position=None, deviation=None):
    """Windows that hold `ids` (one list per window); features are zero unless given."""
    counts = np.array([len(row) for row in ids])
    ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(ptr[-1])
    return ControlData(
        node_x=np.zeros((total, 2), np.float32) if features is None else features,
        node_ptr=ptr,
        edge_ptr=ptr * 2,
        node_id=np.concatenate(ids).astype(np.uint32),
        label=np.asarray(label, np.uint8),
        relative_position=np.zeros(len(ids)) if position is None else np.asarray(position),
        interval_deviation=deviation,
    )


def random_windows(number, seed, *, features=5, widest=40):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, widest, number)
    label = (rng.random(number) < 0.3).astype(np.uint8)
    shift = np.repeat(label, counts)[:, None]
    return windows(
        np.split(rng.integers(0, 50, counts.sum()), np.cumsum(counts)[:-1]),
        label,
        features=(rng.normal(size=(counts.sum(), features)) + shift).astype(np.float32),
        position=rng.random(number),
        deviation=rng.random(number) + label,
    )
