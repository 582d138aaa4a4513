"""A wish to stop: made in a signal handler, seen by whoever asks, in its process only."""

from __future__ import annotations

import subprocess
import sys

from can_train.runs.stop import stop_requested

SCRIPT = """
import os, signal
from can_train.runs.stop import request_stop, stop_requested
signal.signal(signal.SIGUSR1, lambda number, frame: request_stop())
print(stop_requested())
os.kill(os.getpid(), signal.SIGUSR1)
print(stop_requested())
request_stop()
print(stop_requested())
"""


def test_a_signal_handler_makes_the_wish_of_its_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "True"]
    assert not stop_requested()
