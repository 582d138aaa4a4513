"""What the worker does around training: its log's first and last lines, requeueing, evaluation."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final

from can_train.cli.closing import closing_lines
from can_train.cli.evaluation_process import exit_code_of, start_evaluation
from can_train.jobs.executor import HERE, executor_called
from can_train.runs.jobs import own_job
from can_train.runs.process import waiting_in
from can_train.runs.state import REQUEUED, RunStatus, end_running, read_status, write_status
from can_train.runs.stop import stop_requested

POLL_S: Final = 0.2

logger = logging.getLogger("can_train")


class JobLog:
    """Opens the log with what works where on what, and closes it with how it went.

    Args:
        run_dir: Folder of the run.
        frozen: Path of its frozen config.
    """

    def __init__(self, run_dir: Path, frozen: Path) -> None:
        self._run_dir, self._frozen = run_dir, frozen
        self._started = time.monotonic()

    def __enter__(self) -> None:
        job = own_job()
        name = "none" if job is None else f"{job}, start {job.restarts}"
        node = executor_called(HERE if job is None else job.executor).node()
        logger.info("job: %s; node: %s; started: %s", name, node, _now())
        logger.info(
            "environment: Python %s, %s; %d CPUs",
            sys.version.split()[0],
            sys.executable,
            len(os.sched_getaffinity(0)),
        )
        logger.info("frozen config: %s", self._frozen)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status = read_status(self._run_dir)
        state = "unknown" if status is None else status.state
        why = f" ({' '.join(status.message.split())})" if status and status.message else ""
        elapsed = time.monotonic() - self._started
        logger.info("state: %s%s; ended: %s; elapsed: %.1f s", state, why, _now(), elapsed)


def go_on_later(run_dir: Path, max_requeues: int) -> int:
    """Puts the job of a run that saved its position back into the queue.

    Args:
        run_dir: Folder of the run; this process doesn't own it any more.
        max_requeues: How often that may happen.

    Returns:
        Exit code of the process.
    """
    job = own_job()
    if job is None:
        sys.stderr.write("stopped at a step; the same command goes on from there\n")
        return 1
    if job.restarts >= max_requeues:
        message = (
            f"its time limit came, and it was started again {job.restarts} times already. "
            "Give it more time: --walltime, or more starts: --max-requeues"
        )
        end_running(run_dir, "failed", exit_code=1, message=message)
        logger.error("%s", message)
        return 1
    before = read_status(run_dir) or RunStatus(state="pending")
    waiting = replace(before, state="pending", message=REQUEUED, exit_code=None)
    write_status(run_dir, replace(waiting, process=waiting_in(replace(job, restarts=0))))
    logger.info("requeueing %s, start %d of %d", job, job.restarts, max_requeues)
    problem = executor_called(job.executor).requeue()
    if problem:
        message = f"can't go back into the queue: {problem}"
        end_running(run_dir, "failed", exit_code=1, message=message)
        logger.error("%s", message)
    return int(bool(problem))


def evaluate_here(run_dir: Path, max_requeues: int) -> int:
    """Evaluates the finished run in a process of its own, and gives its exit code.

    The warning of the time limit puts the job back into the queue, to evaluate again.
    """
    process = start_evaluation(run_dir)
    job = own_job()
    while process.poll() is None:
        if stop_requested() and job is not None and job.restarts < max_requeues:
            process.terminate()
            process.wait()
            problem = executor_called(job.executor).requeue()
            if problem:
                logger.error("can't go back into the queue: %s", problem)
            return int(bool(problem))
        time.sleep(POLL_S)
    return exit_code_of(process)


def log_closing(run_dir: Path) -> None:
    """Closes the log of a finished run with what is worth knowing of it."""
    for line in closing_lines(run_dir):
        logger.info("%s", line)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
