"""Thresholds for a vehicle that wasn't trained on, from the first minutes of its benign traffic.

Weights stay as they are, and thresholds only ever rise: windows that didn't alarm don't alarm
afterwards either. Who records the stretch may be attacked while doing so, therefore part of it is
never believed (`_without_outliers`), and a stretch that looks attacked is refused.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.detectors.frame_scorer import FrameScorer, ScoredWindows
from can_train.detectors.known_vehicle import ROW, KnownVehicles, profile_threshold
from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.vehicle.fit import ProfileSource, fit_profile
from can_train.vehicle.profile import SILENT, VehicleProfile

logger = logging.getLogger("can_train")

BLOCKS: Final = 12
"""Pieces of equal length that a stretch is cut into."""

DOUBTED_BLOCKS: Final = 3
"""Blocks with the highest scores, which say nothing about what is usual: an attack in up to a
quarter of the stretch lies in them."""

FARTHEST: Final = 5.0
"""Tail units beyond the threshold of the other blocks from which a score is none of the same
traffic. Benign tails are near exponential: of 150 above the threshold one gets there by chance."""

FEWEST_ATTACK_WINDOWS: Final = 3
"""So many of those windows are an attack; fewer are left out."""

SHORTEST_FOR_PROFILE_S: Final = 120.0
"""Stretch from which a vehicle gets a profile. Fitted on two minutes of one training recording
(set_01, set_04), it alarms on .002 of the benign windows of others and on more than .01 of none; on
one minute, half of those of set_01 are above that."""

FEWEST_WINDOWS: Final = 10 * BLOCKS
_FITTED_SHARE: Final = 0.7
_MANY_ALARMS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedThreshold:
    """One scorer before and after; shares are None where there are no windows to tell them from.

    Attributes:
        scorer: Its name.
        before: The stored threshold.
        after: The one for this vehicle.
        alarms: Share of the stretch's windows that alarm, before and after.
        found: Share of held-out attack windows (threshold side of the training recordings, and
            synthetic ones) that alarm, before and after: what it costs.
    """

    scorer: str
    before: Threshold
    after: Threshold
    alarms: tuple[float, float]
    found: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """What a stretch of benign traffic says about a run's thresholds.

    Attributes:
        windows: Windows of the stretch.
        duration_s: Its length.
        frames: Number of its frames.
        raised: Every scorer, in order.
        vehicles: Profiles including the new vehicle's; None if there are none.
    """

    windows: int
    duration_s: float
    frames: int
    raised: tuple[RaisedThreshold, ...]
    vehicles: KnownVehicles | None

    def apply(self, scorer: FrameScorer) -> None:
        """Sets the thresholds of loaded detectors; their files stay as they are."""
        after = {each.scorer: each.after for each in self.raised}
        for detector in scorer.detectors.values():
            detector.threshold = after[detector.spec.row]
        scorer.own.vehicles = self.vehicles


def stretch_of(frames: Frames, minutes: float) -> Frames:
    """The first minutes of a recording; all of it if it is shorter."""
    last_s = np.maximum.accumulate(frames.timestamp) - frames.timestamp[0]
    return frames[: int(np.searchsorted(last_s, 60.0 * minutes, side="right"))]


def recalibrate(scorer: FrameScorer, frames: Frames, vehicle: str) -> Recalibration:
    """Thresholds and profile for the vehicle of a benign stretch.

    Args:
        scorer: The detector with those that it fuses; isn't changed.
        frames: The stretch.
        vehicle: What the vehicle is called.

    Raises:
        DataError: The stretch is labelled as attacked, looks attacked, or is too short.
    """
    _require_benign(frames)
    scored = scorer.score(frames)
    _require_enough(scored, scorer.spec.window)
    raised, kept = [], np.ones(len(scored), np.bool_)
    for name, before in scorer.thresholds.items():
        score = scored.levelled[name]
        usual = _without_outliers(name, score, before, scored)
        kept &= usual
        asked = conformal_threshold(score[usual], before.target_fpr)
        raised.append(_raised(scorer, name, score, asked))
    profiled = _with_profile(scorer, frames, scored, kept, vehicle)
    return Recalibration(
        windows=len(scored),
        duration_s=float(np.ptp(frames.timestamp)),
        frames=len(frames),
        raised=tuple(raised),
        vehicles=_vehicles(profiled, raised),
    )


def _require_benign(frames: Frames) -> None:
    attacks = np.flatnonzero(frames.label)
    if len(attacks):
        at_s = frames.timestamp[attacks[0]] - frames.timestamp[0]
        raise DataError(
            f"--calibrate-on: {len(attacks)} frames of this stretch are labelled as attacks, the "
            f"first at {at_s:.1f} s. Give a benign recording, or end before them with "
            f"--calibrate-minutes"
        )


def _require_enough(scored: ScoredWindows, window: int) -> None:
    if len(scored) < FEWEST_WINDOWS:
        raise DataError(
            f"--calibrate-on: {len(scored)} windows of {window} frames are too few: at least "
            f"{FEWEST_WINDOWS} are needed. Give a longer recording or raise --calibrate-minutes"
        )


def _without_outliers(
    name: str, score: NDArray[np.float64], before: Threshold, scored: ScoredWindows
) -> NDArray[np.bool_]:
    """Windows of the stretch that may be believed [B].

    Raises:
        DataError: Some windows are so far from all others that they look like an attack.
    """
    block = np.arange(len(score)) * BLOCKS // len(score)
    highest = np.array([score[block == number].max() for number in range(BLOCKS)])
    doubted = np.isin(block, np.argsort(highest, kind="stable")[-DOUBTED_BLOCKS:])
    believed = Margins.of(score[~doubted])
    limit = conformal_threshold(score[~doubted], before.target_fpr).value
    far = doubted & (score > max(limit + FARTHEST * believed.tail, before.value))
    if np.count_nonzero(far) >= FEWEST_ATTACK_WINDOWS:
        at = np.flatnonzero(far)
        begin, end = scored.start_s[at[0]] - scored.start_s[0], scored.end_s[at[-1]]
        raise DataError(
            f"--calibrate-on: this stretch looks attacked: {len(at)} windows between {begin:.1f} s "
            f"and {end - scored.start_s[0]:.1f} s score up to {score[at].max():.4g} by {name}, the "
            f"rest of it hardly more than {limit:.4g}. Give a benign recording, or end before them "
            f"with --calibrate-minutes"
        )
    share = float(np.mean(score > before.value))
    if share > _MANY_ALARMS:
        logger.warning(
            "%s alarms on %.0f %% of the stretch: another vehicle, or one that is attacked all the "
            "time, which can't be told apart here",
            name,
            100.0 * share,
        )
    return ~far


def _raised(
    scorer: FrameScorer, name: str, score: NDArray[np.float64], asked: Threshold
) -> RaisedThreshold:
    before = scorer.thresholds[name]
    after = before
    if asked.value > before.value:
        after = replace(
            before,
            value=asked.value,
            benign_windows=asked.benign_windows,
            exact=asked.exact,
        )
    attacks = scorer.evidence[name].attack
    found = None
    if attacks.windows:
        found = (attacks.share_above(before.value), attacks.share_above(after.value))
    return RaisedThreshold(
        scorer=name,
        before=before,
        after=after,
        alarms=(float(np.mean(score > before.value)), float(np.mean(score > after.value))),
        found=found,
    )


def _with_profile(
    scorer: FrameScorer,
    frames: Frames,
    scored: ScoredWindows,
    kept: NDArray[np.bool_],
    vehicle: str,
) -> KnownVehicles | None:
    """The stored profiles, and one of this vehicle unless they know it.

    It is fitted on the first 70 % and gets its threshold from the rest.
    """
    known = scorer.own.vehicles
    if known is not None and (scored.score[ROW][len(scored) // 2 :] > SILENT).any():
        return known
    if np.ptp(frames.timestamp) < SHORTEST_FOR_PROFILE_S:
        logger.warning(
            "%s: no profile of this vehicle, %.0f s of its traffic are needed",
            vehicle,
            SHORTEST_FOR_PROFILE_S,
        )
        return known
    window = scorer.spec.window
    usual = np.zeros(len(frames), np.bool_)
    frame = scored.start[kept][:, None] + np.arange(window)
    usual[frame[frame < _FITTED_SHARE * len(frames)]] = True
    found = fit_profile(vehicle, [ProfileSource(frames=frames, usual=usual)])
    if found is None:
        logger.warning("%s: too few regular IDs for a profile of this vehicle", vehicle)
        return known
    return _joined(known, found, frames, scored.start[kept], scorer)


def _joined(
    known: KnownVehicles | None,
    profile: VehicleProfile,
    frames: Frames,
    start: NDArray[np.int64],
    scorer: FrameScorer,
) -> KnownVehicles:
    window = scorer.spec.window
    alone = KnownVehicles(
        profiles=(profile,),
        threshold=scorer.own.threshold,
        evidence=CalibrationEvidence(),
    )
    score = alone.score(frames, start, window)[start >= _FITTED_SHARE * len(frames)]
    threshold = profile_threshold(score, scorer.own.threshold.target_fpr)
    if known is None:
        evidence = CalibrationEvidence(benign=Margins.of(score))
        return replace(alone, threshold=threshold, evidence=evidence)
    higher = threshold if threshold.value > known.threshold.value else known.threshold
    return replace(known, profiles=(*known.profiles, profile), threshold=higher)


def _vehicles(
    profiled: KnownVehicles | None, raised: list[RaisedThreshold]
) -> KnownVehicles | None:
    """Profiles with the highest of what the stretch and they ask for."""
    if profiled is None:
        return None
    asked = [each.after for each in raised if each.scorer == ROW]
    highest = max([profiled.threshold, *asked], key=lambda threshold: threshold.value)
    return replace(profiled, threshold=highest)
