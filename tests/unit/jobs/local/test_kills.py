"""A worker that the kernel killed for its memory is told from one that somebody killed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from can_train.jobs.display import PlainDisplay
from can_train.jobs.local import kills
from can_train.jobs.local.kills import memory_kills
from can_train.jobs.local.runner import LocalRunner
from tests.unit.jobs.local.test_runner import job

KILLED = """
import os, signal, sys
from pathlib import Path
counter = Path(sys.argv[1])
counter.write_text("nr_free 1\\noom_kill 4\\n" if sys.argv[2] == "kernel" else counter.read_text())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("who", "message"), [("kernel", "out of memory"), ("somebody", "killed by SIGKILL")]
)
def test_a_kill_for_memory_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, message: str
) -> None:
    counter = tmp_path / "vmstat"
    counter.write_text("nr_free 1\noom_kill 3\n")
    monkeypatch.setattr(kills, "VMSTAT", counter)
    command = (sys.executable, "-c", KILLED, str(counter), who)
    (result,) = LocalRunner(command, PlainDisplay(sys.stdout, sys.stderr)).run(
        [job(tmp_path, 1, "die")]
    )
    assert (result.outcome, result.message) == ("failed", message)


def test_other_signals_and_kernels_that_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory_kills() >= 0
    monkeypatch.setattr(kills, "VMSTAT", tmp_path / "none")
    assert memory_kills() == 0
    assert kills.how_it_was_killed(signal.SIGSEGV, -1) == "killed by SIGSEGV"
