"""The executor of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from can_train.jobs.executor import HERE, Executor, ExecutorOption

if TYPE_CHECKING:
    from can_train.jobs.job import Handover, JobFeed, JobResult


class LocalExecutor(Executor):
    """Runs one process per stage, independent ones side by side."""

    name = HERE
    help = "run the stages on this machine (the default)"
    flag = "--local"
    feeds = True
    options = (
        ExecutorOption(
            name="jobs",
            metavar="N",
            least=1,
            help="run at most N stages at the same time (default: as many as the CPUs allow)",
        ),
    )

    def execute(self, handover: Handover) -> tuple[JobResult, ...]:
        """Runs the jobs; a failed one blocks its descendants.

        Raises:
            PreflightError: Another living process works on one of the runs, or will.
            KeyboardInterrupt: Asked to stop when all of them had just ended.
        """
        from can_train.jobs.local.runner import LocalRunner

        return LocalRunner(at_once=self._at_once).run(handover.jobs)

    def execute_fed(self, feed: JobFeed) -> tuple[JobResult, ...]:
        """Runs jobs as they are given; a failed one blocks its descendants.

        Raises:
            PreflightError: Another living process works on one of the runs, or will.
            KeyboardInterrupt: Asked to stop when all of them had just ended.
        """
        from can_train.jobs.local.runner import LocalRunner

        return LocalRunner(at_once=self._at_once).run((), feed)

    @property
    def _at_once(self) -> int | None:
        return int(self.given["jobs"]) if "jobs" in self.given else None


LOCAL: Final = LocalExecutor()
