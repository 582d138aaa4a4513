"""Graphs of small recordings, and their features by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import store_frames
from can_train.graphs.build import GraphBuilder
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore, open_store
from can_train.vocab import FeatureSet


def build(
    frames: Frames,
    cuts: list[int] | None = None,
    *,
    features: FeatureSet,
    window: int,
    stride: int,
) -> PackedGraphs:
    """Graphs of a recording that is fed in pieces cut at `cuts`."""
    spec = WindowSpec(features=features, window=window, stride=stride)
    builder = GraphBuilder(spec, words=frames.payload.shape[1] // 8)
    edges = [0, *sorted(cuts or []), len(frames)]
    pieces = [frames[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True)]
    parts = [graphs for piece in pieces for graphs in builder.build(piece)]
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in PackedGraphs.__dataclass_fields__
    }
    return PackedGraphs(**columns)


def relational(frames: Frames) -> PackedGraphs:
    """Relational graphs of windows of 100 frames, one behind the other."""
    return build(frames, features="relational", window=100, stride=100)


def node(graphs: PackedGraphs, features: str, name: str) -> np.ndarray:
    return graphs.node_x[:, FEATURE_NAMES[features].node.index(name)]


def edge(graphs: PackedGraphs, features: str, name: str) -> np.ndarray:
    return graphs.edge_x[:, FEATURE_NAMES[features].edge.index(name)]


def store_made_of(folder: Path, frames: Frames, spec: WindowSpec) -> GraphStore:
    """The packed store of one recording, kept below `folder`."""
    digest = frames.digest()
    store_frames(folder / "frames" / digest, frames, digest)
    recording = Recording(
        scenario="train_01_attack_free",
        name="drive",
        digest=digest,
        frames=len(frames),
        attack_frames=int(frames.label.sum()),
        start_s=float(frames.timestamp[0]),
        duration_s=float(np.ptp(frames.timestamp)),
        attack_kind="none",
        vehicle="mini",
        source="drive.csv",
    )
    return open_store(folder, [recording], spec)
