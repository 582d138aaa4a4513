"""The batch of a run: decided, kept, logged, and watched for what it teaches later runs."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Any

from can_train.config.batch_factors import load_factors
from can_train.config.frozen import FrozenConfig
from can_train.config.schema import RunConfig
from can_train.detectors.batching import BatchBudget
from can_train.detectors.stage import StageModule
from can_train.training.adaptive_batch_size import Kind, SafetyFactorDatabase
from can_train.training.batch_decision import (
    BatchDecision,
    decide,
    is_automatic,
    read_decision,
    record_of,
    write_decision,
)
from can_train.training.batch_probe import measure, rehearse
from can_train.training.memory import GIB, MemoryDevice
from can_train.training.out_of_memory import VALIDATION, HalvedBatch
from can_train.training.safety_factor import key_of

logger = logging.getLogger("can_train")


def settle_batch(
    frozen: FrozenConfig, module: StageModule[Any], memory: MemoryDevice
) -> BatchDecision:
    """Decides the batch of a run, or takes what was decided before, and gives it to `module`.

    Args:
        frozen: The run.
        module: Its stage, on its device.
        memory: Memory of that device.
    """
    decision = read_decision(frozen.run_dir)
    if decision is None:
        database = SafetyFactorDatabase(frozen.experiment_root)
        decision = decided(frozen.config, module, memory, database)
        write_decision(frozen.run_dir, decision)
    if not module.solved:
        module.rate_scale = decision.rate_scale
        module.use_budget(
            BatchBudget(windows=decision.windows, nodes=decision.nodes, edges=decision.edges)
        )
    _announce(decision, module.steps)
    return decision


def decided(
    config: RunConfig,
    module: StageModule[Any],
    memory: MemoryDevice,
    database: SafetyFactorDatabase,
) -> BatchDecision:
    """The batch for `module`; an automatic one is measured and nothing is written."""
    measured = factor = None
    device_class = memory.device_class
    if is_automatic(config.training) and not module.solved:
        factor = database.factor(key_of(config, device_class), load_factors())
        measured = measure(module, memory)
    return decide(
        config,
        epoch_windows=len(module.chosen),
        usual=module.batch_size if module.solved else module.usual_batch_size,
        device_class=device_class,
        measured=measured,
        factor=factor,
    )


def held_batches(
    module: StageModule[Any], memory: MemoryDevice
) -> AbstractContextManager[object] | None:
    """What batches are computed in so that memory runs out before the job is killed for it.

    None where nothing kills, or nothing is trained in batches.
    """
    if module.solved or not memory.is_killing:
        return None
    rehearse(module)
    return memory.hold()


class RecordedBatches:
    """Records how the batches of a run fare.

    Args:
        frozen: The run.
        decision: Its batch.
        memory: Memory of its device.
    """

    def __init__(self, frozen: FrozenConfig, decision: BatchDecision, memory: MemoryDevice) -> None:
        self._run = frozen.run_dir.name
        self._decision, self._memory = decision, memory
        self._database = SafetyFactorDatabase(frozen.experiment_root)
        self._peak: float | None = None
        memory.settle()

    def epoch(self) -> None:
        """Records the peak of the epoch that just ended where it is a new one."""
        share = self._memory.peaks().share
        if self._peak is None or share > self._peak:
            self._peak = share
            self._record("peak")

    def halved(self, halved: HalvedBatch) -> None:
        """Records that memory ran out; a batch of validation isn't the factor's."""
        if halved.of != VALIDATION:
            self._record("out of memory", halved.budget)

    def finished(self) -> None:
        """Records that the run finished, with its largest peak."""
        self._record("finished")

    def _record(self, kind: Kind, budget: BatchBudget | None = None) -> None:
        self._database.record(record_of(self._decision, self._run, kind, budget, self._peak))


def _announce(decision: BatchDecision, steps: int) -> None:
    """One line, which shows the factor once."""
    if decision.largest is None or decision.factor is None:
        return
    logger.info(
        "batch: %s windows fit (%s of %.1f GiB free), times %.4g (%s: %s) = %d: decided by %s; "
        "%d steps per epoch; the same batches: %s",
        f"{decision.largest:,}",
        decision.limit,
        (decision.free_bytes or 0) / GIB,
        decision.factor,
        decision.source,
        decision.factor_detail,
        decision.windows,
        decision.bound,
        steps,
        decision.options,
    )
