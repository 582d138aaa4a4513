"""Ends workers of this machine with everything they started, and counts wishes to do so."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any, Final

POLL_S: Final = 0.1
"""How often a stage's status is looked at; epochs shorter than this aren't all shown."""

STOP_S: Final = 10.0
"""How long a stage may take to end after SIGTERM before it is killed."""


def wait_briefly(worker: subprocess.Popen[bytes]) -> None:
    """Waits for a worker, but not longer than a look at its status may wait."""
    try:
        worker.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return


def stop_workers(workers: Sequence[subprocess.Popen[bytes]], stop: StopSignals) -> None:
    """Ends the workers and everything they started; a further signal kills them at once."""
    asked, deadline = stop.count, time.monotonic() + STOP_S
    alive = [worker for worker in workers if worker.poll() is None]
    for worker in alive:
        end_group(worker, signal.SIGTERM)
    while alive and stop.count == asked and time.monotonic() < deadline:
        wait_briefly(alive[0])
        alive = [worker for worker in alive if worker.poll() is None]
    for worker in alive:
        end_group(worker, signal.SIGKILL)
        worker.wait()


def end_group(worker: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Sends a signal to a worker and all that it started; one that is gone gets none."""
    try:
        os.killpg(worker.pid, number)
    except ProcessLookupError:
        return


class StopSignals:
    """Counts Ctrl-C, SIGTERM and SIGHUP within the block.

    A handler that raised could do so between the start of a worker and the code that ends it.
    What the caller ignores stays ignored: `nohup can-train pipeline …` outlives its terminal.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._count)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
