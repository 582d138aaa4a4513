"""The training loop: fits one stage, fresh or from where an earlier attempt stopped.

After an epoch it saves the records, `best.pt` (if there is a better one than in the file), then
`last.ckpt`, all atomically: a run that is killed in between repeats what came since and comes to
the same files. Epochs that last under a second share a save. `last.ckpt` knows the best epoch and
the patience that is left, so a resumed run stops when the uninterrupted one would have. When
somebody asks the process to stop, the position is also saved after the step that just ended.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import pickle
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from can_train.detectors.adamw import AdamW
from can_train.detectors.stage import Judgement, Means, StageModule
from can_train.errors import ArtifactError, TrainingError
from can_train.files import PARTIAL, sha256_of, writing
from can_train.runs.events import RunResumed
from can_train.runs.layout import BEST, LAST
from can_train.runs.made import MAKE_AGAIN, check_whole
from can_train.runs.stop import Stopped
from can_train.training.device import training_device
from can_train.training.meter import EpochMeter
from can_train.training.out_of_memory import (
    STEP,
    VALIDATION,
    BatchWatch,
    Halver,
    Halving,
    Unwatched,
)
from can_train.training.recorder import Recorder
from can_train.training.steps import OwnSteps, Steps

if TYPE_CHECKING:
    from can_train.training.ranks import Ranks

logger = logging.getLogger("can_train")

CHECKPOINT_FORMAT: Final = "can-train checkpoint 3"

SAVE_S: Final = 1.0
"""Least pause between two saves after epochs: what a killed run repeats at most, and an epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """How training went.

    Attributes:
        epochs: Epochs trained, those of earlier attempts included.
        best_epoch: The epoch whose weights were restored, counted from 0.
        metrics: Validation figures of that epoch.
        epoch_s: Mean seconds of an epoch of this attempt; None if it trained none.
        epoch_windows: Windows that the last epoch trained on.
        halvings: Where memory ran out and batches were halved; then it isn't the run that was
            planned.
    """

    epochs: int
    best_epoch: int
    metrics: dict[str, float]
    epoch_s: float | None
    epoch_windows: int
    halvings: tuple[Halving, ...] = ()


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where training stands.

    Attributes:
        epoch: The current epoch, counted from 0.
        step: Steps of it that are done.
        best_epoch, best_key, best_metrics: The best epoch so far; -1 before there is one.
        waited: Epochs since then.
        best_sha256: Of the file that holds the best epoch; empty before there is one.
        halvings: Epoch and step at which memory ran out, and of what the batch was halved: a
            `step` or the `validation`.
    """

    epoch: int = 0
    step: int = 0
    best_epoch: int = -1
    best_key: tuple[float, ...] = ()
    best_metrics: dict[str, float] = field(default_factory=dict)
    waited: int = 0
    best_sha256: str = ""
    halvings: list[Halving] = field(default_factory=list)

    def judged(self, judgement: Judgement) -> bool:
        """Takes in the judgement of the current epoch; whether it is the best so far."""
        finite = all(math.isfinite(value) for value in judgement.key)
        better = finite and (self.best_epoch < 0 or judgement.key > self.best_key)
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best_epoch, self.best_key = self.epoch, judgement.key
            self.best_metrics = judgement.metrics
        return better


def fit(
    module: StageModule[Any],
    folder: Path,
    recorder: Recorder,
    watch: BatchWatch | None = None,
    ranks: Ranks | None = None,
    holding: AbstractContextManager[object] | None = None,
) -> FitResult:
    """Trains `module` until its epochs or its patience end; leaves the best epoch in it.

    Of several processes the first one alone reads and writes `folder`, validates and has the best
    epoch afterwards; the others do what it says.

    Args:
        module: The stage.
        folder: `checkpoints/` of the run; if it holds `last.ckpt`, training goes on from there.
        recorder: Receives the figures of each epoch.
        watch: Is told when an epoch has ended and when memory ran out.
        ranks: The processes that train it together; None: this one alone.
        holding: What each batch is computed in (`MemoryDevice.hold`).

    Raises:
        TrainingError: Training diverged: no epoch had finite validation figures; or memory ran out
            however small the batches were; or another process of the run ended.
        ArtifactError: A checkpoint is damaged, or of another run.
        Stopped: Somebody asked; `last.ckpt` holds the position.
    """
    if ranks is None or ranks.leads:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{PARTIAL}*"):
            left.unlink()  # half-written by a killed attempt; a run has one owner
    fitting = _Fitting(module, folder, recorder, watch or Unwatched(), ranks, holding)
    progress = fitting.run()
    if progress.best_epoch < 0:
        raise TrainingError(
            "training diverged: no epoch had finite validation figures. Use a lower --learning-rate"
        )
    if ranks is None or ranks.leads:
        _restore_best(module, folder / BEST, progress.best_sha256)
    module.to("cpu").eval()
    return FitResult(
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        metrics=progress.best_metrics,
        epoch_s=fitting.epoch_s,
        epoch_windows=len(module.chosen),
        halvings=tuple(progress.halvings),
    )


def _restore_best(module: StageModule[Any], path: Path, sha256: str) -> None:
    """Puts the weights of the best epoch into `module`; those of before had no hash."""
    if sha256 and sha256_of(path) != sha256:
        raise ArtifactError(f"{path}: not the file that this run wrote. {MAKE_AGAIN}")
    module.load_state_dict(_load(path, "cpu"), strict=True)


def _load(path: Path, device: torch.device | str, content: bytes | None = None) -> Any:
    """A checkpoint after a look at every byte.

    Args:
        path: Where it lies.
        device: Where its tensors go.
        content: Its bytes, where another process has looked at them; None: they are read.

    Raises:
        ArtifactError: It is damaged, or holds code.
    """
    if content is None:
        check_whole(path)
    source = path if content is None else io.BytesIO(content)
    try:
        return torch.load(source, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise ArtifactError(f"{path}: damaged checkpoint ({error}). {MAKE_AGAIN}") from error


def _content(path: Path) -> bytes | None:
    """Bytes of a checkpoint after a look at each; None where there is none.

    Raises:
        ArtifactError: It is damaged.
    """
    if not path.is_file():
        return None
    check_whole(path)
    return path.read_bytes()


def _steps(
    module: StageModule[Any], optimizer: AdamW, device: torch.device, ranks: Ranks | None
) -> Steps:
    if ranks is None:
        return OwnSteps(module, optimizer, device)
    from can_train.training.shared_steps import SharedSteps

    return SharedSteps(module, optimizer, device, ranks)


def validate(
    module: StageModule[Any], device: torch.device | str = "cpu", halver: Halver | None = None
) -> Judgement:
    """What the validation windows say about `module` as it is."""
    module.eval()
    halver = halver or Halver(module, Unwatched(), [])
    done = 0

    def judge_rest() -> None:
        nonlocal done
        for batch in module.validation_batches(done):
            module.validation_step(batch.to(device))
            done += len(batch)

    with torch.no_grad():
        while not halver.fits(judge_rest, module.steps, VALIDATION):
            pass  # goes on behind the last batch that fitted
    return module.judge()


class _Fitting:
    """One attempt at fitting a stage."""

    def __init__(
        self,
        module: StageModule[Any],
        folder: Path,
        recorder: Recorder,
        watch: BatchWatch,
        ranks: Ranks | None,
        holding: AbstractContextManager[object] | None,
    ) -> None:
        self._device = training_device()
        self._module = module.to(self._device)
        self._folder = folder
        self._recorder = recorder
        self._meter = EpochMeter(self._device)
        self._watch, self._holding = watch, holding
        self._optimizer = module.optimizer()
        self._steps = _steps(self._module, self._optimizer, self._device, ranks)
        self._progress = Progress()
        self._halver = Halver(module, watch, self._progress.halvings, holding)
        self._lasted_s: list[float] = []
        self._best: dict[str, Any] = {}
        self._saved_s = -math.inf

    @property
    def epoch_s(self) -> float | None:
        """Mean seconds of the epochs of this attempt; None before there is one."""
        return sum(self._lasted_s) / len(self._lasted_s) if self._lasted_s else None

    def run(self) -> Progress:
        """Trains until the epochs or the patience end."""
        settings = self._module.settings
        self._resume()
        progress = self._progress
        try:
            while progress.epoch < self._module.epochs and progress.waited < settings.patience:
                started = time.monotonic()
                self._train_epoch()
                self._close_epoch()
                self._lasted_s.append(time.monotonic() - started)
        except BaseException:
            with contextlib.suppress(OSError):  # what came first says more
                self._recorder.keep()
            raise
        self._save()
        return progress

    def _train_epoch(self) -> None:
        module, progress, meter = self._module, self._progress, self._meter
        module.begin_epoch(progress.epoch)
        module.train()
        self._halver.again(progress.epoch, finished=False)
        self._steps.begin_epoch()
        self._optimizer.rate = module.rate(progress.epoch)
        meter.begin(module.left(progress.step))
        while progress.step < module.steps:
            if not self._halver.fits(self._train_step, progress.step, STEP):
                continue  # the same windows in smaller batches
            progress.step += 1
            self._recorder.step(progress.epoch, progress.step, module.steps)
            # The epoch's last step is followed by its judgement, which saves the position, too.
            if progress.step < module.steps and self._steps.stopping():
                module.means = self._steps.means()
                self._save()
                raise Stopped(f"stopped after step {progress.step} of epoch {progress.epoch + 1}")
        meter.trained()

    def _train_step(self) -> None:
        """One step; whatever it fails with, the sums of the epoch know nothing of it."""
        module, step, meter = self._module, self._progress.step, self._meter
        sums, weight = dict(module.means.sums), module.means.weight
        try:
            meter.start_step(step)
            module.seed_step(step)
            self._optimizer.zero_grad()
            self._steps.learn(step, meter.part_done)
            meter.part_done()
            self._steps.update(module.settings.gradient_clip)
            meter.part_done()
        except BaseException:
            module.means = Means(sums=sums, weight=weight)
            meter.drop_step()
            raise

    def _close_epoch(self) -> None:
        """Judges the epoch that just ended, records and saves it."""
        module, progress = self._module, self._progress
        module.means = self._steps.means()
        means = module.take_means()
        judgement = self._steps.agreed(self._judgement())
        better = progress.judged(judgement)
        if better and self._steps.leads:
            self._best = {name: value.clone() for name, value in module.state_dict().items()}
        # Both look at the peak since the epoch began; the next one sets it back.
        self._watch.epoch()
        self._recorder.event(self._meter.resources(progress.epoch))
        self._recorder.epoch(progress.epoch, {**means, **judgement.metrics}, best=better)
        progress.epoch, progress.step = progress.epoch + 1, 0
        stopping = self._steps.stopping_after_epoch()
        if stopping or time.monotonic() - self._saved_s >= SAVE_S:
            self._save()
        if stopping:
            raise Stopped(f"stopped after epoch {progress.epoch}")

    def _judgement(self) -> Judgement | None:
        """What the first process finds on the validation windows; None in others."""
        if not self._steps.leads:
            return None
        return validate(self._module, self._device, self._halver)

    def _save(self) -> None:
        """Brings the records to the disk, replaces `best.pt` if there is a better one, `last.ckpt`.

        Every step seeds its generators, so no random state is kept.
        """
        if not self._steps.leads:
            return
        progress, means = self._progress, self._module.means
        self._recorder.keep()
        if self._best:
            with writing(self._folder / BEST) as stream:
                torch.save(self._best, stream)
            progress.best_sha256, self._best = sha256_of(self._folder / BEST), {}
        document = {
            "format": CHECKPOINT_FORMAT,
            "run": self._recorder.run_dir.name,
            "module": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": {
                "epoch": progress.epoch,
                "step": progress.step,
                "best_epoch": progress.best_epoch,
                "best_key": progress.best_key,
                "best_metrics": progress.best_metrics,
                "waited": progress.waited,
                "best_sha256": progress.best_sha256,
                "halvings": list(progress.halvings),
            },
            "sums": dict(means.sums),
            "weight": means.weight,
        }
        with writing(self._folder / LAST) as stream:
            torch.save(document, stream)
        self._saved_s = time.monotonic()

    def _resume(self) -> None:
        """Goes back to the position in `last.ckpt`, where there is one.

        Raises:
            ArtifactError: It is damaged, of another run, or of another version.
        """
        last = self._folder / LAST
        content = self._steps.agreed(_content(last) if self._steps.leads else None)
        if content is None:
            return
        document = _load(last, self._device, content)
        if not isinstance(document, dict) or document.get("format") != CHECKPOINT_FORMAT:
            raise ArtifactError(
                f"{last}: not a checkpoint of this version of can-train. {MAKE_AGAIN}"
            )
        run = self._recorder.run_dir.name
        if document.get("run", run) != run:
            raise ArtifactError(f"{last}: checkpoint of run {document['run']}. {MAKE_AGAIN}")
        try:
            self._go_back(document)
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{last}: doesn't fit this run ({error}). {MAKE_AGAIN}") from error

    def _go_back(self, document: Mapping[str, Any]) -> None:
        self._module.load_state_dict(document["module"], strict=True)
        self._optimizer.load_state_dict(document["optimizer"])
        self._progress = progress = Progress(**document["progress"])
        self._halver = Halver(self._module, self._watch, progress.halvings, self._holding)
        self._halver.again(progress.epoch, finished=True)
        self._module.means = Means(sums=document["sums"], weight=document["weight"])
        where = f"epoch {progress.epoch}/{self._module.epochs}"
        where += f", step {progress.step}" if progress.step else ""
        logger.info("resuming after %s", where)
        self._recorder.event(RunResumed(epochs_done=progress.epoch, steps_done=progress.step))
