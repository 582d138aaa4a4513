"""The local runner with real processes that finish, fail, are killed and are interrupted."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.jobs.display import PlainDisplay
from can_train.jobs.job import Job, JobResult
from can_train.jobs.local.runner import LocalRunner
from can_train.runs.state import current_status, read_status

WORKER = """
import os, signal, sys, time
from pathlib import Path
from can_train.runs.state import end_running, owned, start_running, update_progress
run = Path(sys.argv[1]).parent.parent
what = Path(sys.argv[1]).read_text()
with owned(run):
    start_running(run)
    print("out of", run.name)
    print("err of", run.name, file=sys.stderr)
    update_progress(run, epoch=1, epochs=2, metric="val_loss", value=0.25)
    time.sleep(0.3)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "fail":
        end_running(run, "failed", exit_code=6, message="the teacher is damaged")
        sys.exit(6)
    if what == "crash":
        sys.exit(1)
    if what == "silent":
        sys.exit(0)
    if what == "hang":
        time.sleep(60)
    end_running(run, "finished", exit_code=0)
"""


def job(root: Path, number: int, what: str, *needs: int) -> Job:
    run = root / f"run{number}"
    (run / "configs").mkdir(parents=True, exist_ok=True)
    frozen = run / "configs" / "frozen.json"
    frozen.write_text(what)
    return Job(
        number=number,
        name="vgae",
        title=f"stage {number}",
        run_dir=run,
        frozen=frozen,
        depends_on=needs,
    )


class Shown:
    """An runner whose worker is the script above, and what it showed."""

    def __init__(self) -> None:
        self.out, self.talk = io.StringIO(), io.StringIO()
        command = (sys.executable, "-c", WORKER)
        self.runner = LocalRunner(command, PlainDisplay(self.out, self.talk))


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_stages_run_in_order_with_their_own_logs(tmp_path: Path, shown: Shown) -> None:
    results = shown.runner.run([job(tmp_path, 1, "ok"), job(tmp_path, 2, "ok", 1)])
    assert [r.outcome for r in results] == ["finished", "finished"]
    logs = tmp_path / "run2" / "slurm_logs"
    assert (logs / "vgae_local.out").read_text() == "out of run2\n"
    assert (logs / "vgae_local.err").read_text() == "err of run2\n"
    assert "stage 1: epoch 1/2 val_loss 0.25\n" in shown.talk.getvalue()


def test_finished_runs_are_reused_and_said_so(tmp_path: Path, shown: Shown) -> None:
    shown.runner.run([job(tmp_path, 1, "ok")])
    (result,) = shown.runner.run([job(tmp_path, 1, "fail")])
    assert result.outcome == "reused"
    assert "reused: stage 1, run run1\n" in shown.out.getvalue()


class Feed:
    """Gives a job that hangs, and another when it was given up."""

    def __init__(self, root: Path) -> None:
        self.jobs = [job(root, 1, "hang"), job(root, 2, "ok")]
        self.given = 0

    def more(self, results: Mapping[int, JobResult]) -> Sequence[Job]:
        if self.given > len(results) or self.given == len(self.jobs):
            return ()
        self.given += 1
        return self.jobs[self.given - 1 : self.given]

    def unwanted(self) -> Mapping[int, str]:
        status = read_status(self.jobs[0].run_dir)
        trained = status is not None and status.state == "running" and status.epoch == 1
        return {1: "pruned: hopeless"} if trained else {}


def test_jobs_come_one_after_another_and_are_given_up(tmp_path: Path, shown: Shown) -> None:
    results = shown.runner.run((), Feed(tmp_path))
    assert [r.outcome for r in results] == ["cancelled", "finished"]
    status = read_status(tmp_path / "run1")
    assert status is not None and (status.state, status.message) == (
        "cancelled", "pruned: hopeless",
    )  # fmt: skip
    assert "stage 1: pruned: hopeless\n" in shown.out.getvalue()


@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        ("die", 1, "killed by SIGKILL"),
        ("fail", 6, "the teacher is damaged"),
        ("crash", 1, "its process ended with exit code 1 without finishing"),
        ("silent", 1, "its process ended with exit code 0 without finishing"),
    ],
)
def test_a_failing_stage_blocks_its_descendants_only(
    tmp_path: Path, shown: Shown, what: str, code: int, message: str
) -> None:
    jobs = [job(tmp_path, 1, what), job(tmp_path, 2, "ok", 1), job(tmp_path, 3, "ok", 2),
            job(tmp_path, 4, "ok")]  # fmt: skip
    results = shown.runner.run(jobs)
    assert [r.outcome for r in results] == ["failed", "blocked", "blocked", "finished"]
    assert (results[0].exit_code, results[0].message) == (code, message)
    failed, blocked = read_status(tmp_path / "run1"), read_status(tmp_path / "run2")
    assert failed is not None and (failed.state, failed.message) == ("failed", message)
    assert blocked is not None and (blocked.state, blocked.message) == (
        "blocked",
        "it needs stage 1",
    )
    assert "never started: stage 2: it needs stage 1" in shown.out.getvalue()
    assert not (tmp_path / "run2" / "slurm_logs").exists()


def test_a_stage_that_died_runs_again(tmp_path: Path, shown: Shown) -> None:
    shown.runner.run([job(tmp_path, 1, "die")])
    (result,) = shown.runner.run([job(tmp_path, 1, "ok")])
    assert result.outcome == "finished"
    log = (tmp_path / "run1" / "slurm_logs" / "vgae_local.out").read_text()
    assert log == "out of run1\n" * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_worker_and_cancels_the_rest(
    tmp_path: Path, shown: Shown, number: signal.Signals
) -> None:
    def interrupt() -> None:
        while not (status := read_status(tmp_path / "run1")) or status.state != "running":
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    results = shown.runner.run([job(tmp_path, 1, "hang"), job(tmp_path, 2, "ok", 1)])
    thread.join()
    assert [r.outcome for r in results] == ["cancelled", "blocked"]
    cancelled = current_status(tmp_path / "run1")
    assert cancelled is not None and cancelled.state == "cancelled"
    assert cancelled.process is not None
    with pytest.raises(ProcessLookupError):
        os.kill(cancelled.process.pid, 0)


def test_runs_of_a_killed_launcher_dont_stay_pending(tmp_path: Path) -> None:
    jobs = [job(tmp_path, 1, "hang"), job(tmp_path, 2, "ok", 1)]
    script = (
        "import sys; from pathlib import Path; from can_train.jobs.job import Job; "
        "from can_train.jobs.local.runner import LocalRunner; root = Path(sys.argv[2]); "
        "jobs = [Job(number=n, name='vgae', title=str(n), run_dir=root / f'run{n}', "
        "depends_on=(1,)[: n - 1], frozen=root / f'run{n}' / 'configs' / 'frozen.json') "
        "for n in (1, 2)]; "
        "LocalRunner((sys.executable, '-c', sys.argv[1])).run(jobs)"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", script, WORKER, str(tmp_path)], stdout=subprocess.DEVNULL
    )
    while (status := read_status(jobs[0].run_dir)) is None or status.state != "running":
        time.sleep(0.02)
    launcher.kill()
    launcher.wait()
    pending = current_status(jobs[1].run_dir)
    assert pending is not None and pending.state == "failed"
    assert status.process is not None
    os.kill(status.process.pid, signal.SIGKILL)


def test_independent_jobs_run_side_by_side_where_the_cpus_allow(tmp_path: Path) -> None:
    jobs = [job(tmp_path, 1, "ok"), job(tmp_path, 2, "ok"), job(tmp_path, 3, "ok", 1, 2)]
    out = io.StringIO()
    LocalRunner((sys.executable, "-c", WORKER), PlainDisplay(out, io.StringIO())).run(jobs)
    lines = [line.partition(",")[0] for line in out.getvalue().splitlines()]
    together = len(os.sched_getaffinity(0)) > 1
    assert (lines[:2] == ["running: stage 1", "running: stage 2"]) is together
    assert lines[-2:] == ["running: stage 3", "finished: stage 3"]


def test_jobs_that_fill_the_machine_wait_for_each_other(tmp_path: Path) -> None:
    cpus = len(os.sched_getaffinity(0))
    jobs = [replace(job(tmp_path, n, "ok"), threads=cpus) for n in (1, 2)]
    out = io.StringIO()
    LocalRunner((sys.executable, "-c", WORKER), PlainDisplay(out, io.StringIO())).run(jobs)
    assert [line.partition(",")[0] for line in out.getvalue().splitlines()] == [
        "running: stage 1", "finished: stage 1", "running: stage 2", "finished: stage 2",
    ]  # fmt: skip


def test_as_many_as_were_asked_for_run_at_once_whatever_the_cpus(tmp_path: Path) -> None:
    threads = len(os.sched_getaffinity(0))
    jobs = [replace(job(tmp_path, n, "ok"), threads=threads) for n in (1, 2, 3)]
    out = io.StringIO()
    command = (sys.executable, "-c", WORKER)
    LocalRunner(command, PlainDisplay(out, io.StringIO()), at_once=2).run(jobs)
    lines = [line.partition(",")[0] for line in out.getvalue().splitlines()]
    assert lines[:2] == ["running: stage 1", "running: stage 2"]
    assert lines[2].startswith("finished: ") and lines.index("running: stage 3") > 2
