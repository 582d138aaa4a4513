"""Training goes on with half the batch where memory ran out."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import torch

from can_train.detectors.batching import BatchBudget
from can_train.detectors.shortage import shortage_in
from can_train.detectors.stage import StageModule
from can_train.errors import TrainingError, counted

logger = logging.getLogger("can_train")

MOST_HALVINGS: Final = 4
"""A sixteenth of the batch that was planned; where that doesn't fit, something else is wrong."""

STEP: Final = "step"
VALIDATION: Final = "validation"

Halving = tuple[int, int, str]
"""Epoch and step at which a batch was halved, and of what: `step` or `validation`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HalvedBatch:
    """A batch that was halved, for whoever keeps records.

    Attributes:
        budget: The batch for which memory ran out.
        of: step or validation.
    """

    budget: BatchBudget
    of: str


class BatchWatch(Protocol):
    """Who is told how batches fare."""

    def epoch(self) -> None:
        """An epoch has been trained and judged."""

    def halved(self, halved: HalvedBatch) -> None:
        """Memory ran out, and training goes on with half the batch, or fails."""


class Unwatched:
    """Nobody."""

    def epoch(self) -> None:
        """Does nothing."""

    def halved(self, halved: HalvedBatch) -> None:
        """Does nothing."""


class Halver:
    """Halves the batches of a stage when memory runs out.

    Args:
        module: The stage.
        watch: Who is told.
        halvings: Those of earlier attempts; new ones are added.
        holding: Within it memory runs out where the job would be killed (`MemoryDevice.hold`).
    """

    def __init__(
        self,
        module: StageModule[Any],
        watch: BatchWatch,
        halvings: list[Halving],
        holding: AbstractContextManager[object] | None = None,
    ) -> None:
        self._module, self._watch, self._halvings = module, watch, halvings
        self._holding = holding or contextlib.nullcontext()

    def fits(self, work: Callable[[], None], step: int, of: str) -> bool:
        """Does `work`; False where memory ran out: the same windows now come in smaller batches.

        Args:
            work: A training step, or one batch of validation.
            step: Step of the epoch.
            of: step or validation.

        Raises:
            TrainingError: Memory ran out too often, or for a single window.
        """
        with self._holding:
            said = shortage_in(work)
        if not said:
            return True
        for parameter in self._module.parameters():
            parameter.grad = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._halve(step, of, said)
        return False

    def again(self, epoch: int, *, finished: bool) -> None:
        """Repeats the halvings of earlier attempts: before `epoch`, or within it.

        Args:
            epoch: The epoch in which training goes on, whose windows are chosen if `finished` is
                False.
            finished: Whether those of the epochs before are repeated, else those of this one.
        """
        for halved_in, step, of in self._halvings:
            if halved_in < epoch if finished else halved_in == epoch:
                if self._module.epoch != halved_in:
                    self._module.begin_epoch(halved_in)  # what a batch held decides its half
                _halve(self._module, step, of)

    def _halve(self, step: int, of: str, said: str) -> None:
        module, before = self._module, self._module.budget
        self._watch.halved(HalvedBatch(budget=before, of=of))
        tried = len(self._halvings)
        if tried >= MOST_HALVINGS or not _halve(module, step, of):
            windows = module.validation_size if of == VALIDATION else module.batch_size
            raise TrainingError(
                f"out of memory in a {of} of epoch {module.epoch + 1} with a batch of "
                f"{counted(windows, 'window')}, after {counted(tried, 'halving')} ({said}). "
                "Give the stage more memory (--memory on a cluster), a smaller --batch-size, or a "
                "smaller model"
            )
        self._halvings.append((module.epoch, step, of))
        now = module.validation_size if of == VALIDATION else module.batch_size
        logger.warning(
            "out of memory in a %s of epoch %d: batches of %d windows from here on "
            "(halving %d of %d; %s)",
            of, module.epoch + 1, now, tried + 1, MOST_HALVINGS, said,
        )  # fmt: skip


def _halve(module: StageModule[Any], step: int, of: str) -> bool:
    return module.halve_validation() if of == VALIDATION else module.halve_batch(step)
