"""Mirrors runs while they go on, in a process of its own that training never waits for."""

from __future__ import annotations

import logging
import os
import select
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from can_train.errors import ArtifactError, CanTrainError
from can_train.runs.jobs import own_job
from can_train.runs.layout import experiment_option, mirror_log
from can_train.runs.passed_on import MLFLOW, OFF
from can_train.runs.state import current_status, read_status
from can_train.tracking.mirror import Mirror
from can_train.tracking.record import TrackedRun, tracked_run
from can_train.tracking.store import is_wanted, store_uri

FIRST_S: Final = 20.0
"""How long a run goes on before MLflow is loaded beside it: short ones are brought over at once."""

POLL_S: Final = 10.0
"""Pause between two looks at the records."""

LAST_S: Final = 60.0
"""How long a mirror that can't be used is tried after the run has ended."""

RETRY_S: Final = 5.0
JOB_S: Final = 45.0
"""How long a cluster's job stays for its mirror: what it leaves behind is killed with it."""

NICE: Final = 10
"""How far the mirror steps back: a tenth of a busy CPU is left to it, so that it ends some time."""

logger = logging.getLogger("can_train")


class Mirroring:
    """A process that mirrors runs while the block lasts, and a little longer.

    Its standard input is a pipe from this process: when it ends, however this process ended, and
    nobody works on one of the runs, they are over.

    Args:
        runs: Folders of the runs.
        experiment_root: Where the runs lie.
    """

    def __init__(self, runs: Sequence[Path], experiment_root: Path) -> None:
        self._runs, self._root = runs, experiment_root
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> subprocess.Popen[bytes] | None:
        if is_wanted():
            self._process = _start(self._runs, self._root)
        return self._process

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        if own_job() is None:
            return  # it ends by itself
        try:
            self._process.wait(JOB_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            logger.warning("MLflow is too slow for this job; %s", _later(self._runs, self._root))


def mirror_once(run: Path, experiment_root: Path) -> None:
    """Starts to bring over what is there now, and doesn't wait for it."""
    with Mirroring([run], experiment_root):
        pass


@contextmanager
def mirroring_together(runs: Sequence[Path], experiment_root: Path) -> Iterator[None]:
    """One process mirrors all of `runs` while the block lasts; workers that it starts start none.

    MLflow takes seconds to load.

    Args:
        runs: Folders of the runs, some of which this process's workers train.
        experiment_root: Where the runs lie.
    """
    before = os.environ.get(MLFLOW)
    with Mirroring(runs, experiment_root):
        os.environ[MLFLOW] = OFF
        try:
            yield
        finally:
            os.environ.pop(MLFLOW)
            if before is not None:
                os.environ[MLFLOW] = before


def follow(runs: Sequence[Path], experiment_root: Path, over: IO[bytes]) -> int:
    """Mirrors `runs` until `over` ends and nobody works on them.

    A mirror that can't be used is told once and tried again.

    Args:
        runs: Folders of the runs.
        experiment_root: Where the runs lie.
        over: A pipe that ends with the runs.

    Returns:
        0 if everything was brought over in the end.
    """
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # that it tries again is told once, by us
    uri, is_over, failed_s, told = store_uri(experiment_root), _waited(over, FIRST_S), 0.0, False
    mirror: Mirror | None = None
    brought: dict[Path, TrackedRun] = {}
    while True:
        began, failing = time.monotonic(), False
        try:
            mirror = mirror or Mirror(uri, experiment_root)
            _bring(mirror, runs, brought)
            if is_over and not any(_state(run) == "running" for run in runs):
                return 0
            failed_s = 0.0
        except CanTrainError as error:
            if not told:
                logger.warning("%s. Training goes on; %s", error, _later(runs, experiment_root))
            told = failing = True
            if is_over and failed_s >= LAST_S:
                return error.exit_code
        if not is_over:
            is_over = _waited(over, POLL_S)
        elif failing:
            time.sleep(RETRY_S)
            failed_s += time.monotonic() - began
        else:
            time.sleep(POLL_S)  # its launcher was killed; a worker goes on


def _bring(mirror: Mirror, runs: Sequence[Path], brought: dict[Path, TrackedRun]) -> None:
    """Brings over what has changed since `brought`.

    Raises:
        ArtifactError: A run is damaged; the others were brought over.
        CanTrainError: The server can't be reached.
    """
    damaged = None
    for run in runs:
        try:
            record = tracked_run(run) if run.is_dir() else None  # a plan nobody took is removed
        except ArtifactError as error:
            damaged = damaged or error
            continue
        if record is not None and record != brought.get(run):
            mirror.bring(record)
            brought[run] = record
    if damaged is not None:
        raise damaged


def _state(run: Path) -> str | None:
    """State of a run; None for one of a job, which would be asked whether it has ended itself."""
    status = read_status(run) if run.is_dir() else None
    if status is None or (status.process is not None and status.process.job is not None):
        return None
    found = current_status(run)
    return None if found is None else found.state


def _waited(over: IO[bytes], seconds: float) -> bool:
    """Whether `over` ended within `seconds`."""
    return bool(select.select([over], [], [], seconds)[0])


def _start(runs: Sequence[Path], experiment_root: Path) -> subprocess.Popen[bytes]:
    """The process, at a low priority, out of reach of what ends the runs."""
    words = ("--follow", "--experiment-root", str(experiment_root))
    with _messages(runs) as messages:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "can_train", "mlflow", "sync", *map(str, runs), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            start_new_session=True,
            preexec_fn=_step_back,
        )


@contextmanager
def _messages(runs: Sequence[Path]) -> Iterator[IO[bytes] | int | None]:
    """Where it writes: beside this process, or into the run's folder where a pipe takes that.

    Who reads the pipe (`... 2>&1 | tee log`) would else wait for the mirror, too. Several runs have
    logs of their own, which exist later.
    """
    if len(runs) > 1 or not stat.S_ISFIFO(os.fstat(2).st_mode):
        yield subprocess.DEVNULL if len(runs) > 1 else None
        return
    path = mirror_log(runs[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        yield file


def _step_back() -> None:
    os.nice(NICE)


def _later(runs: Sequence[Path], experiment_root: Path) -> str:
    names = " ".join(run.name for run in runs)
    command = f"can-train mlflow sync {names}{experiment_option(experiment_root)}"
    return f"bring the records over later: {command}"
