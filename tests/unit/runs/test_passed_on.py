"""What goes on to workers, and into job scripts."""

from __future__ import annotations

import subprocess

from can_train.runs.passed_on import exports


def test_a_shell_exports_what_was_set_and_nothing_else() -> None:
    uri = "http://user:p'a$s@host:5000/"
    lines = exports({"MLFLOW_TRACKING_URI": uri, "CAN_TRAIN_LOG_FORMAT": "json", "HOME": "/"})
    script = "\n".join([*lines, 'printf "%s " "$MLFLOW_TRACKING_URI" "$CAN_TRAIN_LOG_FORMAT"'])
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == f"{uri} json "
    assert exports({}) == ()
