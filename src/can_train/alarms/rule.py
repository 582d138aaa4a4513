"""When windows become an alarm: at least k of the last n that share no frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.errors import ConfigError, TrainingError

Severity = Literal["quiet", "notice", "alarm"]
SEVERITIES: Final[tuple[Severity, ...]] = ("quiet", "notice", "alarm")
"""From harmless to serious; arrays of severities hold indices into it."""

NOTICE: Final = SEVERITIES.index("notice")
ALARM: Final = SEVERITIES.index("alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """Alarms while at least `k` of the last `n` windows are above the threshold.

    The defaults found most attacks within the budget of false alarms on folds and synthetic
    recordings (docs/concepts/alarms.md).

    Attributes:
        k: Windows above the threshold that make an alarm.
        n: Windows that are looked back on, the current one included.

    Raises:
        ConfigError: Not 1 <= k <= n.
    """

    k: int = 2
    n: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n:
            raise ConfigError(
                f"an alarm at {self.k} of the last {self.n} windows can't be. Allowed: whole "
                f"numbers k and n with 1 <= k <= n, such as 2 of 10"
            )

    def __str__(self) -> str:
        """As people say it."""
        return f"{self.k} of {self.n}"

    def fires(self, above: NDArray[np.bool_], apart: int = 1) -> NDArray[np.bool_]:
        """Where the rule holds [B], from the windows up to each one alone.

        Args:
            above: Whether the windows of one recording are above the threshold [B], by time.
            apart: Windows from one to the next that shares no frame with it (`windows_apart`):
                every `apart`-th one counts, so that a frame counts once.
        """
        rows = -(-len(above) // apart)
        lanes = np.zeros((rows, apart), np.int64)
        lanes.reshape(-1)[: len(above)] = above
        seen = np.cumsum(lanes, axis=0)
        seen[self.n :] -= seen[: -self.n].copy()
        return seen.reshape(-1)[: len(above)] >= self.k


DEFAULT_RULE: Final = AlarmRule()


def windows_apart(window: int, stride: int) -> int:
    """Windows from one to the next that shares no frame with it.

    Args:
        window: Frames per window.
        stride: Frames between window starts.
    """
    return -(-window // stride)


def severities_of(
    score: ArrayLike, threshold: float, rule: AlarmRule = DEFAULT_RULE, apart: int = 1
) -> NDArray[np.int8]:
    """Severity of each window of one recording, as an index into `SEVERITIES` [B], int8.

    `alarm` while the rule holds, also at a window that isn't above the threshold itself; `notice`
    where a window is above and the rule doesn't hold.

    Args:
        score: Scores by time [B], higher is more suspicious.
        threshold: A window is above if its score > `threshold`.
        rule: When windows are an alarm.
        apart: Windows from one to the next that shares no frame with it.

    Raises:
        TrainingError: A score is NaN.
    """
    above = above_threshold(score, threshold)
    return np.where(rule.fires(above, apart), ALARM, above * NOTICE).astype(np.int8)


def above_threshold(score: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Whether scores [B] are above the threshold [B].

    Raises:
        TrainingError: One is NaN.
    """
    scores = np.asarray(score, np.float64)
    bad = int(np.count_nonzero(np.isnan(scores)))
    if bad:
        raise TrainingError(
            f"alarms: {bad} of {scores.size} window scores are NaN: the model diverged. "
            f"Train it again with a lower --learning-rate"
        )
    return scores > threshold


class AlarmStage:
    """The same window by window, as a stream brings them; one for each recording.

    Args:
        threshold: A window is above if its score > `threshold`.
        rule: When windows are an alarm.
        apart: Windows from one to the next that shares no frame with it.
    """

    def __init__(self, threshold: float, rule: AlarmRule = DEFAULT_RULE, apart: int = 1) -> None:
        self.threshold = threshold
        self.rule = rule
        self._lanes = deque(deque((False,), maxlen=rule.n) for _ in range(apart))

    def update(self, score: float) -> Severity:
        """Severity after the next window.

        Raises:
            TrainingError: The score is NaN.
        """
        if score != score:
            above_threshold(score, self.threshold)  # says what is wrong
        above = score > self.threshold
        lane = self._lanes[0]
        lane.append(above)
        self._lanes.rotate(-1)
        if sum(lane) >= self.rule.k:
            return "alarm"
        return "notice" if above else "quiet"
