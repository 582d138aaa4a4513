"""Stopping a plan: whatever comes at whatever time, no worker is left behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from can_train.errors import EXIT_INTERRUPTED, PreflightError
from can_train.jobs.display import PlainDisplay
from can_train.jobs.job import Job
from can_train.jobs.local.runner import LocalRunner
from can_train.runs.process import is_alive, this_process
from can_train.runs.state import RunStatus, read_status, write_status

STUBBORN = """
import signal, sys, time
from pathlib import Path
from can_train.runs.state import owned, start_running
run = Path(sys.argv[1]).parent.parent
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with owned(run):
    start_running(run)
    time.sleep(60)
"""
GENTLE = STUBBORN.replace("signal.SIG_IGN", "signal.SIG_DFL")
FINISHED = (
    STUBBORN.replace("time.sleep(60)", "end_running(run, 'finished'); time.sleep(60)")
    .replace("signal.SIG_IGN", "signal.SIG_DFL")
    .replace("import owned", "import end_running, owned")
)
SCRIPT = """
import sys
from pathlib import Path
from can_train.jobs.job import Job
from can_train.jobs.local.runner import LocalRunner
run = Path(sys.argv[2])
job = Job(number=1, name="gat", title="stage 1", run_dir=run, frozen=run / "configs" / "f.json",
          depends_on=())
results = LocalRunner((sys.executable, "-c", sys.argv[1])).run([job])
sys.exit(results[0].exit_code)
"""


def job(root: Path, number: int, *needs: int) -> Job:
    run = root / f"run{number}"
    (run / "configs").mkdir(parents=True)
    frozen = run / "configs" / "f.json"
    return Job(
        number=number,
        name="gat",
        title=f"stage {number}",
        run_dir=run,
        frozen=frozen,
        depends_on=needs,
    )


def running(run: Path) -> RunStatus:
    while (status := read_status(run)) is None or status.state != "running":
        time.sleep(0.02)
    return status


def gone(status: RunStatus) -> bool:
    assert status.process is not None
    for _ in range(100):
        if not is_alive(status.process):
            return True
        time.sleep(0.05)
    return False


def interrupting(run: Path, times: int) -> threading.Thread:
    def interrupt() -> None:
        running(run)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)

    return threading.Thread(target=interrupt)


def execute(root: Path, worker: str) -> Callable[[list[Job]], list[tuple[str, int]]]:
    display = PlainDisplay(io.StringIO(), io.StringIO())
    runner = LocalRunner((sys.executable, "-c", worker), display)
    return lambda jobs: [(r.outcome, r.exit_code) for r in runner.run(jobs)]


def test_a_second_interrupt_kills_a_worker_that_does_not_end(tmp_path: Path) -> None:
    jobs = [job(tmp_path, 1), job(tmp_path, 2, 1)]
    thread = interrupting(jobs[0].run_dir, times=2)
    thread.start()
    started = time.monotonic()
    outcomes = execute(tmp_path, STUBBORN)(jobs)
    thread.join()
    assert time.monotonic() - started < 8
    assert outcomes == [("cancelled", EXIT_INTERRUPTED), ("blocked", EXIT_INTERRUPTED)]
    status = read_status(jobs[0].run_dir)
    assert status is not None and status.state == "cancelled" and gone(status)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_signals_that_the_caller_ignores_stay_ignored(
    tmp_path: Path, number: signal.Signals
) -> None:
    run = job(tmp_path, 1).run_dir
    launcher = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, GENTLE, str(run)],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN),  # as nohup and `&` do
    )
    status = running(run)
    launcher.send_signal(number)
    time.sleep(0.5)
    assert launcher.poll() is None
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(20) == EXIT_INTERRUPTED
    assert gone(status)


def test_a_closed_stdout_leaves_no_worker_behind(tmp_path: Path) -> None:
    run = job(tmp_path, 1).run_dir
    worker = GENTLE.replace(
        "    time.sleep(60)",
        "    from can_train.runs.state import update_progress\n"
        "    for epoch in range(1, 600):\n"
        "        update_progress(run, epoch=epoch, epochs=600)\n"
        "        time.sleep(0.1)",
    )
    reading, writing = os.pipe()
    launcher = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, worker, str(run)], stdout=writing, stderr=writing
    )
    os.close(writing)
    status = running(run)
    os.close(reading)
    assert launcher.wait(20) != 0
    assert gone(status)


def test_a_second_launcher_does_not_touch_the_runs_of_the_first(tmp_path: Path) -> None:
    """The child below stands for the first launcher: it lives and has announced both runs."""
    jobs = [job(tmp_path, 1), job(tmp_path, 2, 1)]
    script = "from can_train.runs.process import this_process; import json, sys, time; " \
        "from dataclasses import asdict; print(json.dumps(asdict(this_process())), flush=True); " \
        "time.sleep(60)"  # fmt: skip
    first = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    from json import loads

    from can_train.runs.process import Process

    announced = RunStatus(state="pending", process=Process(**loads(first.stdout.readline())))
    write_status(jobs[1].run_dir, announced)
    with pytest.raises(PreflightError, match=f"pid {first.pid} on .* works on run run2"):
        execute(tmp_path, GENTLE)(jobs)
    assert read_status(jobs[0].run_dir) is None
    assert read_status(jobs[1].run_dir) == announced
    first.kill()
    first.communicate()
    assert announced.process != this_process()


def test_a_stage_that_finished_just_before_stays_finished(tmp_path: Path) -> None:
    """Its worker has written that it finished when the signal comes, and hasn't ended yet."""
    one = job(tmp_path, 1)
    out = io.StringIO()
    runner = LocalRunner((sys.executable, "-c", FINISHED), PlainDisplay(out, io.StringIO()))

    def stop() -> None:
        while (status := read_status(one.run_dir)) is None or status.state != "finished":
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    with pytest.raises(KeyboardInterrupt):
        runner.run([one])
    status = read_status(one.run_dir)
    assert status is not None and status.state == "finished"
    assert "cancelled" not in out.getvalue()
