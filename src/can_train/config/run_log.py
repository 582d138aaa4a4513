"""Lines of `logs/run.jsonl`: events to JSON and strictly back (stdlib only)."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from can_train.config.codec import from_plain, to_plain
from can_train.errors import ArtifactError, ConfigError
from can_train.runs.events import EVENTS, Event
from can_train.runs.layout import run_log

_WORDS: Final = {kind: word for word, kind in EVENTS.items()}
_TIME: Final = "time"
_EVENT: Final = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An event and when it was written, in seconds since 1970."""

    time: float
    event: Event


def append_event(run: Path, event: Event) -> None:
    """Appends one event to the run's file; it is with the system when this returns."""
    path = run_log(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        _drop_half_a_line(file)
        file.write(_line(event).encode("ascii") + b"\n")


def _drop_half_a_line(file: IO[bytes]) -> None:
    """Removes what a killed worker left: it would spoil the next line."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - 1))
    if file.read() not in {b"", b"\n"}:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _line(event: Event) -> str:
    document = to_plain(event, type(event))
    if not isinstance(document, dict):
        raise TypeError(f"{event!r} isn't an event")
    head = {_TIME: round(time.time(), 3), _EVENT: _WORDS[type(event)]}
    return json.dumps({**head, **document}, allow_nan=False)


def read_events(run: Path) -> list[Logged]:
    """All events of a run that are whole, in their order; none if it hasn't begun.

    A worker that is killed while it writes leaves half a line, which isn't taken.

    Raises:
        ArtifactError: A line is damaged, or of another version.
    """
    path = run_log(run)
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_logged(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _logged(line: bytes, where: str) -> Logged:
    try:
        raw = json.loads(line)
        when, word = raw.pop(_TIME), raw.pop(_EVENT)
        return Logged(time=float(when), event=from_plain(EVENTS[word], raw, where))
    except (ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise ArtifactError(
            f"{where}: not an event of this version ({error}). "
            "Give the training command again with --force"
        ) from error
