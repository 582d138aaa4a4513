"""The jobs of one experiment root that are in the queue, found by their names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from can_train.jobs.slurm.client import call

_COMPLETING: Final = "CG"
_PAUSE_S: Final = 0.5


def active_jobs(
    names: Sequence[str], root: Path, *, patience_s: float = 0.0
) -> dict[str, list[str]] | None:
    """Numbers of the user's jobs that wait or work, by job name; None: nobody can be asked.

    Args:
        names: Names of jobs. They carry ids of runs or plans, which are the same under every
            experiment root.
        root: Experiment root: jobs whose folder lies elsewhere belong to others.
        patience_s: How long jobs are waited for that have ended and are being cleared away.
    """
    deadline = time.monotonic() + patience_s
    while True:
        done = call(["squeue", "-h", "--me", "-o", "%F|%t|%j|%Z", "-n", ",".join(names)])
        if done.returncode:
            return None
        found: dict[str, list[str]] = {}
        states = set()
        for line in done.stdout.splitlines():
            job_id, state, name, folder = line.split("|", 3)
            if Path(folder).resolve().is_relative_to(root.resolve()):
                states.add(state)
                if job_id not in found.setdefault(name, []):
                    found[name].append(job_id)
        if states != {_COMPLETING} or time.monotonic() >= deadline:
            return found
        time.sleep(_PAUSE_S)
