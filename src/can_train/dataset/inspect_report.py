"""The report on a dataset: figures only, for tables and JSON (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass


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
        duration_s: Seconds in which frames of its recordings came.
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
    """The whole dataset, as `can-train data inspect` shows it.

    `clocks` tells what is odd about the time of recordings.
    """

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
    clocks: tuple[str, ...] = ()
