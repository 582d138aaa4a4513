"""What `detect` shows: a readable line, or one JSON object, for whatever happens."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from can_train.errors import counted

if TYPE_CHECKING:
    from can_train.streaming.detection import Alert, StreamSummary

_MOST_IDS: Final = 4
Record = dict[str, Any]


class Teller:
    """Writes each event where it was asked for; it is on disk before it is shown.

    Args:
        as_json: One JSON object per line on stdout.
        log: File that takes the same objects at its end; None: none does.
        scorer: Whose events they are.
    """

    def __init__(self, *, as_json: bool, log: Path | None, scorer: str) -> None:
        self._as_json, self._scorer = as_json, scorer
        self._log: IO[str] | None = None if log is None else log.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._log is not None:
            self._log.close()

    def alert(self, alert: Alert) -> None:
        """An event; a notice is shown to programs only."""
        line = alert_line(alert) if alert.event.severity == "alarm" else ""
        from can_train.scoring.alerts import alert_record

        self._write(alert_record(alert, self._scorer), line)

    def dropped(self, count: int, total: int) -> None:
        """Frames that had to go because scoring was too slow."""
        record = {"type": "dropped", "frames": count, "total": total}
        self._write(record, f"overload: dropped {counted(count, 'frame')}, {total:,} so far")

    def summary(self, summary: StreamSummary, dropped: int) -> None:
        """The end."""
        record = {"type": "summary", **asdict(summary), "dropped": dropped}
        self._write(record, summary_text(summary, dropped))

    def _write(self, record: Record, line: str) -> None:
        text = json.dumps(record, allow_nan=False)
        if self._log is not None:
            self._log.write(f"{text}\n")
            self._log.flush()
            os.fsync(self._log.fileno())
        if self._as_json or line:
            sys.stdout.write(f"{text if self._as_json else line}\n")
            sys.stdout.flush()


def alert_line(alert: Alert) -> str:
    """An event in a line."""
    from can_train.scoring.alerts import moment_text
    from can_train.scoring.documents import id_text
    from can_train.scoring.tables import because_of

    event, ids = alert.event, [id_text(each) for each in alert.event.ids]
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    who = f"IDs {', '.join(ids[:_MOST_IDS])}{more}" if ids else "IDs unknown"
    what = f"margin {event.peak_score:.3g}, p {alert.p_value:.2g}, {event.kind}, {who}"
    frames = f"frames {alert.first_frame:,} to {alert.stop_frame - 1:,}"
    frames += f", because of {because_of(alert.reasons)}" if alert.reasons else ""
    if alert.state == "alarm":
        return f"{moment_text(event.first_alarm_s or event.end_s)}  ALARM  {what}, {frames}"
    lasted = f"{event.end_s - event.start_s:.1f} s"
    return f"{moment_text(event.end_s)}  over   after {lasted}: {what}, {frames}"


def summary_text(summary: StreamSummary, dropped: int) -> str:
    """The end in two lines."""
    rate, speed = "", ""
    if summary.alarms_per_hour is not None and summary.alarms_per_hour_upper is not None:
        rate = (
            f" ({summary.alarms_per_hour:.3g} per hour, below {summary.alarms_per_hour_upper:.3g} "
            "with 95 % confidence)"
        )
    if summary.decision_ms is not None:
        median, high = summary.decision_ms
        speed = f"; per decision {median:.2g} ms, p99 {high:.2g} ms"
    return (
        f"{counted(summary.frames, 'frame')} in {summary.duration_s:,.1f} s, "
        f"{counted(summary.windows, 'window')}, dropped {dropped:,}{speed}\n"
        f"alarms {summary.alarms:,}{rate}, notices {summary.notices:,}"
    )
