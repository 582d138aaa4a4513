"""What a run tells of itself: every event of `logs/run.jsonl` (stdlib only).

An event is a dataclass of this file, named in `EVENTS`. Whoever wants another one adds it here: its
line in the file, the check when it is read, and the reference follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """An attempt begins; its data and parents are loaded.

    Attributes:
        parameters: Of the network.
        distillation: Either with-kd or no-kd.
        parents: sha256 of each artifact that it consumes, by role.
        epochs: Most epochs.
        batch_size: Windows per step.
        device: Where it trains: cpu or cuda.
    """

    parameters: int
    distillation: str
    parents: Mapping[str, str]
    epochs: int
    batch_size: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a number varies over windows."""

    mean: float
    p95: float
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SideStatistics:
    """Windows of one side of the split.

    Attributes:
        windows: How many there are.
        attacks: How many of them hold an attack frame.
        attack_kinds: Those by kind of attack.
    """

    windows: int
    attacks: int
    attack_kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStatistics:
    """What the run sees of its dataset.

    Attributes:
        sides: Windows of each side that has any.
        nodes: Nodes per graph, over all of these windows.
        edges: Edges per graph.
        shared_frames: Frames in windows of more than one side; anything but 0 is a leak.
    """

    sides: Mapping[str, SideStatistics]
    nodes: Spread
    edges: Spread
    shared_frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """The attempt goes on where an earlier one stopped.

    Attributes:
        epochs_done: Epochs that were done then.
        steps_done: Steps of the next one.
    """

    epochs_done: int
    steps_done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnded:
    """An epoch was trained and judged; one after a kill may be told twice, with the same figures.

    Attributes:
        epoch: Counted from 0.
        best: Whether it is the best so far.
        figures: Loss terms and validation figures by name; those that aren't finite are left out.
    """

    epoch: int
    best: bool
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochResources:
    """What an epoch cost; None where this machine doesn't tell.

    Attributes:
        epoch: Counted from 0.
        seconds: Of the epoch, validation included.
        windows_per_s: Windows trained on per second of training steps; None if it had none.
        loading_share: Share of the steps' time in which the next batch was made.
        forward_share: Share of the forward pass with its loss.
        backward_share: Share of the backward pass; the rest is the optimiser's.
        host_mib: Most memory of this process, in MiB.
        host_share: The same of what this process may use of the machine's.
        device_allocated_mib: Most memory in tensors on the device, in MiB.
        device_reserved_mib: Most memory that torch held there, in MiB.
        device_share: The same of the device's memory.
    """

    epoch: int
    seconds: float
    windows_per_s: float | None = None
    loading_share: float | None = None
    forward_share: float | None = None
    backward_share: float | None = None
    host_mib: float | None = None
    host_share: float | None = None
    device_allocated_mib: float | None = None
    device_reserved_mib: float | None = None
    device_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyUsed:
    """What the attempt used, at its end; None where this machine doesn't tell.

    Attributes:
        cpu_kj: Of the CPU packages, times the run's share of the CPUs, in kilojoules.
        gpu_kj: Of its GPUs, from their power every half minute, in kilojoules.
    """

    cpu_kj: float | None
    gpu_kj: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The artifact is written.

    Attributes:
        artifact_sha256: Of the artifact.
        best_epoch: The epoch that was kept, counted from 0.
    """

    artifact_sha256: str
    best_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInterrupted:
    """The attempt ended before its time, and could say so; one that is killed can't.

    Attributes:
        reason: Stopped at a step, its position saved; ended by a signal; or failed.
        message: Why.
    """

    reason: Literal["stopped", "ended", "failed"]
    message: str = field(default="")


Event = (
    RunStarted
    | DatasetStatistics
    | RunResumed
    | EpochEnded
    | EpochResources
    | EnergyUsed
    | RunFinished
    | RunInterrupted
)

EVENTS: Final[Mapping[str, type[Event]]] = {
    "start": RunStarted,
    "dataset": DatasetStatistics,
    "resume": RunResumed,
    "epoch": EpochEnded,
    "resources": EpochResources,
    "energy": EnergyUsed,
    "finished": RunFinished,
    "interrupted": RunInterrupted,
}
"""By the word that stands under `event` in a line."""
