"""Ownership and state of a run, with real processes that really die."""

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.errors import ArtifactError, PreflightError
from can_train.files import SEAL
from can_train.runs.layout import owner_path, status_path
from can_train.runs.process import is_alive, this_process
from can_train.runs.state import (
    RunStatus,
    acquire,
    current_status,
    end_running,
    living_owner,
    owned,
    read_owner,
    read_status,
    record_parents,
    start_running,
    update_progress,
    write_status,
)

OWN_AND_WAIT = """
import sys, time
from pathlib import Path
from can_train.runs.state import acquire, start_running, update_progress
run = Path(sys.argv[1])
acquire(run)
start_running(run)
update_progress(run, epoch=3, epochs=10, metric="val_loss", value=0.5)
print("ready", flush=True)
time.sleep(60)
"""
RACE = """
import sys, time
from pathlib import Path
from can_train.errors import PreflightError
from can_train.runs.state import acquire
print("ready", flush=True)
sys.stdin.readline()
try:
    acquire(Path(sys.argv[1]))
except PreflightError:
    print("refused", flush=True)
else:
    print("owner", flush=True)
sys.stdin.readline()
"""


def start(script: str, run: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_living_owner_refuses_others_and_is_named(tmp_path: Path) -> None:
    process = start(OWN_AND_WAIT, tmp_path)
    with pytest.raises(PreflightError, match=f"is being trained by pid {process.pid} on "):
        acquire(tmp_path)
    kill(process)


def test_a_killed_owner_is_replaced(tmp_path: Path) -> None:
    process = start(OWN_AND_WAIT, tmp_path)
    kill(process)
    assert living_owner(tmp_path) is None
    with owned(tmp_path):
        assert read_owner(tmp_path) == this_process()
    assert not owner_path(tmp_path).exists()


def test_a_killed_run_counts_as_failed_and_keeps_its_progress(tmp_path: Path) -> None:
    process = start(OWN_AND_WAIT, tmp_path)
    running = current_status(tmp_path)
    assert running is not None and running.state == "running"
    os.kill(process.pid, signal.SIGKILL)  # not reaped yet: a zombie is dead, too
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    status = current_status(tmp_path)
    assert status is not None
    assert (status.state, status.message) == ("failed", f"process died (pid {process.pid})")
    assert (status.epoch, status.epochs, status.metric, status.value) == (3, 10, "val_loss", 0.5)
    process.communicate()


@pytest.mark.parametrize("stale", [False, True])
def test_only_one_of_many_processes_becomes_owner(tmp_path: Path, stale: bool) -> None:
    if stale:
        kill(start(OWN_AND_WAIT, tmp_path))
    processes = [start(RACE, tmp_path) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.stdout.readline().strip() for process in processes if process.stdout]
    for process in processes:
        process.communicate("end\n")
    assert sorted(answers) == ["owner", "refused", "refused", "refused"]


def test_another_boot_or_start_time_means_dead_and_another_host_alive() -> None:
    me = this_process()
    assert is_alive(me)
    assert not is_alive(replace(me, boot_id="0"))
    assert not is_alive(replace(me, start_ticks=me.start_ticks - 1))
    assert is_alive(replace(me, host="elsewhere", pid=1))


def test_states_keep_what_was_known(tmp_path: Path) -> None:
    start_running(tmp_path)
    record_parents(tmp_path, {"teacher": "ab"})
    update_progress(tmp_path, epoch=1, epochs=2)
    end_running(tmp_path, "finished", exit_code=0)
    status = read_status(tmp_path)
    assert status is not None
    assert (status.state, status.parents, status.epoch) == ("finished", {"teacher": "ab"}, 1)


def test_pending_of_a_dead_launcher_is_failed(tmp_path: Path) -> None:
    dead = replace(this_process(), boot_id="0")
    write_status(tmp_path, RunStatus(state="pending", process=dead))
    status = current_status(tmp_path)
    assert status is not None and status.state == "failed"
    assert "its launcher died before it started" in status.message


def test_a_damaged_status_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    status_path(tmp_path).write_text("{")
    with pytest.raises(ArtifactError, match="status.json: not JSON"):
        read_status(tmp_path)
    status_path(tmp_path).write_text('{"state": "asleep"}')
    with pytest.raises(ArtifactError, match="not a status of this version"):
        read_status(tmp_path)


def test_an_edited_status_is_an_error_and_one_without_a_seal_is_taken(tmp_path: Path) -> None:
    update_progress(tmp_path, epoch=1, epochs=9, metric="val_loss", value=math.nan)
    path = status_path(tmp_path)
    assert read_status(tmp_path) is not None
    path.write_text(path.read_text().replace('"epoch": 1', '"epoch": 2'))
    with pytest.raises(ArtifactError, match=r"status.json: changed since it was written. Remove"):
        read_status(tmp_path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in document.items() if k != SEAL}))
    status = read_status(tmp_path)
    assert status is not None and status.epoch == 2
