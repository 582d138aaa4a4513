"""Thresholds of a new vehicle for one evaluation or scoring: `--calibrate-on FILE`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from can_train.dataset.discovery import lone_file
from can_train.dataset.labels import Labels
from can_train.dataset.reading import read_labelled, timed_buses
from can_train.dataset.request import Reading
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.recalibration import Recalibration, recalibrate, stretch_of
from can_train.errors import DataError
from can_train.evaluation.places import Place
from can_train.frames.frame import Frames

logger = logging.getLogger("can_train")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOn:
    """What a user asks for.

    Attributes:
        file: A recording of the vehicle; its first minutes are benign.
        minutes: How many.
        reading: How it is read.
        tell: Is told what came of it.
    """

    file: Path
    minutes: float
    reading: Reading = field(default_factory=Reading)
    tell: Callable[[Calibrated], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What came of it.

    Attributes:
        file: The recording.
        digest: That of its frames.
        result: Thresholds before and after.
    """

    file: Path
    digest: str
    result: Recalibration

    @property
    def settings(self) -> dict[str, str | int | float]:
        """What numbers depend on that come of it."""
        return {
            "calibrated_on": self.digest,
            "calibration_windows": self.result.windows,
            "calibration_s": self.result.duration_s,
        }

    def unused_part(self, place: Place) -> Place:
        """The place without the windows that thresholds were calibrated on."""
        store, windows = place.store, place.windows
        same = [n for n, found in enumerate(store.recordings) if found.digest == self.digest]
        used = np.isin(store.recording[windows], same) & (store.start[windows] < self.result.frames)
        return replace(place, windows=windows[~used])


def calibrate_on(wanted: CalibrateOn, scorer: FrameScorer) -> Calibrated:
    """Sets the thresholds of loaded detectors for the vehicle of a recording; no file is changed.

    Raises:
        DataError: The recording can't be read, or its first minutes can't be calibrated on.
    """
    frames = _frames(wanted)
    stretch = stretch_of(frames, wanted.minutes)
    result = recalibrate(scorer, stretch, vehicle=wanted.file.stem)
    result.apply(scorer)
    calibrated = Calibrated(file=wanted.file, digest=frames.digest(), result=result)
    if wanted.tell is not None:
        wanted.tell(calibrated)
    return calibrated


def _frames(wanted: CalibrateOn) -> Frames:
    """Frames of its only bus, or of the one that was named."""
    file = lone_file(wanted.file)
    read = read_labelled(file, wanted.reading, Labels(None, [file]), logger.info).result
    buses = timed_buses(wanted.file, read, wanted.reading, logger.info)
    if len(buses) > 1:
        raise DataError(
            f"{wanted.file}: holds {len(buses)} buses, and thresholds are those of one. Name it: "
            f"--bus {buses[0].name}"
        )
    return buses[0].frames
