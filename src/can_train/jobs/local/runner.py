"""Runs a plan on this machine: one process per stage, independent ones side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from can_train.errors import EXIT_INTERRUPTED, PreflightError, raise_all
from can_train.jobs.display import Display, display_for
from can_train.jobs.executor import HERE
from can_train.jobs.job import Job, JobFeed, JobResult
from can_train.jobs.local.kills import how_it_was_killed, memory_kills
from can_train.jobs.local.stopping import StopSignals, end_group, stop_workers, wait_briefly
from can_train.runs.layout import stage_logs
from can_train.runs.process import Process, this_process
from can_train.runs.state import RunStatus, claimant, end_running, read_status, write_status

STOPPED: Final = "stopped by the user"


def worker_command() -> tuple[str, ...]:
    """Command that runs one stage; the path of the frozen config follows it."""
    return (sys.executable, "-P", "-m", "can_train", "run", "--frozen-config")


class LocalRunner:
    """Runs the jobs of one plan.

    Args:
        command: Start of the worker's command line, to which the frozen config is added.
        display: Where progress is shown; absent: the terminal, or lines.
        at_once: Most jobs at the same time; None: as many as the CPUs allow.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        display: Display | None = None,
        at_once: int | None = None,
    ) -> None:
        self._at_once = at_once
        self._reused: frozenset[int] = frozenset()
        self._command = tuple(command) if command is not None else worker_command()
        self._display = display if display is not None else display_for(sys.stdout, sys.stderr)

    def run(self, jobs: Sequence[Job], feed: JobFeed | None = None) -> tuple[JobResult, ...]:
        """Runs `jobs`, as many at once as the CPUs allow; a failed one blocks its descendants.

        Args:
            jobs: What is to be run.
            feed: Gives further jobs while they run.

        Raises:
            PreflightError: Another living process works on one of the runs, or will.
            KeyboardInterrupt: Asked to stop when all of them had just ended.
        """
        results: dict[int, JobResult] = {}
        running: dict[int, _Running] = {}
        jobs = list(jobs)
        self._claim(jobs)
        with self._display, StopSignals() as stop:
            try:
                while True:
                    if feed is not None and not stop.count:
                        self._give_up(feed.unwanted(), running, results, stop)
                        self._claim(more := feed.more(results))
                        jobs += more
                    if len(results) == len(jobs):
                        break
                    self._start_ready(jobs, results, running, stop)
                    self._look_after(running, results, stop)
            finally:  # whatever went wrong here, such as a closed stdout: no worker is left behind
                stop_workers([item.worker for item in running.values()], stop)
        if stop.count and all(result.ok for result in results.values()):
            raise KeyboardInterrupt
        return tuple(results[job.number] for job in jobs)

    def _claim(self, jobs: Sequence[Job]) -> None:
        """Marks what has to run as waiting for this process, unless somebody else works on it."""
        waiting = [job for job in jobs if not _is_finished(job)]
        self._reused |= {job.number for job in jobs} - {job.number for job in waiting}
        raise_all([_claimed(job, p) for job in waiting if (p := _claimed_elsewhere(job))])
        for job in waiting:
            before = read_status(job.run_dir) or RunStatus(state="pending")
            launcher = this_process()
            write_status(job.run_dir, replace(before, state="pending", process=launcher))

    def _give_up(
        self,
        unwanted: Mapping[int, str],
        running: dict[int, _Running],
        results: dict[int, JobResult],
        stop: StopSignals,
    ) -> None:
        """Ends jobs that needn't go on."""
        for number in set(unwanted) & set(running):
            item = running.pop(number)
            stop_workers([item.worker], stop)
            results[number] = _cancelled(item.job, item.worker, self._display, unwanted[number])

    def _start_ready(
        self,
        jobs: Sequence[Job],
        results: dict[int, JobResult],
        running: dict[int, _Running],
        stop: StopSignals,
    ) -> None:
        """Settles what needs no process, and starts what can run now."""
        for job in jobs:
            if job.number in results or job.number in running:
                continue
            if not set(job.depends_on) <= set(results) and not stop.count:
                continue
            settled = self._without_process(job, results, stop)
            if settled is not None:
                results[job.number] = settled
            elif self._has_room(job, running):
                running[job.number] = self._start(job)

    def _without_process(
        self, job: Job, results: dict[int, JobResult], stop: StopSignals
    ) -> JobResult | None:
        """The result of a job that has finished before or never will; None: it has to run."""
        if job.number in self._reused:
            self._display.line(f"reused: {job.title}, run {job.run_dir.name}")
            return JobResult(job=job, outcome="reused")
        blockers = [results[n].job for n in job.depends_on if n in results and not results[n].ok]
        if not blockers and not stop.count:
            return None
        why = "the plan was cancelled" if stop.count else _why_blocked(blockers)
        if _claimed_elsewhere(job) is None:
            end_running(job.run_dir, "blocked", message=why)
        self._display.line(f"never started: {job.title}: {why}")
        code = EXIT_INTERRUPTED if stop.count else 0
        return JobResult(job=job, outcome="blocked", exit_code=code, message=why)

    def _look_after(
        self, running: dict[int, _Running], results: dict[int, JobResult], stop: StopSignals
    ) -> None:
        """Shows the progress of what runs, and takes the result of what ended."""
        for item in list(running.values())[:1]:
            wait_briefly(item.worker)
        if stop.count:
            stop_workers([item.worker for item in running.values()], stop)
        for number, item in list(running.items()):
            ended = item.worker.poll() is not None  # before the look, so that the last is shown
            _show_progress(item.job, self._display)
            if ended and not stop.count:
                results[number] = _ended(item, self._display)
            elif stop.count:
                results[number] = _cancelled(item.job, item.worker, self._display)
            else:
                continue
            del running[number]

    def _has_room(self, job: Job, running: dict[int, _Running]) -> bool:
        """Whether as many as were asked for, or the CPUs, suffice; a job alone always runs."""
        if self._at_once is not None:
            return len(running) < self._at_once
        used = sum(item.job.threads for item in running.values())
        return used == 0 or used + job.threads <= len(os.sched_getaffinity(0))

    def _start(self, job: Job) -> _Running:
        out, err = stage_logs(job.run_dir, job.name, HERE)
        self._display.line(f"running: {job.title}, run {job.run_dir.name}")
        out.parent.mkdir(parents=True, exist_ok=True)
        kills = memory_kills()
        with out.open("ab") as out_stream, err.open("ab") as err_stream:
            worker = subprocess.Popen(
                [*self._command, str(job.frozen)],
                stdin=subprocess.DEVNULL,
                stdout=out_stream,
                stderr=err_stream,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        return _Running(job=job, worker=worker, err=err, kills=kills)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A job with its process, its log, and the memory kills before it."""

    job: Job
    worker: subprocess.Popen[bytes]
    err: Path
    kills: int


def _cancelled(
    job: Job, worker: subprocess.Popen[bytes], display: Display, why: str = STOPPED
) -> JobResult:
    """Records a worker that was ended because somebody asked for it; one that finished did so."""
    if _is_finished(job):
        display.line(f"finished: {job.title}")
        return JobResult(job=job, outcome="finished")
    end_running(job.run_dir, "cancelled", exit_code=worker.returncode, message=why)
    display.line(f"cancelled: {job.title}" if why == STOPPED else f"{job.title}: {why}")
    return JobResult(job=job, outcome="cancelled", exit_code=EXIT_INTERRUPTED, message=why)


def _ended(item: _Running, display: Display) -> JobResult:
    """What became of a worker that ended by itself; its status is completed if it couldn't."""
    job, worker, err = item.job, item.worker, item.err
    code = worker.returncode
    status = read_status(job.run_dir)
    state = None if status is None else status.state
    if code == 0 and state == "finished":
        display.line(f"finished: {job.title}")
        return JobResult(job=job, outcome="finished")
    if code < 0:
        end_group(worker, signal.SIGKILL)
        message = how_it_was_killed(-code, item.kills)
    elif status is not None and status.message and state in {"failed", "cancelled"}:
        message = status.message
    else:
        message = f"its process ended with exit code {code} without finishing"
    if state not in {"failed", "cancelled"} and _claimed_elsewhere(job) is None:
        end_running(job.run_dir, "failed", exit_code=code, message=message)
    display.line(f"failed: {job.title}: {message}. Log: {err}")
    return JobResult(job=job, outcome="failed", exit_code=code if code > 0 else 1, message=message)


def _show_progress(job: Job, display: Display) -> None:
    status = read_status(job.run_dir)
    if status is not None and status.state in {"running", "finished"}:
        display.progress(job, status)


def _is_finished(job: Job) -> bool:
    status = read_status(job.run_dir)
    return status is not None and status.state == "finished"


def _why_blocked(blockers: Sequence[Job]) -> str:
    return f"it needs {', '.join(job.title for job in blockers)}"


def _claimed_elsewhere(job: Job) -> Process | None:
    """Two launchers of the same plan: the second one must not touch the status of the first."""
    process = claimant(job.run_dir)
    return None if process == this_process() else process


def _claimed(job: Job, process: Process) -> PreflightError:
    return PreflightError(
        f"{job.title}: {process} works on run {job.run_dir.name}. "
        f"Wait for it (can-train status {job.run_dir.name}), or end that process"
    )
