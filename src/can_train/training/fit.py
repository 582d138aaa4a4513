"""Fits one stage with Lightning: fresh, or from where an earlier attempt stopped."""

from __future__ import annotations

import logging
import pickle
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback, RichProgressBar

from can_train.detectors.stage import StageModule
from can_train.errors import ArtifactError, TrainingError
from can_train.files import PARTIAL
from can_train.training.callbacks import BEST, LAST, BestAndLast
from can_train.training.recorder import Recorder

logger = logging.getLogger("can_train")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """How training went.

    Attributes:
        epochs: Epochs trained, those of earlier attempts included.
        best_epoch: The epoch whose weights were restored, counted from 0.
        metrics: Validation figures of that epoch.
    """

    epochs: int
    best_epoch: int
    metrics: dict[str, float]


def fit(module: StageModule, folder: Path, recorder: Recorder) -> FitResult:
    """Trains `module` until its epochs or its patience end; leaves the best epoch in it.

    Args:
        module: The stage.
        folder: `checkpoints/` of the run; if it holds `last.ckpt`, training goes on from there.
        recorder: Receives the figures of each epoch.

    Raises:
        TrainingError: Training diverged: no epoch had finite validation figures.
        Stopped: Somebody asked; `last.ckpt` holds the position.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{PARTIAL}*"):
        left.unlink()  # half-written by a killed attempt; a run has one owner
    keeper = BestAndLast(folder, patience=module.settings.patience, recorder=recorder)
    last = folder / LAST
    resuming = last.is_file()
    done, steps = _resumed(last, keeper, module) if resuming else (0, 0)
    if resuming:
        where = f"epoch {done}/{module.settings.epochs}" + (f", step {steps}" if steps else "")
        logger.info("resuming after %s", where)
        recorder.event("resume", epochs_done=done, steps_done=steps)
    if not keeper.exhausted and done < module.settings.epochs:
        _silence()
        trainer = _trainer(module, keeper)
        trainer.fit(module, ckpt_path=last if resuming else None, weights_only=True)
        done = trainer.current_epoch
        if trainer.interrupted:
            raise KeyboardInterrupt
    if keeper.best_epoch < 0:
        raise TrainingError(
            "training diverged: no epoch had finite validation figures. Use a lower --learning-rate"
        )
    best = torch.load(folder / BEST, map_location="cpu", weights_only=True)
    module.load_state_dict(best, strict=True)
    module.to("cpu").eval()
    return FitResult(epochs=done, best_epoch=keeper.best_epoch, metrics=keeper.best_metrics)


def _resumed(last: Path, keeper: BestAndLast, module: StageModule) -> tuple[int, int]:
    """Epochs that an earlier attempt finished, and steps beyond; its judgement goes to `keeper`."""
    try:
        checkpoint = torch.load(last, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise ArtifactError(
            f"{last}: damaged checkpoint ({error}). Remove it to train from the first epoch"
        ) from error
    if set(checkpoint["state_dict"]) != set(module.state_dict()):
        raise ArtifactError(
            f"{last}: checkpoint of another version of can-train. Remove its folder "
            f"({last.parent}) to train from the first epoch"
        )
    keeper.load_state_dict(checkpoint["callbacks"][keeper.state_key])
    steps = int(checkpoint["position"]["steps_done"])
    return int(checkpoint["epoch"]) + (0 if steps else 1), steps


def _trainer(module: StageModule, keeper: BestAndLast) -> lightning.Trainer:
    on_terminal = sys.stderr.isatty()
    callbacks: list[Callback] = [keeper]
    if on_terminal:
        callbacks.append(RichProgressBar(leave=False))
    return lightning.Trainer(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=1,
        max_epochs=module.settings.epochs,
        gradient_clip_val=module.settings.gradient_clip,
        callbacks=callbacks,
        # Inside a Slurm job Lightning would requeue by itself and take our signals.
        plugins=[LightningEnvironment()],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=on_terminal,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        benchmark=False,
    )


def _silence() -> None:
    """Lightning's advertising and its advice about workers that our batches don't need."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*GPU available but not used.*")
    warnings.filterwarnings("ignore", message=".*`srun` command is available.*")
    # Ours begins at the right batch by itself (StageModule.training_batches).
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
