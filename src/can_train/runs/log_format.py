"""How logs are written: lines for people, or one JSON object per line (stdlib only).

The format is no part of a run's identity. It is passed on to workers by an environment variable.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO, get_args

from can_train.errors import ConfigError
from can_train.runs.passed_on import LOG_FORMAT

LogFormat = Literal["text", "json"]
LOG_FORMATS: Final[tuple[str, ...]] = get_args(LogFormat)


def log_format(environ: Mapping[str, str] = os.environ) -> LogFormat:
    """The format that was asked for: `text` unless `$CAN_TRAIN_LOG_FORMAT` says `json`.

    Raises:
        ConfigError: It says something else.
    """
    found = environ.get(LOG_FORMAT) or "text"
    if found not in LOG_FORMATS:
        raise ConfigError(f"${LOG_FORMAT}: {found}. Allowed: {', '.join(LOG_FORMATS)}")
    return "json" if found == "json" else "text"


class JsonLines(logging.Formatter):
    """One JSON object per record: `time`, `level`, `message`, `logger`, `traceback` if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        more = {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}
        level, name = record.levelname.lower(), record.name
        return json_line(record.created, level, record.getMessage(), {"logger": name, **more})


def json_line(when: float, level: str, message: str, more: Mapping[str, object]) -> str:
    """One line of a log, without its end.

    Args:
        when: Seconds since 1970.
        level: How much it matters: info, warning, error.
        message: The text.
        more: Further keys.
    """
    time = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "level": level, "message": message, **more})


def set_up_logging(stream: TextIO, text: str, level: int) -> None:
    """Writes what is logged to `stream`.

    Args:
        stream: Where to.
        text: Format of a line for people, as `logging` takes it.
        level: From which level on.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if log_format() == "json" else logging.Formatter(text))
    logging.basicConfig(handlers=[handler], level=level)
