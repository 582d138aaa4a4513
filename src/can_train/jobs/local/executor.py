"""The executor of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from can_train.jobs.executor import HERE, Executor

if TYPE_CHECKING:
    from can_train.jobs.job import Handover, JobResult


class LocalExecutor(Executor):
    """Runs one process per stage, independent ones side by side."""

    name = HERE
    help = "run the stages on this machine (the default)"
    flag = "--local"

    def execute(self, handover: Handover) -> tuple[JobResult, ...]:
        """Runs the jobs; a failed one blocks its descendants.

        Raises:
            PreflightError: Another living process works on one of the runs, or will.
            KeyboardInterrupt: Asked to stop when all of them had just ended.
        """
        from can_train.jobs.local.runner import LocalRunner

        return LocalRunner().run(handover.jobs)


LOCAL: Final = LocalExecutor()
