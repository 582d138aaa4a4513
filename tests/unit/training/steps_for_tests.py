"""What the tests let processes do, in one alone or in several that train together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.config.frozen import load_frozen
from can_train.errors import DataError
from can_train.training.loop import fit
from can_train.training.ranks import Ranks
from can_train.training.recorder import SilentRecorder
from can_train.training.run import prepare
from can_train.training.shared_steps import SharedSteps
from can_train.training.steps import OwnSteps

STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What became of a stage.

    Attributes:
        start, weights: State before and after.
        means: Means of the loss's terms, per epoch.
        windows: Windows that this process trained on, per epoch.
        chosen: Windows of each epoch.
    """

    start: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]
    means: list[dict[str, float]]
    windows: list[list[int]]
    chosen: list[NDArray[np.int64]]


def trained(frozen: Path, ranks: Ranks | None = None) -> Trained:
    """The stage of a frozen config after `STEPS` steps or the epoch in which they end."""
    torch.set_num_threads(1)
    module = prepare(load_frozen(frozen)).module
    optimizer, cpu = module.optimizer(), torch.device("cpu")
    steps = (
        OwnSteps(module, optimizer, cpu)
        if ranks is None
        else SharedSteps(module, optimizer, cpu, ranks)
    )
    start = {name: value.clone() for name, value in module.state_dict().items()}
    found: Any = {"means": [], "windows": [], "chosen": []}
    epoch = done = 0
    while done < STEPS:
        module.begin_epoch(epoch)
        module.train()
        steps.begin_epoch()
        optimizer.rate = module.rate(epoch)
        seen: list[int] = []
        for step in range(module.steps):
            module.seed_step(step)
            optimizer.zero_grad()
            steps.learn(step, lambda: None)
            steps.update(module.settings.gradient_clip)
            seen += module.windows_of(step).tolist()
        module.means = steps.means()
        found["means"].append(module.take_means())
        found["windows"].append(seen)
        found["chosen"].append(module.chosen)
        epoch, done = epoch + 1, done + module.steps
    return Trained(start=start, weights=module.state_dict(), **found)


def twenty_steps(words: list[str]) -> None:
    """One of several processes: FOLDER FROZEN..."""
    with Ranks() as ranks:
        for frozen in map(Path, words[1:]):
            result = trained(frozen, ranks)
            torch.save(result, Path(words[0]) / f"{frozen.stem}-{ranks.place.rank}.pt")


def lonely(words: list[str]) -> None:
    """The second process fails while the first one waits for it."""
    with Ranks() as ranks:
        ranks.first_says()
        if not ranks.leads:
            raise DataError("no such dataset here")
        ranks.add_up(torch.zeros(1))


def short_of_memory(words: list[str]) -> None:
    """Fits a stage; the second process runs out of memory once: FOLDER FROZEN"""
    with Ranks() as ranks:
        result = fitted(Path(words[1]), Path(words[0]), ranks)
        torch.save(result, Path(words[0]) / f"{ranks.place.rank}.pt")


def fitted(path: Path, folder: Path, ranks: Ranks | None) -> dict[str, Any]:
    """What a fit came to in which memory ran out in the second epoch, of the last process alone."""
    torch.set_num_threads(1)
    frozen = load_frozen(path)
    module = prepare(frozen).module
    learn, last = module.learn, ranks is None or not ranks.leads

    def greedy(batch: Any, forward_done: Callable[[], None] = lambda: None) -> None:
        learn(batch, forward_done)
        if last and (module.epoch, module.batch_size) == (1, 13):
            raise MemoryError("no room")

    module.learn = greedy  # type: ignore[method-assign]
    recorder = SilentRecorder(frozen.run_dir, epochs=module.epochs)
    result = fit(module, folder / "checkpoints", recorder, ranks=ranks)
    return {
        "weights": module.state_dict(),
        "halvings": result.halvings,
        "batch": module.batch_size,
        "files": sorted(path.name for path in (folder / "checkpoints").iterdir()),
    }
