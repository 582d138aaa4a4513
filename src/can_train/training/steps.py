"""How a step's gradients come about: in this process alone.

Where several processes train a run, `shared_steps.py` says it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from can_train.detectors.adamw import AdamW
from can_train.detectors.stage import Means, StageModule
from can_train.runs.stop import stop_requested


class Steps(Protocol):
    """What the loop asks for in each step."""

    leads: bool
    """Whether this process judges, records and saves."""

    def begin_epoch(self) -> None:
        """The windows of the epoch are chosen."""

    def learn(self, step: int, part_done: Callable[[], None]) -> None:
        """Gradients of one step; `part_done` after the batch is there, and after its loss is."""

    def update(self, norm: float) -> None:
        """Moves the weights by them, clipped to `norm`."""

    def stopping(self) -> bool:
        """Whether to stop after the step that ended."""

    def stopping_after_epoch(self) -> bool:
        """Whether to stop after the epoch that ended."""

    def means(self) -> Means:
        """The epoch's sums of all processes, in the first one."""

    def agreed(self, value: Any = None) -> Any:
        """What the first process gives here, in all of them."""


class OwnSteps:
    """One process computes everything.

    Args:
        module: The stage, on its device.
        optimizer: Its optimiser.
        device: That device.
    """

    leads = True

    def __init__(self, module: StageModule[Any], optimizer: AdamW, device: torch.device) -> None:
        self._module, self._optimizer, self._device = module, optimizer, device

    def begin_epoch(self) -> None:
        """Does nothing."""

    def learn(self, step: int, part_done: Callable[[], None]) -> None:
        """Gradients of the whole batch."""
        batch = self._module.training_batch(step).to(self._device)
        part_done()
        self._module.learn(batch, part_done)

    def update(self, norm: float) -> None:
        """Clips and moves."""
        self._optimizer.clip(norm)
        self._optimizer.step()

    def stopping(self) -> bool:
        """Whether somebody asked."""
        return stop_requested()

    def stopping_after_epoch(self) -> bool:
        """Whether somebody asked."""
        return stop_requested()

    def means(self) -> Means:
        """The sums as they are."""
        return self._module.means

    def agreed(self, value: Any = None) -> Any:
        """The value."""
        return value
