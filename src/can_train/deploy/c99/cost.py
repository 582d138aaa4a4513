"""What an export costs in F1, on windows that neither weights nor thresholds were fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.config.frozen import frozen_config_of
from can_train.dataset.manifest import DatasetRef
from can_train.dataset.windows import VALIDATION, DatasetWindows, open_windows
from can_train.detectors.compiled_scorer import CompiledFrameScorer
from can_train.detectors.frame_scorer import FrameScorer
from can_train.errors import DataError
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.store import GraphStore, rows_of


def told_cost(run: Path | None, before: FrameScorer, exported: FrameScorer) -> str:
    """A line on F1 of the validation windows of a run's dataset, before and as exported.

    Args:
        run: The run; None for a detector without one.
        before: Its detector.
        exported: What is written.
    """
    if run is None:
        return "what it costs in F1 is unknown here: it takes the run with its dataset"
    config = before.own.config
    try:
        inputs = _windows_of(run)
    except DataError as error:
        return f"what it costs in F1 is unknown: {str(error).partition('. ')[0]}"
    windows = inputs.windows(*VALIDATION)
    label = inputs.store.label[windows] == 1
    graphs = packed(inputs.store, windows)
    own = before.trained[config.model]
    parts = {name: each for name, each in before.trained.items() if name != config.model}
    exact = _above(CompiledFrameScorer(own, parts, before.rule), graphs)
    found = _above(exported, graphs)
    return (
        f"F1 on {len(windows):,} validation windows of {config.dataset}, real and synthetic: "
        f"{f1(exact, label)} before, {f1(found, label)} as exported "
        f"({int((exact != found).sum()):,} judged otherwise)"
    )


def _windows_of(run: Path) -> DatasetWindows:
    frozen = frozen_config_of(run)
    config = frozen.config
    ref = DatasetRef(modality=config.modality, dataset=config.dataset)
    return open_windows(frozen.data_root, ref, config.data, frozen.training_digest)


def packed(store: GraphStore, windows: NDArray[np.int64]) -> PackedGraphs:
    """Some graphs of a store, one behind the other."""
    nodes, edges = rows_of(store.node_ptr, windows), rows_of(store.edge_ptr, windows)
    return PackedGraphs(
        node_x=store.node_x[nodes],
        node_id=store.node_id[nodes],
        edge_source=store.edge_source[edges],
        edge_target=store.edge_target[edges],
        edge_x=store.edge_x[edges],
        attack_fraction=store.attack_fraction[windows],
        start=store.start[windows],
        start_s=store.start_s[windows],
        duration_s=store.duration_s[windows],
        nodes=np.diff(store.node_ptr)[windows],
        edges=np.diff(store.edge_ptr)[windows],
    )


def _above(detector: FrameScorer, graphs: PackedGraphs) -> NDArray[np.bool_]:
    """Which windows are above the detector's own threshold, each judged alone."""
    said = detector.score_graphs(graphs)[detector.own.config.model]
    return np.asarray(said.margin > detector.own.threshold.value)


def f1(above: NDArray[np.bool_], label: NDArray[np.bool_]) -> str:
    """F1 of windows with four digits; n/a where none is an attack."""
    if not label.any():
        return "n/a"
    return f"{2 * int((above & label).sum()) / int(above.sum() + label.sum()):.4f}"
