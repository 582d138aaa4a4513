"""Events of a stream as programs and pages take them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from can_train.scoring.documents import id_text, reason_record
from can_train.streaming.detection import Alert

_CALENDAR_S: Final = 1e9
"""From here on a timestamp is one of this century, before it one of a recorder's own clock."""


def alert_record(alert: Alert, scorer: str) -> dict[str, Any]:
    """An event as a JSON object; times in seconds as in the stream."""
    event = asdict(alert.event)
    return {
        "type": alert.state,
        "scorer": scorer,
        **event,
        "ids": [id_text(each) for each in alert.event.ids],
        "p_value": alert.p_value,
        "frames": [alert.first_frame, alert.stop_frame],
        "reasons": [reason_record(reason) for reason in alert.reasons],
    }


def moment_text(seconds: float) -> str:
    """When: a date with its time, or seconds of a recorder's own clock."""
    if seconds >= _CALENDAR_S:
        with suppress(OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"{seconds:.3f} s"
