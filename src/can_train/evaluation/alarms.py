"""Detection as an occupant feels it: attacks found, how soon, and false alarms per hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.alarms.events import event_starts
from can_train.alarms.rate import poisson_upper
from can_train.alarms.rule import DEFAULT_RULE, AlarmRule, above_threshold
from can_train.evaluation.timeline import Timeline

LONG_EPISODE_S: Final = 10.0
"""Episodes of at least this length tell whether a score forgets an attack that goes on."""

COUNTS_AGAIN_S: Final = 10.0
"""A false event counts once more for each further such time that it lasts: who alarms all the
time would otherwise have a single one."""

_S_PER_HOUR: Final = 3600.0
_P95: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmMetrics:
    """Figures of one scorer with the alarm stage on; `None` where undefined.

    Attributes:
        episodes: Labelled attacks: attack frames at most 2 s apart are one.
        found_by_alarm: Episodes during which, or within 2 s after which, the alarm rule fired.
        found_by_notice: The same for any window above the threshold.
        delay_median_s: From the first attack frame to the last frame of the window that fired;
            over the episodes that were found by an alarm.
        delay_p95_s: Its 95th percentile.
        alarms_per_hour: False events per hour of benign time in which the alarm rule fired.
        alarms_per_hour_upper: Its upper 95 % bound, exact for Poisson counts.
        notices_per_hour: The same for all false events, of either severity.
        notices_per_hour_upper: Its upper 95 % bound.
        fpr_before: Benign windows above the threshold before the first attack of a recording.
        fpr_after: The same from 5 s after an attack to the next one.
        recall_first_third: Attack windows above the threshold in the first third of the time of
            episodes of at least 10 s.
        recall_last_third: The same in the last third.
    """

    episodes: int | None
    found_by_alarm: int | None
    found_by_notice: int | None
    delay_median_s: float | None
    delay_p95_s: float | None
    alarms_per_hour: float | None
    alarms_per_hour_upper: float | None
    notices_per_hour: float | None
    notices_per_hour_upper: float | None
    fpr_before: float | None
    fpr_after: float | None
    recall_first_third: float | None
    recall_last_third: float | None


ALARM_METRIC_NAMES: Final[tuple[str, ...]] = tuple(field.name for field in fields(AlarmMetrics))
UNDEFINED_ALARMS: Final = AlarmMetrics(**dict.fromkeys(ALARM_METRIC_NAMES))
"""Of windows whose labels say nothing, or that aren't all windows of their recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """`hits` of `total`."""

    hits: int
    total: int

    @property
    def share(self) -> float | None:
        """None of nothing."""
        return self.hits / self.total if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCounts:
    """What is counted in one recording, so that recordings can be pooled.

    Attributes:
        episodes: Number of attacks.
        noticed: Those with a window above the threshold.
        delays_s: Delay of each that was found by an alarm.
        false_alarms: False events in which the rule fired; long ones count repeatedly.
        false_notices: All false events.
        quiet_s: Benign time.
        before, after: Benign windows above the threshold before and after attacks.
        first_third, last_third: Attack windows above it in long episodes.
    """

    episodes: int
    noticed: int
    delays_s: tuple[float, ...]
    false_alarms: int
    false_notices: int
    quiet_s: float
    before: Ratio
    after: Ratio
    first_third: Ratio
    last_third: Ratio


def count_alarms(
    timeline: Timeline, score: ArrayLike, threshold: float, rule: AlarmRule = DEFAULT_RULE
) -> AlarmCounts:
    """Counts of one recording.

    Args:
        timeline: Its windows and attacks.
        score: Score of each window [B], higher is more suspicious.
        threshold: A window is above if its score > `threshold`.
        rule: When windows are an alarm.

    Raises:
        TrainingError: A score is NaN.
    """
    above = above_threshold(score, threshold)
    return count_fired(timeline, above, rule.fires(above, timeline.apart) & above)


def count_fired(
    timeline: Timeline, above: NDArray[np.bool_], fired: NDArray[np.bool_]
) -> AlarmCounts:
    """The same for any alarm stage.

    Args:
        timeline: The recording's windows and attacks.
        above: Windows above the threshold [B].
        fired: Those of them at which an alarm sounds [B].
    """
    false = timeline.quiet & above
    noticed = np.unique(timeline.near[above & (timeline.near >= 0)])
    first, last = (_in_third(timeline, above, third) for third in (0, 2))
    return AlarmCounts(
        episodes=len(timeline.episodes),
        noticed=len(noticed),
        delays_s=tuple(found_episodes(timeline, fired).values()),
        false_alarms=_false_events(timeline, false, fired),
        false_notices=_false_events(timeline, false, false),
        quiet_s=timeline.quiet_s,
        before=_ratio(above, timeline.before),
        after=_ratio(above, timeline.after),
        first_third=first,
        last_third=last,
    )


def alarm_metrics(counts: Iterable[AlarmCounts]) -> AlarmMetrics:
    """Figures of one or several recordings together."""
    parts = list(counts)
    delays_s = np.array([delay for part in parts for delay in part.delays_s])
    hours = sum(part.quiet_s for part in parts) / _S_PER_HOUR
    alarms = sum(part.false_alarms for part in parts)
    notices = sum(part.false_notices for part in parts)
    return AlarmMetrics(
        episodes=sum(part.episodes for part in parts),
        found_by_alarm=len(delays_s),
        found_by_notice=sum(part.noticed for part in parts),
        delay_median_s=float(np.median(delays_s)) if len(delays_s) else None,
        delay_p95_s=float(np.quantile(delays_s, _P95)) if len(delays_s) else None,
        alarms_per_hour=alarms / hours if hours > 0 else None,
        alarms_per_hour_upper=poisson_upper(alarms) / hours if hours > 0 else None,
        notices_per_hour=notices / hours if hours > 0 else None,
        notices_per_hour_upper=poisson_upper(notices) / hours if hours > 0 else None,
        fpr_before=_pooled([part.before for part in parts]),
        fpr_after=_pooled([part.after for part in parts]),
        recall_first_third=_pooled([part.first_third for part in parts]),
        recall_last_third=_pooled([part.last_third for part in parts]),
    )


def found_episodes(timeline: Timeline, fired: NDArray[np.bool_]) -> dict[int, float]:
    """Seconds from the begin of each episode that was found to the end of the window that fired.

    Args:
        timeline: The recording's windows and attacks.
        fired: Windows at which an alarm sounds [B].
    """
    at = np.flatnonzero(fired & (timeline.near >= 0))
    found, first = np.unique(timeline.near[at], return_index=True)
    delays_s = timeline.end_s[at[first]] - timeline.episodes.start_s[found]
    return dict(zip(found.tolist(), delays_s.tolist(), strict=True))


def _false_events(timeline: Timeline, false: NDArray[np.bool_], fired: NDArray[np.bool_]) -> int:
    """Events among the windows `false` [B] in which one of `fired` [B] lies."""
    at = np.flatnonzero(false)
    first = event_starts(timeline.start_s[at], timeline.end_s[at])
    if not len(first):
        return 0
    length_s = np.maximum.reduceat(timeline.end_s[at], first) - timeline.start_s[at[first]]
    counted = np.maximum(np.ceil(length_s / COUNTS_AGAIN_S), 1.0)
    return int(counted[np.logical_or.reduceat(fired[at], first)].sum())


def _in_third(timeline: Timeline, above: NDArray[np.bool_], third: int) -> Ratio:
    """Attack windows above the threshold in one third of the long episodes."""
    episodes = timeline.episodes
    at = np.flatnonzero(timeline.attack & (timeline.during >= 0))
    which = timeline.during[at]
    length_s = episodes.end_s[which] - episodes.start_s[which]
    middle_s = (timeline.start_s[at] + timeline.end_s[at]) / 2 - episodes.start_s[which]
    number = np.clip(np.floor(3 * middle_s / np.maximum(length_s, LONG_EPISODE_S)), 0, 2)
    inside = at[(length_s >= LONG_EPISODE_S) & (number == third)]
    return Ratio(hits=int(np.count_nonzero(above[inside])), total=len(inside))


def _ratio(above: NDArray[np.bool_], among: NDArray[np.bool_]) -> Ratio:
    return Ratio(hits=int(np.count_nonzero(above & among)), total=int(np.count_nonzero(among)))


def _pooled(parts: Iterable[Ratio]) -> float | None:
    found = list(parts)
    return Ratio(hits=sum(p.hits for p in found), total=sum(p.total for p in found)).share
