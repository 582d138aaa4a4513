"""A run as MLflow is told of it, made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from can_train.tracking.record import Figure, TrackedDataset, TrackedRun

EPOCHS = 30
JOBS = 8


def sample(key: str, epochs: int = EPOCHS, **changes: Any) -> TrackedRun:
    """A run with three figures per epoch."""
    figures = [
        Figure(name=name, value=epoch + 0.5, step=epoch, time_ms=1000 * epoch)
        for epoch in range(epochs)
        for name in ("total", "val_loss", "resources/seconds")
    ]
    plain = TrackedRun(
        key=key,
        name=f"gat {key}",
        experiment="automotive/small",
        state="RUNNING",
        started_ms=10,
        ended_ms=None,
        params={f"training.p{number}": str(number) for number in range(130)},
        tags={"model": "gat", "seed": "1"},
        figures=tuple(figures),
        dataset=TrackedDataset(name="small", digest="ab", folder="/data", profile='{"a": 1}'),
        groups=(),
    )
    return replace(plain, **changes)
