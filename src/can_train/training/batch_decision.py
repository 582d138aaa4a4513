"""Which batch a run trains with, decided once by one function, and why (stdlib only)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol

from can_train.config.codec import from_plain
from can_train.config.schema import AUTOMATIC_BATCH, RunConfig, TrainingConfig
from can_train.errors import ArtifactError, ConfigError
from can_train.files import read_object, write_json
from can_train.runs.layout import batch_path
from can_train.training.adaptive_batch_size import FactorRecord, Kind
from can_train.training.safety_factor import FactorKey, SafetyFactor, key_of

LEAST_STEPS: Final = 50
"""Optimiser steps per epoch: below them an epoch says too little."""

BatchSource = Literal["explicit", "usual", "learned", "hand-set", "default"]
Bound = Literal["given", "safety factor", "50 steps per epoch", "one window"]


class BatchSize(Protocol):
    """What a batch holds (`detectors.batching.BatchBudget`, or a decision)."""

    @property
    def windows(self) -> int:
        """Most windows."""

    @property
    def nodes(self) -> int | None:
        """Most nodes."""

    @property
    def edges(self) -> int | None:
        """Most edges."""


class FittingBatch(Protocol):
    """What measuring gives (`batch_probe.MeasuredBatch`)."""

    @property
    def largest(self) -> int:
        """Windows of the mean size that fit."""

    @property
    def nodes_per_window(self) -> float:
        """Mean number of nodes."""

    @property
    def edges_per_window(self) -> float:
        """Mean number of edges."""

    @property
    def bytes_per_window(self) -> float:
        """What a further window takes."""

    @property
    def free_bytes(self) -> int:
        """What was free."""

    @property
    def total_bytes(self) -> int:
        """What there is."""

    @property
    def limit(self) -> str:
        """What bounds it."""

    @property
    def seconds(self) -> float:
        """What measuring took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDecision:
    """The batch of one run and everything that it follows from.

    Attributes:
        source: explicit (`--batch-size N`), usual (nothing was asked for), or where the safety
            factor of an automatic batch comes from.
        bound: What decided: the number given, the factor, or the steps of an epoch.
        windows: Most windows per step.
        nodes, edges: Most nodes and edges per step; None: any number.
        epoch_windows: Windows of the first epoch.
        rate_scale: What the learning rate is multiplied by.
        dataset, model, model_size, training_strategy, distillation, device_class: What a learned
            factor is for.
        largest: Windows of the mean size that fit; None where nothing was measured, as below.
        factor: Share of them that is used, distillation included.
        factor_base, factor_multiplier: What was set by hand, and its multiplier for distillation.
        factor_detail: The file or the runs that the factor comes from.
        limit, total_bytes, free_bytes: What bounds the memory, all of it, and what was free.
        bytes_per_window: What a further window takes.
        probe_s: Seconds that measuring took.
    """

    source: BatchSource
    bound: Bound
    windows: int
    nodes: int | None
    edges: int | None
    epoch_windows: int
    rate_scale: float
    dataset: str
    model: str
    model_size: str
    training_strategy: str
    distillation: str
    device_class: str
    largest: int | None = None
    factor: float | None = None
    factor_base: float | None = None
    factor_multiplier: float | None = None
    factor_detail: str | None = None
    limit: str | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    bytes_per_window: float | None = None
    probe_s: float | None = None

    @property
    def key(self) -> FactorKey:
        """What a learned factor is for."""
        return FactorKey(
            dataset=self.dataset,
            model=self.model,
            model_size=self.model_size,
            training_strategy=self.training_strategy,
            distillation=self.distillation,
            device_class=self.device_class,
        )

    @property
    def is_automatic(self) -> bool:
        """Whether memory was measured."""
        return self.largest is not None

    @property
    def options(self) -> str:
        """Options that give the same batches, wherever they are used."""
        sizes = {"nodes": self.nodes, "edges": self.edges}
        given = [f" --batch-{name} {most}" for name, most in sizes.items() if most is not None]
        return f"--batch-size {self.windows}{''.join(given)}"


def decide(
    config: RunConfig,
    *,
    epoch_windows: int,
    usual: int,
    device_class: str,
    measured: FittingBatch | None = None,
    factor: SafetyFactor | None = None,
) -> BatchDecision:
    """The batch of the run that `config` describes; the factor is applied here and nowhere else.

    Args:
        config: The run.
        epoch_windows: Windows of its first epoch.
        usual: Windows per step where none are asked for.
        device_class: Kind of device and its memory.
        measured: What fits; only for an automatic batch.
        factor: Which share of it is used; the same.
    """
    training, key = config.training, key_of(config, device_class)
    given = BatchDecision(
        source="explicit" if is_given(training) else "usual",
        bound="given",
        windows=training.batch_size or usual,
        nodes=training.batch_nodes,
        edges=training.batch_edges,
        epoch_windows=epoch_windows,
        rate_scale=_rate_scale(training, training.batch_size or usual, usual),
        dataset=key.dataset,
        model=key.model,
        model_size=key.model_size,
        training_strategy=key.training_strategy,
        distillation=key.distillation,
        device_class=device_class,
    )
    if measured is None or factor is None:
        return given
    by_factor, by_steps = int(measured.largest * factor.value), epoch_windows // LEAST_STEPS
    windows = max(1, min(by_factor, by_steps))
    return replace(
        given,
        source=factor.source,
        bound=_bound(by_factor, by_steps),
        windows=windows,
        nodes=_least(windows * measured.nodes_per_window, training.batch_nodes),
        edges=_least(windows * measured.edges_per_window, training.batch_edges),
        rate_scale=_rate_scale(training, windows, usual),
        largest=measured.largest,
        factor=factor.value,
        factor_base=factor.base,
        factor_multiplier=factor.multiplier,
        factor_detail=factor.detail,
        limit=measured.limit,
        total_bytes=measured.total_bytes,
        free_bytes=measured.free_bytes,
        bytes_per_window=round(measured.bytes_per_window, 1),
        probe_s=round(measured.seconds, 2),
    )


def is_given(training: TrainingConfig) -> bool:
    """Whether the batch was asked for as a number."""
    return any((training.batch_size, training.batch_nodes, training.batch_edges))


def is_automatic(training: TrainingConfig) -> bool:
    """Whether the batch follows from the device's memory."""
    return training.batch_size == AUTOMATIC_BATCH


def write_decision(run: Path, decision: BatchDecision) -> None:
    """Keeps the decision in the folder of its run; a resumed run goes on with it."""
    write_json(batch_path(run), asdict(decision))


def read_decision(run: Path) -> BatchDecision | None:
    """The decision of a run; None where none was made yet.

    Raises:
        ArtifactError: Its file is damaged.
    """
    path = batch_path(run)
    if not path.is_file():
        return None
    try:
        return from_plain(BatchDecision, read_object(path), str(path))
    except ConfigError as error:
        raise ArtifactError(
            f"{error}. Make the run again beside this one: the training command with --force"
        ) from error


def record_of(
    decision: BatchDecision,
    run: str,
    kind: Kind,
    budget: BatchSize | None = None,
    peak_share: float | None = None,
) -> FactorRecord:
    """A record of a run with this decision.

    Args:
        decision: Its batch as it was decided.
        run: Its id.
        kind: What happened.
        budget: The batch at that time, where it isn't the one that was decided.
        peak_share: Its largest peak share so far.
    """
    used = budget or decision
    return FactorRecord(
        run=run,
        kind=kind,
        key=decision.key,
        windows=used.windows,
        nodes=used.nodes,
        edges=used.edges,
        factor=decision.factor,
        peak_share=None if peak_share is None else round(peak_share, 4),
        decides=decision.bound == "safety factor",
    )


def _bound(by_factor: int, by_steps: int) -> Bound:
    if min(by_factor, by_steps) < 1:
        return "one window"
    return "safety factor" if by_factor <= by_steps else "50 steps per epoch"


def _least(size: float, given: int | None) -> int:
    most = max(1, int(size))
    return most if given is None else min(most, given)


def _rate_scale(training: TrainingConfig, windows: int, usual: int) -> float:
    """Square root of the batch in units of the usual one, where that was asked for.

    The rule for optimisers that divide by the root of the squared gradient (Malladi et al., NeurIPS
    2022, "On the SDEs and scaling rules for adaptive gradient algorithms").
    """
    return math.sqrt(windows / usual) if training.scale_lr else 1.0
