"""Runs somebody else's detector: whatever goes wrong in it is one message, with where it was."""

from __future__ import annotations

import contextlib
import random
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.baselines.interface import OtherDetector
from can_train.baselines.named import NamedDetector
from can_train.baselines.recording import UnlabelledRecording
from can_train.errors import TrainingError, counted
from can_train.vehicle.windows import largest_in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedDetector:
    """A detector that has learned.

    Attributes:
        named: Which one.
        detector: The object itself.
    """

    named: NamedDetector
    detector: OtherDetector

    def score(self, recording: UnlabelledRecording, what: str) -> NDArray[np.float64]:
        """Score of each window of a recording [B], float64.

        Args:
            recording: At least a window long.
            what: Which recording it is, for messages; the detector isn't told.

        Raises:
            TrainingError: The detector fails, or gives something else than finite numbers, one
                per frame or per window.
        """
        with _guarded(self.named, f"score: {what}"):
            found = np.asarray(self.detector.score(recording))
        return _of_windows(self.named, found, recording, what)


def fit_detector(
    named: NamedDetector,
    recordings: Sequence[UnlabelledRecording],
    labels: Sequence[NDArray[np.uint8]],
    seed: int,
) -> FittedDetector:
    """Makes a detector and lets it learn.

    Args:
        named: Which one.
        recordings: What it learns from.
        labels: Labels of the frames of each, for one that needs them.
        seed: Of every generator of random numbers that it may use without a seed of its own.

    Raises:
        TrainingError: It fails.
    """
    random.seed(seed)
    np.random.seed(seed)  # what scikit-learn draws from, unless it is told otherwise
    torch.manual_seed(seed)
    with _guarded(named, f"fit: {counted(len(recordings), 'training recording')}"):
        detector: Any = named.cls()
        if named.needs_labels:
            detector.fit(recordings, labels)
        else:
            detector.fit(recordings)
    return FittedDetector(named=named, detector=detector)


@contextlib.contextmanager
def _guarded(named: NamedDetector, what: str) -> Iterator[None]:
    """Names what it raises; what it prints doesn't mix with results."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        said = traceback.format_exception_only(error)[-1].strip()
        raise TrainingError(
            f"detector {named.name}, {what}: {said}{_place_of(error)}. Nothing was written. See "
            "all of it: the same with --debug"
        ) from error


def _place_of(error: BaseException) -> str:
    """File and line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if len(frames) > 1 else ""


def _of_windows(
    named: NamedDetector, found: NDArray[Any], recording: UnlabelledRecording, what: str
) -> NDArray[np.float64]:
    """One score per window, from one per frame or per window."""
    starts, frames = recording.starts, len(recording)
    where = f"detector {named.name}, score: {what}"
    if found.shape not in {(frames,), (len(starts),)} or found.dtype.kind not in "biuf":
        raise TrainingError(
            f"{where}: gave {found.dtype} of shape {found.shape}. Wanted: numbers of shape "
            f"({frames:,},), one per frame, or ({len(starts):,},), one per window of "
            f"{recording.window} frames at a stride of {recording.stride}"
        )
    scores = found.astype(np.float64)
    if bad := int(np.count_nonzero(~np.isfinite(scores))):
        raise TrainingError(
            f"{where}: {bad:,} of {len(scores):,} scores aren't finite. Give a low number "
            "where there is nothing to suspect"
        )
    return scores if len(scores) == len(starts) else largest_in(scores, starts, recording.window)
