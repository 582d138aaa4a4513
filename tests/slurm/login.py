"""A user at a login shell of the test cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from can_train.runs.layout import iter_runs
from can_train.runs.state import RunStatus, read_status

CLUSTER = Path(__file__).with_name("cluster")
COMMON = ("--modality", "automotive", "--dataset", "synthetic", "--threads", "1")
ONE_GAT = ("train", *COMMON, "--model", "gat", "--model-size", "student",
           "--training-strategy", "normal", "--patience", "1000")  # fmt: skip
"""One run of 0.1 to 0.3 s per epoch, whose length `--epochs` sets."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Commands of one user, with roots of their own.

    Attributes:
        data: Data root.
        experiments: Experiment root.
        teachers: Registry of teachers.
        environ: What differs from the environment of the tests.
    """

    data: Path
    experiments: Path
    teachers: Path
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts one command of can-train."""
        roots = ["--experiment-root", str(self.experiments)]
        if words[0] in {"train", "pipeline"}:
            roots += ["--data-root", str(self.data), "--teacher-root", str(self.teachers)]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "can_train", *words, *roots],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CONFIG_HOME": str(self.experiments.parent), **self.environ},
        )

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs one command of can-train."""
        process = self.start(*words)
        out, err = process.communicate(timeout=400)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def ok(self, *words: str) -> str:
        """Output of a command that succeeds."""
        done = self.call(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def runs(self) -> list[Path]:
        """All run folders."""
        return list(iter_runs(self.experiments))

    def run_of(self, model: str) -> Path:
        """The only run of `model`."""
        (found,) = [run for run in self.runs() if run.parts[-5] == model]
        return found

    def plan(self) -> str:
        """Id of the only plan."""
        (found,) = (self.experiments / "plans").glob("*/plan.json")
        return found.parent.name

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """What `status --json` says."""
        done = self.call("status", *words, "--json")
        assert done.returncode in {0, 1}, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        assert done.returncode == int(any(r["state"] in {"failed", "blocked"} for r in rows))
        return rows

    def until_done(self, seconds: float = 400) -> list[dict[str, Any]]:
        """Rows once nothing waits or works any more."""
        deadline = time.monotonic() + seconds
        while True:
            rows = self.rows()
            if not any(row["state"] in {"pending", "running"} for row in rows):
                return rows
            assert time.monotonic() < deadline, rows
            time.sleep(0.5)

    def until_epoch(self, run: Path, epoch: int, *, restarts: int = 0) -> RunStatus:
        """Status of a run that works and has finished `epoch` epochs."""

        def there() -> bool:
            status = read_status(run)
            return (
                status is not None
                and status.state == "running"
                and status.epoch >= epoch
                and status.job is not None
                and status.job.restarts >= restarts
            )

        until(there)
        status = read_status(run)
        assert status is not None
        return status


def until(condition: Callable[[], bool], seconds: float = 150) -> None:
    """Waits for `condition`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def slurm(*command: str) -> str:
    """Output of one of Slurm's commands."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def cluster(*words: str) -> None:
    """Does something to the cluster."""
    subprocess.run([str(CLUSTER), *words], check=True, capture_output=True)


def account(job_id: str, *names: str) -> list[str]:
    """Fields that the accounting holds of a job, once it says that it ended."""
    found: list[str] = []

    def ended() -> bool:
        text = slurm("sacct", "-nPX", "-j", job_id, "-o", ",".join(("State", *names)))
        found[:] = text.split("|")
        return bool(text) and found[0] not in {"PENDING", "RUNNING", "REQUEUED"}

    until(ended)
    return found
