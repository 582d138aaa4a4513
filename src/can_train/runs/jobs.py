"""What the state of a run asks about the jobs of executors (stdlib only).

Runs lie below executors, so nothing here knows any of them: each declares a `JobSource` in
`jobs/<name>/executor.py`, or in a plugin, and is found by its name (`can_train.plugins`). It costs
next to nothing to import, for the command line asks executors for their options.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from can_train.plugins import declared

if TYPE_CHECKING:
    from can_train.runs.job_views import JobsView, WorkerJob


class JobSource:
    """What an executor tells about its jobs; the base of `jobs.executor.Executor`.

    Attributes:
        name: Name of the executor: a word in lower case.
    """

    name: ClassVar[str] = ""

    def own_job(self) -> WorkerJob | None:
        """The job that this process belongs to; None outside of its jobs."""
        return None

    def node(self) -> str:
        """What the executor calls this machine."""
        import socket

        return socket.gethostname()

    def view(self, job_ids: Sequence[str]) -> JobsView:
        """Everything that can be told about `job_ids`, which have different values."""
        from can_train.runs.job_views import SilentView

        return SilentView(self.name)


def sources() -> tuple[JobSource, ...]:
    """Those of all executors."""
    return declared(JobSource, "jobs", "executor")


def own_job() -> WorkerJob | None:
    """The job that this process belongs to; None outside of jobs."""
    return next((job for source in sources() if (job := source.own_job()) is not None), None)


def views_of(jobs: Iterable[WorkerJob]) -> dict[str, JobsView]:
    """Answers about `jobs` by the name of their executor; each executor is asked once.

    An executor that isn't known here, such as a plugin's, can't be asked.
    """
    from can_train.runs.job_views import SilentView

    by_executor: dict[str, dict[str, None]] = {}
    for job in jobs:
        by_executor.setdefault(job.executor, {})[job.job_id] = None
    known = {source.name: source for source in sources()}
    return {
        name: known[name].view(sorted(ids)) if name in known else SilentView(name)
        for name, ids in by_executor.items()
    }


def view_of(job: WorkerJob) -> JobsView:
    """Answers about one job."""
    return views_of([job])[job.executor]
