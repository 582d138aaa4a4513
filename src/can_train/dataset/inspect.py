"""What a stored dataset holds per scenario, and what its training and test parts share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.inspect_report import DatasetReport, ScenarioReport, SharedReport, Sizes
from can_train.dataset.manifest import DatasetManifest, DatasetRef, load_manifest
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.frames.timing import clock_notes, clock_report
from can_train.graphs.counts import count_graphs, sequence_hashes
from can_train.graphs.features import FEATURE_NAMES, FeatureNames
from can_train.graphs.identity import WindowSpec

_MOST_BYTES: Final = 64


def inspect_dataset(data_root: Path, ref: DatasetRef, spec: WindowSpec) -> DatasetReport:
    """Reports on a prepared dataset; one recording is in memory at a time.

    Args:
        data_root: Folder of all datasets.
        ref: Which dataset.
        spec: How its recordings would become graphs.

    Raises:
        DataError: The dataset isn't prepared or damaged.
    """
    manifest = load_manifest(data_root, ref.modality, ref.dataset)
    folder = ref.folder(data_root)
    names = FEATURE_NAMES[spec.features]
    scenarios = sorted({r.scenario for r in manifest.recordings}, key=_order)
    return DatasetReport(
        modality=ref.modality,
        dataset=ref.dataset,
        window=spec.window,
        stride=spec.stride,
        features=spec.features,
        node_features=len(names.node),
        edge_features=len(names.edge),
        scenarios=tuple(_scenario(folder, _of(manifest, name), spec) for name in scenarios),
        shared=_shared(folder, manifest, spec),
        left_out=tuple(
            f"{out.scenario}/{out.name}: same frames as {out.same_as}" for out in manifest.left_out
        ),
        clocks=tuple(_clocks(folder, manifest)),
    )


def _clocks(folder: Path, manifest: DatasetManifest) -> Iterator[str]:
    """What is odd about the time of each recording."""
    for recording in manifest.recordings:
        timestamps = load_frames(folder, recording).timestamp
        for note in clock_notes(clock_report(timestamps)):
            yield f"{recording.scenario}/{recording.name}: {note}"


def _order(scenario: str) -> tuple[bool, str]:
    return not scenario.startswith("train"), scenario


def _of(manifest: DatasetManifest, scenario: str) -> list[Recording]:
    return [r for r in manifest.recordings if r.scenario == scenario]


def _starts(count: int, spec: WindowSpec) -> NDArray[np.int64]:
    """First frame of each full window of a recording of `count` frames [B]."""
    return np.arange(0, max(count - spec.window + 1, 0), spec.stride, dtype=np.int64)


def _scenario(folder: Path, recordings: Sequence[Recording], spec: WindowSpec) -> ScenarioReport:
    window = spec.window
    ids: list[NDArray[np.uint32]] = []
    dlc = np.zeros(_MOST_BYTES + 1, np.int64)
    nodes, edges, attacks = [], [], 0
    for recording in recordings:
        frames = load_frames(folder, recording)
        distinct, slots = np.unique(frames.arbitration_id, return_inverse=True)
        ids.append(distinct)
        dlc += np.bincount(frames.dlc, minlength=len(dlc))
        starts = _starts(len(frames), spec)
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
        packed_bytes=_packed_bytes(node_count, edge_count, FEATURE_NAMES[spec.features]),
    )


def _packed_bytes(nodes: NDArray[np.int64], edges: NDArray[np.int64], names: FeatureNames) -> int:
    """Size of the float32 features of graphs with so many nodes [B] and edges [B]."""
    return 4 * int(nodes.sum() * len(names.node) + edges.sum() * len(names.edge))


def _sizes(counts: NDArray[np.int64]) -> Sizes:
    if len(counts) == 0:
        return Sizes(mean=None, p95=None, max=None)
    return Sizes(
        mean=float(counts.mean()), p95=float(np.percentile(counts, 95)), max=int(counts.max())
    )


def _shared(folder: Path, manifest: DatasetManifest, spec: WindowSpec) -> tuple[SharedReport, ...]:
    window = spec.window
    tests = sorted({r.scenario for r in manifest.test})
    if not tests:
        return ()
    test_hashes = {
        name: np.concatenate(
            [
                _hashes(load_frames(folder, r), window)[_starts(r.frames, spec)]
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
