"""Keeps the best epoch and the last position on disk; stops in time, or when asked to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import lightning
import torch
from torch import Tensor

from can_train.detectors.stage import StageModule
from can_train.files import partial_name, sync, writing
from can_train.runs.stop import Stopped, stop_requested
from can_train.training.recorder import Recorder

LAST: Final = "last.ckpt"
BEST: Final = "best.pt"


class BestAndLast(lightning.Callback):
    """After each epoch: records it, saves `last.ckpt`, on improvement `best.pt`, stops in time.

    Both files are replaced atomically, `best.pt` first: a run that is killed in between repeats
    its last epoch and comes to the same files. `last.ckpt` carries this callback's state, so a
    resumed run knows its best epoch and stops when the uninterrupted run would have. When somebody
    asked the process to stop, `last.ckpt` is also saved after the step that just ended.

    Args:
        folder: `checkpoints/` of the run.
        patience: Epochs without improvement before training stops.
        recorder: Receives the figures of each epoch.
    """

    def __init__(self, folder: Path, *, patience: int, recorder: Recorder) -> None:
        self._folder = folder
        self._patience = patience
        self._recorder = recorder
        self.best_key: tuple[float, ...] | None = None
        self.best_epoch = -1
        self.best_metrics: dict[str, float] = {}
        self.waited = 0

    @property
    def exhausted(self) -> bool:
        """Whether the patience is used up."""
        return self.waited >= self._patience

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Saves the position and stops if asked; an epoch's last step is followed by its judgement.

        Raises:
            Stopped: The position was saved.
        """
        steps_done = batch_idx + 1
        if not stop_requested() or steps_done >= trainer.num_training_batches:
            return
        _stage(pl_module).steps_done = steps_done
        self._save(trainer)
        raise Stopped(f"stopped after step {steps_done} of epoch {trainer.current_epoch + 1}")

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Judges the epoch that just ended.

        Raises:
            Stopped: Somebody asked; the epoch was saved.
        """
        module = _stage(pl_module)
        module.close_epoch()
        judgement = module.judgement
        finite = all(math.isfinite(value) for value in judgement.key)
        better = finite and (self.best_key is None or judgement.key > self.best_key)
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best_key = judgement.key
            self.best_epoch = trainer.current_epoch
            self.best_metrics = judgement.metrics
            with writing(self._folder / BEST) as stream:
                torch.save(trained_state(module), stream)
        self._recorder.epoch(
            trainer.current_epoch,
            {**module.train_means, **judgement.metrics},
            best=better,
        )
        if self.exhausted:
            trainer.should_stop = True
        self._save(trainer)
        if stop_requested():
            raise Stopped(f"stopped after epoch {trainer.current_epoch + 1}")

    def _save(self, trainer: lightning.Trainer) -> None:
        """Replaces `last.ckpt`."""
        temporary = partial_name(self._folder / LAST)
        trainer.save_checkpoint(temporary)
        sync(temporary)
        temporary.replace(self._folder / LAST)

    def state_dict(self) -> dict[str, object]:
        """What a resumed run needs to know."""
        return {
            "best_key": self.best_key,
            "best_epoch": self.best_epoch,
            "best_metrics": self.best_metrics,
            "waited": self.waited,
        }

    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Restores what `state_dict` gave."""
        self.best_key = state_dict["best_key"]  # type: ignore[assignment]
        self.best_epoch = state_dict["best_epoch"]  # type: ignore[assignment]
        self.best_metrics = state_dict["best_metrics"]  # type: ignore[assignment]
        self.waited = state_dict["waited"]  # type: ignore[assignment]


def _stage(module: lightning.LightningModule) -> StageModule:
    if not isinstance(module, StageModule):
        raise TypeError(f"expected a StageModule, got {type(module).__name__}")
    return module


def trained_state(module: StageModule) -> dict[str, Tensor]:
    """Weights that training changes: those of the model and of the distillation's projection."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
