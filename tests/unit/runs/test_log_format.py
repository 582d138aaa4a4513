"""Logs as lines for people or as JSON."""

from __future__ import annotations

import io
import json
import logging

import pytest

from can_train.errors import ConfigError
from can_train.jobs.display import display_for
from can_train.jobs.job import Job
from can_train.runs.log_format import JsonLines, log_format
from can_train.runs.passed_on import LOG_FORMAT
from can_train.runs.state import RunStatus


def test_a_format_is_text_unless_said_otherwise() -> None:
    assert log_format({}) == log_format({LOG_FORMAT: ""}) == "text"
    assert log_format({LOG_FORMAT: "json"}) == "json"
    with pytest.raises(ConfigError, match="yaml. Allowed: text, json"):
        log_format({LOG_FORMAT: "yaml"})


def test_a_record_is_one_line_with_its_traceback() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        trace = (type(error), error, error.__traceback__)
    record = logging.LogRecord("can_train", logging.ERROR, "x", 1, "bad %d", (3,), trace)
    line = JsonLines().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["message"], found["logger"]) == ("error", "bad 3", "can_train")
    assert found["traceback"].endswith("ValueError: a\nb")


def test_progress_of_stages_is_json_as_well(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_FORMAT, "json")
    out, talk = io.StringIO(), io.StringIO()
    job = Job(
        number=1, name="gat", title="stage 1", run_dir=tmp_path, frozen=tmp_path, depends_on=()
    )
    with display_for(out, talk) as display:
        display.line("running: stage 1")
        for _ in range(2):
            display.progress(job, RunStatus(state="running", epoch=2, epochs=5))
    assert out.getvalue() == ""
    first, second = map(json.loads, talk.getvalue().splitlines())
    assert first["message"] == "running: stage 1"
    assert (second["run"], second["epoch"], second["epochs"]) == (tmp_path.name, 2, 5)
