"""Measures what a batch needs with a few training steps that leave no trace."""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.detectors.adamw import AdamW
from can_train.detectors.shortage import shortage_in
from can_train.detectors.stage import Means, StageModule
from can_train.errors import TrainingError
from can_train.training.memory import MemoryDevice

logger = logging.getLogger("can_train")

MOST_PROBED: Final = 1536
"""Windows of both probes together: megabytes enough to tell a slope from an allocator's noise."""

PROBED_SHARE: Final = 0.2
"""The same in epochs: 2 % of the windows of ten."""

LEAST_PROBED: Final = 6
PILOT: Final = 8
"""Windows of the probe that bounds the two that count."""

LEAST_STEP: Final = 1.5
"""How many times as large a probe must be for the line to the one before to say something."""

MOST_TAKEN: Final = 0.5
"""Share of the free memory that a probe may come to: some limits are kept by killing."""

_ENOUGH_FOR_THREADS: Final = 2**20
"""Elements that torch has all its threads add up."""

WARM_UP: Final = 2
"""Windows of a step before the first probe: it compiles, and makes the optimiser's moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBatch:
    """What a stage needs on a device.

    Attributes:
        largest: Windows of the mean size that fit.
        nodes, edges: The same batch in nodes and edges.
        nodes_per_window, edges_per_window: Means of the windows of the first epoch.
        bytes_per_window: What a further window takes.
        fixed_bytes: What a step takes beside them.
        free_bytes: What was free, with weights and moments in place.
        total_bytes: What the device has, or the limit allows.
        limit: What bounds it.
        seconds: What measuring took.
    """

    largest: int
    nodes: int
    edges: int
    nodes_per_window: float
    edges_per_window: float
    bytes_per_window: float
    fixed_bytes: float
    free_bytes: int
    total_bytes: int
    limit: str
    seconds: float


def measure(module: StageModule[Any], memory: MemoryDevice) -> MeasuredBatch:
    """Trains batches of different size as if, and extends the line through their peaks.

    Weights, buffers, gradients, random states, sums and mode are afterwards what they were, bit for
    bit. Both nodes and edges of the result are bounded, so it holds whichever of them is dear.

    Args:
        module: The stage, on its device.
        memory: Memory of that device.

    Raises:
        TrainingError: Not even a batch of a few windows fits.
    """
    started = time.monotonic()
    windows = module.chosen
    sizes = module.sizes_of(windows)
    mean = max(float((sizes.nodes + sizes.edges).mean()), 1.0)
    with _untouched(module), _uncollected():
        probes, free = _probed(module, memory, windows, mean)
    limit = memory.limit()
    slope, fixed = _line(probes)
    largest = max(1, int((free - fixed) / slope))
    nodes, edges = float(sizes.nodes.mean()), float(sizes.edges.mean())
    memory.settle()
    return MeasuredBatch(
        largest=largest,
        nodes=int(largest * nodes),
        edges=int(largest * edges),
        nodes_per_window=nodes,
        edges_per_window=edges,
        bytes_per_window=slope,
        fixed_bytes=fixed,
        free_bytes=free,
        total_bytes=limit.total,
        limit=limit.name,
        seconds=time.monotonic() - started,
    )


def rehearse(module: StageModule[Any]) -> None:
    """Trains two windows as if, so that threads, compiled functions and libraries are there.

    What these map takes some memory, too, and where it isn't there they end the process.
    """
    torch.ones(_ENOUGH_FOR_THREADS).sum()
    with _untouched(module):
        optimizer = module.optimizer()
        _step(module, optimizer, module.chosen[:WARM_UP])
        optimizer.zero_grad()


def _step(module: StageModule[Any], optimizer: AdamW, windows: NDArray[np.int64]) -> None:
    optimizer.zero_grad()
    device = next(module.parameters()).device
    module.learn(module.batch_of(windows).to(device))
    optimizer.clip(module.settings.gradient_clip)
    optimizer.step()


def _probed(
    module: StageModule[Any], memory: MemoryDevice, windows: NDArray[np.int64], mean: float
) -> tuple[list[tuple[float, int]], int]:
    """Size (in mean windows) and peak of each probe, and what was free before them.

    Where memory runs out the probes become half as large.
    """
    found: list[tuple[list[tuple[float, int]], int]] = []

    def probe() -> None:
        found.append(_probes(module, memory, windows, count, mean))

    count = max(LEAST_PROBED, int(min(MOST_PROBED, PROBED_SHARE * len(windows))))
    while said := shortage_in(probe):
        gc.collect()
        count //= 2
        if count < LEAST_PROBED:
            raise TrainingError(
                f"out of memory with a batch of {2 * count} windows ({said}). Give the stage more "
                "memory (--memory on a cluster), or a smaller model"
            )
    return found[0]


def _probes(
    module: StageModule[Any],
    memory: MemoryDevice,
    windows: NDArray[np.int64],
    count: int,
    mean: float,
) -> tuple[list[tuple[float, int]], int]:
    """The same with at most `count` windows in both together."""
    optimizer = module.optimizer()

    def probe(number: int) -> tuple[float, int]:
        some = _evenly(windows, number)
        memory.settle()
        before = memory.used()
        _step(module, optimizer, some)
        peak = memory.peak() - before
        optimizer.zero_grad()
        sizes = module.sizes_of(some)
        return float((sizes.nodes + sizes.edges).sum()) / mean, peak

    _step(module, optimizer, windows[:WARM_UP])
    optimizer.zero_grad()
    memory.settle()
    free = memory.limit().free
    size, peak = pilot = probe(min(PILOT, count // 3))
    larger = int(MOST_TAKEN * free / max(peak / size, 1.0))  # too few: a part of it is fixed
    count = max(LEAST_PROBED, min(count, 3 * larger // 2))
    return [pilot, probe(count // 3), probe(count - count // 3)], free


def _evenly(windows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """So many of `windows`, evenly spread; fewer windows come more than once."""
    return windows[np.linspace(0, len(windows) - 1, number).astype(np.int64)]


def _line(probes: list[tuple[float, int]]) -> tuple[float, float]:
    """Bytes per window and fixed bytes.

    Of the pieces between the probes the steepest counts: on a CPU memory that others give back in
    the meantime hides a part of a peak, and nothing makes it larger than it is. What only noise is
    taken for is all put on the windows.
    """
    pieces = [
        (most - least) / (large - small)
        for (small, least), (large, most) in pairwise(probes)
        if large > LEAST_STEP * small
    ]
    slope, (largest, highest) = max(pieces, default=0.0), probes[-1]
    if slope <= 0:
        return max(highest / largest, 1.0), 0.0
    return slope, max(0.0, highest - slope * largest)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is collected in the block, which would hide a part of a peak.

    To collect it before would take longer than all probes of a small student.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextlib.contextmanager
def _untouched(module: StageModule[Any]) -> Iterator[None]:
    """Whatever is done to `module` and to random states in the block is undone after it."""
    state = {name: value.clone() for name, value in module.state_dict().items()}
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    modes = {part: part.training for part in module.modules()}
    means = Means(sums=dict(module.means.sums), weight=module.means.weight)
    numbers = np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        module.train()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in module.state_dict().items():
                    value.copy_(state[name])
            for name, parameter in module.named_parameters():
                parameter.grad = gradients[name]
            for part, training in modes.items():
                part.training = training
            module.means = means
            np.random.set_state(numbers)
