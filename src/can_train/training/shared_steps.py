"""How a step's gradients come about in several processes, which add theirs up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from can_train.detectors.adamw import AdamW
from can_train.detectors.part import Shares
from can_train.detectors.shortage import shortage_in
from can_train.detectors.stage import Means, StageModule
from can_train.errors import TrainingError
from can_train.runs.stop import stop_requested
from can_train.training.ranks import Ranks
from can_train.training.steps import OwnSteps

ELSEWHERE: Final = "in another process of the run"


class SharedSteps(OwnSteps):
    """Several processes compute a part of each batch; the gradients are those of the whole.

    Two sums per step. The first is of what the loss is a mean over, so that each process weighs the
    terms of its part as the whole batch does (`detectors/part.py:Shares`), and of wishes to stop.
    The second is of the gradients. In both each process says whether it ran out of memory: then all
    of them raise a MemoryError, and the step is repeated by all or none.

    Args:
        module: The stage, on its device, the same in all processes.
        optimizer: Its optimiser.
        device: That device.
        ranks: The processes.
    """

    def __init__(
        self, module: StageModule[Any], optimizer: AdamW, device: torch.device, ranks: Ranks
    ) -> None:
        super().__init__(module, optimizer, device)
        self.leads, self._ranks, self._stop = ranks.leads, ranks, False
        module.place = ranks.place
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        sizes = [parameter.numel() for parameter in self._parameters]
        first = self._parameters[0]
        self._sent = torch.zeros(1 + len(sizes) + sum(sizes), dtype=first.dtype, device=device)
        """Whether memory ran out, which gradients there are, and the gradients."""
        self._views = [
            piece.view_as(parameter)
            for piece, parameter in zip(
                torch.split(self._sent[1 + len(sizes) :], sizes), self._parameters, strict=True
            )
        ]

    def begin_epoch(self) -> None:
        """Takes windows, batches, rate and weights from the first process.

        So no two processes can differ in them, whatever their machines' last bits are.
        """
        self._module.order = self._ranks.first_says(self._module.order)
        with torch.no_grad():
            for tensor in self._module.state_dict().values():
                self._ranks.copy_first(tensor)

    def learn(self, step: int, part_done: Callable[[], None]) -> None:
        """Gradients of the whole batch, the sum of those of all parts."""
        module = self._module
        held: list[Any] = []

        def load() -> None:
            if len(module.windows_of(step)):
                batch = module.training_batch(step)
                held.append((module.counts(batch), batch.to(self._device)))

        said = shortage_in(load)
        counts, batch = held[0] if held else ((0,) * len(module.counted), None)
        shares = self._shares(step, said, counts)
        part_done()
        module.shares = shares
        try:
            said = "" if batch is None else shortage_in(lambda: module.learn(batch, part_done))
        finally:
            module.shares = None
        if batch is None:
            module.means.add({}, shares.windows)
            part_done()
        self._add_up(said)

    def update(self, norm: float) -> None:
        """The same in all processes; where one of them can't, they can't go on together."""
        said = shortage_in(lambda: super(SharedSteps, self).update(norm))
        if said:
            raise TrainingError(
                f"{self._ranks.name}: out of memory when the weights were moved ({said}). Give the "
                "stage more memory (--memory on a cluster), or a smaller model"
            )

    def stopping(self) -> bool:
        """Whether any process was asked before the step that ended."""
        return self._stop

    def stopping_after_epoch(self) -> bool:
        """Whether the first process was asked."""
        return bool(self._ranks.first_says(stop_requested()))

    def means(self) -> Means:
        """Sums of all processes in the first one; the others' begin anew."""
        own = self._module.means
        sums: dict[str, float] = {}
        for told in self._ranks.told_first(own.sums):
            for name, value in told.items():
                sums[name] = sums.get(name, 0.0) + value
        return Means(sums=sums, weight=own.weight)

    def agreed(self, value: Any = None) -> Any:
        """What the first process gives here, in all of them."""
        return self._ranks.first_says(value)

    def _shares(self, step: int, said: str, counts: tuple[int, ...]) -> Shares:
        """How much of the batch is here.

        Raises:
            MemoryError: A process ran out of memory.
            TrainingError: Another process is at another step.
        """
        module, size = self._module, self._ranks.place.size
        own = [float(bool(said)), float(stop_requested()), float(module.epoch), float(step)]
        sent = torch.tensor([*own, *counts], dtype=torch.float64)
        self._ranks.add_up(sent)
        short, stop, epoch, at, *whole = sent.tolist()
        if (epoch, at) != (size * module.epoch, size * step):
            raise TrainingError(f"{self._ranks.name} isn't at the step where the others are")
        if short:
            raise MemoryError(said or ELSEWHERE)
        self._stop = stop > 0
        of: Mapping[str, float] = {
            name: mine / all_ if all_ else 0.0
            for name, mine, all_ in zip(module.counted, counts, whole, strict=True)
        }
        return Shares(windows=int(whole[0]), of=of)

    def _add_up(self, said: str) -> None:
        """Replaces each gradient by the sum of all processes'.

        Raises:
            MemoryError: A process ran out of memory.
        """
        flags, count = self._sent, len(self._parameters)
        flags.zero_()
        if said:
            flags[0] = 1.0
        else:
            there = [p.grad is not None for p in self._parameters]
            flags[1 : 1 + count] = torch.tensor(there, dtype=flags.dtype)
            for parameter, view in zip(self._parameters, self._views, strict=True):
                _fill(view, parameter)
        self._ranks.add_up(self._sent)
        short, *found = flags[: 1 + count].tolist()
        if short:
            raise MemoryError(said or ELSEWHERE)
        for parameter, view, some in zip(self._parameters, self._views, found, strict=True):
            parameter.grad = view if some else None


def _fill(view: Tensor, parameter: nn.Parameter) -> None:
    if parameter.grad is not None:
        view.copy_(parameter.grad)
