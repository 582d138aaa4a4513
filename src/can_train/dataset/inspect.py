"""What a stored dataset holds per scenario, and what its training and test parts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.counts import count_graphs, sequence_hashes
from can_train.graphs.features import FEATURE_NAMES

_MOST_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Mean, 95th percentile and maximum over windows; None without windows."""

    mean: float | None
    p95: float | None
    max: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioReport:
    """One scenario.

    Attributes:
        scenario: Its name.
        files: Number of recordings.
        frames: Number of frames.
        duration_s: Sum of the recordings' durations.
        frames_per_s: Frames per second of recording.
        ids: Number of distinct arbitration IDs.
        extended_ids: How many of them have 29 bits.
        dlc_share: Share of the frames with each DLC that occurs.
        attack_share: Share of the frames labelled as attacks.
        windows: Number of full windows.
        attack_windows: Number of windows with at least one attack frame.
        nodes: Nodes per graph.
        edges: Edges per graph.
        packed_bytes: Size of the node and edge features of all graphs.
    """

    scenario: str
    files: int
    frames: int
    duration_s: float
    frames_per_s: float | None
    ids: int
    extended_ids: int
    dlc_share: dict[int, float]
    attack_share: float
    windows: int
    attack_windows: int
    nodes: Sizes
    edges: Sizes
    packed_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedReport:
    """What one test scenario has in common with the training recordings.

    Attributes:
        scenario: The test scenario.
        shared_recordings: Training recordings left out since they are in this scenario.
        known_ids: Share of its arbitration IDs that benign training frames carry.
        known_benign_frames: Share of its benign frames that carry such an ID.
        repeated_windows: Share of its windows whose sequence of IDs and payloads also occurs,
            at any place, in a training recording.
    """

    scenario: str
    shared_recordings: tuple[str, ...]
    known_ids: float
    known_benign_frames: float | None
    repeated_windows: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """The whole dataset, as `can-train data inspect` shows it."""

    modality: str
    dataset: str
    window: int
    stride: int
    features: str
    node_features: int
    edge_features: int
    scenarios: tuple[ScenarioReport, ...]
    shared: tuple[SharedReport, ...]
    left_out: tuple[str, ...]


def inspect_dataset(
    data_root: Path,
    modality: str,
    dataset: str,
    *,
    window: int = 100,
    stride: int = 100,
    features: str = "relational",
) -> DatasetReport:
    """Reports on a prepared dataset; one recording is in memory at a time.

    Args:
        data_root: Folder of all datasets.
        modality: Application domain.
        dataset: Name of the dataset.
        window: Frames per window; windows never cross recordings.
        stride: Frames between window starts.
        features: Feature set, for the size of the graphs.

    Raises:
        DataError: The dataset isn't prepared or damaged.
    """
    manifest = load_manifest(data_root, modality, dataset)
    folder = dataset_dir(data_root, modality, dataset)
    names = FEATURE_NAMES[features]
    scenarios = sorted({r.scenario for r in manifest.recordings}, key=_order)
    widths = (len(names.node), len(names.edge))
    return DatasetReport(
        modality=modality,
        dataset=dataset,
        window=window,
        stride=stride,
        features=features,
        node_features=widths[0],
        edge_features=widths[1],
        scenarios=tuple(
            _scenario(folder, _of(manifest, name), (window, stride), widths) for name in scenarios
        ),
        shared=_shared(folder, manifest, window, stride),
        left_out=tuple(
            f"{out.scenario}/{out.name}: same frames as {out.same_as}" for out in manifest.left_out
        ),
    )


def _order(scenario: str) -> tuple[bool, str]:
    return not scenario.startswith("train"), scenario


def _of(manifest: DatasetManifest, scenario: str) -> list[Recording]:
    return [r for r in manifest.recordings if r.scenario == scenario]


def _starts(count: int, window: int, stride: int) -> NDArray[np.int64]:
    """First frame of each full window of a recording of `count` frames [B]."""
    return np.arange(0, max(count - window + 1, 0), stride, dtype=np.int64)


def _scenario(
    folder: Path, recordings: Sequence[Recording], cut: tuple[int, int], widths: tuple[int, int]
) -> ScenarioReport:
    window, stride = cut
    ids: list[NDArray[np.uint32]] = []
    dlc = np.zeros(_MOST_BYTES + 1, np.int64)
    nodes, edges, attacks = [], [], 0
    for recording in recordings:
        frames = load_frames(folder, recording)
        distinct, slots = np.unique(frames.arbitration_id, return_inverse=True)
        ids.append(distinct)
        dlc += np.bincount(frames.dlc, minlength=len(dlc))
        starts = _starts(len(frames), window, stride)
        found = count_graphs(slots.astype(np.int32), starts, window, len(distinct))
        nodes.append(found[0])
        edges.append(found[1])
        before = np.concatenate([[0], np.cumsum(frames.label, dtype=np.int64)])
        attacks += int(np.count_nonzero(before[starts + window] > before[starts]))
    total = sum(r.frames for r in recordings)
    duration = sum(r.duration_s for r in recordings)
    every_id = np.unique(np.concatenate(ids))
    node_count, edge_count = np.concatenate(nodes), np.concatenate(edges)
    return ScenarioReport(
        scenario=recordings[0].scenario,
        files=len(recordings),
        frames=total,
        duration_s=duration,
        frames_per_s=total / duration if duration > 0 else None,
        ids=len(every_id),
        extended_ids=int(np.count_nonzero(every_id >> 31)),
        dlc_share={k: int(dlc[k]) / total for k in np.flatnonzero(dlc).tolist()},
        attack_share=sum(r.attack_frames for r in recordings) / total,
        windows=len(node_count),
        attack_windows=attacks,
        nodes=_sizes(node_count),
        edges=_sizes(edge_count),
        packed_bytes=4 * int(node_count.sum() * widths[0] + edge_count.sum() * widths[1]),
    )


def _sizes(counts: NDArray[np.int64]) -> Sizes:
    if len(counts) == 0:
        return Sizes(mean=None, p95=None, max=None)
    return Sizes(
        mean=float(counts.mean()), p95=float(np.percentile(counts, 95)), max=int(counts.max())
    )


def _shared(
    folder: Path, manifest: DatasetManifest, window: int, stride: int
) -> tuple[SharedReport, ...]:
    tests = sorted({r.scenario for r in manifest.test})
    if not tests:
        return ()
    test_hashes = {
        name: np.concatenate(
            [
                _hashes(load_frames(folder, r), window)[_starts(r.frames, window, stride)]
                for r in _of(manifest, name)
            ]
        )
        for name in tests
    }
    wanted = np.unique(np.concatenate(list(test_hashes.values())))
    seen = np.zeros(len(wanted), np.bool_)
    known: NDArray[np.uint32] = np.zeros(0, np.uint32)
    for recording in manifest.train:
        frames = load_frames(folder, recording)
        known = np.union1d(known, frames.arbitration_id[frames.label == 0])
        hashes = _hashes(frames, window)
        at = np.searchsorted(wanted, hashes)
        at[at == len(wanted)] = 0
        if len(wanted):
            seen[at[wanted[at] == hashes]] = True
    return tuple(
        _shared_with(folder, manifest, name, known, seen[np.searchsorted(wanted, hashes)])
        for name, hashes in test_hashes.items()
    )


def _shared_with(
    folder: Path,
    manifest: DatasetManifest,
    scenario: str,
    known: NDArray[np.uint32],
    repeated: NDArray[np.bool_],
) -> SharedReport:
    ids: NDArray[np.uint32] = np.zeros(0, np.uint32)
    benign = benign_known = 0
    for recording in _of(manifest, scenario):
        frames = load_frames(folder, recording)
        ids = np.union1d(ids, frames.arbitration_id)
        benign_ids = frames.arbitration_id[frames.label == 0]
        benign += len(benign_ids)
        benign_known += int(np.count_nonzero(np.isin(benign_ids, known)))
    return SharedReport(
        scenario=scenario,
        shared_recordings=tuple(
            f"{out.scenario}/{out.name}"
            for out in manifest.left_out
            if out.same_as.startswith(f"{scenario}/")
        ),
        known_ids=float(np.isin(ids, known).mean()),
        known_benign_frames=benign_known / benign if benign else None,
        repeated_windows=float(repeated.mean()) if len(repeated) else None,
    )


def _hashes(frames: Frames, window: int) -> NDArray[np.uint64]:
    return sequence_hashes(frames.arbitration_id, frames.dlc, frames.payload_words, window)
