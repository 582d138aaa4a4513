"""What an executor does, and how executors are found (stdlib only, cheap to import).

An executor is a folder in `jobs/` whose `executor.py` holds one instance of an `Executor`, or a
plugin that does (`can_train.plugins`). Nobody outside its folder asks which one it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Self

from can_train.errors import ConfigError, PreflightError, SubmissionError, did_you_mean
from can_train.plugins import by_name, declared
from can_train.runs.jobs import JobSource

if TYPE_CHECKING:
    from can_train.jobs.job import Handover, Job, JobFeed, JobResult, Needs

HERE: Final = "local"
"""Name of the executor that is taken where nothing is said."""

OptionValue = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorOption:
    """An option of the command line that one executor takes.

    Attributes:
        name: Its name with underscores.
        metavar, help: As argparse has them.
        least: Smallest value of a whole number; None: the value is text.
    """

    name: str
    metavar: str
    help: str
    least: int | None = None

    @property
    def flag(self) -> str:
        """Its spelling."""
        return f"--{self.name.replace('_', '-')}"


class Executor(JobSource, ABC):
    """Runs the jobs of a plan somewhere, in the order of their dependencies.

    Only `name`, `help` and `execute` have to be given.

    Args:
        given: Values of its options, by name.

    Attributes:
        help: What handing a plan to it means, in a few words.
        flag: Option that chooses it, beside `--executor NAME`; empty: none.
        options: Options that have an effect with it only.
        waits: Whether `execute` returns once all jobs have ended, and the caller evaluates;
            otherwise the jobs go on by themselves, and evaluate what is to be evaluated.
        takes_resources: Whether it gives a stage what it asks for.
        feeds: Whether it has `execute_fed`, which takes jobs one after another.
    """

    help: ClassVar[str] = ""
    flag: ClassVar[str] = ""
    options: ClassVar[tuple[ExecutorOption, ...]] = ()
    waits: ClassVar[bool] = True
    takes_resources: ClassVar[bool] = False
    feeds: ClassVar[bool] = False

    def __init__(self, given: Mapping[str, OptionValue] = MappingProxyType({})) -> None:
        self.given = given

    def with_options(self, given: Mapping[str, OptionValue]) -> Self:
        """The same with the options that were typed."""
        return type(self)(given)

    @property
    def choice(self) -> str:
        """What is typed to choose it."""
        return self.flag or f"--executor {self.name}"

    @abstractmethod
    def execute(self, handover: Handover) -> tuple[JobResult, ...]:
        """Runs or submits the jobs and tells about each one, in the same order.

        Raises:
            CanTrainError: Nothing was started.
        """

    def require_feeds(self) -> None:
        """Refuses to take jobs one after another where plans are taken as a whole.

        Raises:
            ConfigError: It can't.
        """
        if not self.feeds:
            raise ConfigError(
                f"{self.choice}: takes a plan as a whole, and a search makes one as it goes. "
                "Search within a job on one node: --local"
            )

    def execute_fed(self, feed: JobFeed) -> tuple[JobResult, ...]:
        """Runs the jobs that `feed` gives while others run, and tells about each one.

        Raises:
            CanTrainError: Nothing was started; it can't, or another process works on a run.
        """
        raise NotImplementedError(f"{self.name} feeds, but doesn't say how")

    def check(self) -> None:
        """Looks at its options before anything is planned.

        Raises:
            ConfigError: One of them can't be used.
        """

    def check_here(self) -> None:
        """Looks whether this machine is one of its own, where nobody should train unasked.

        Raises:
            PreflightError: It is.
        """

    def malformed(self, needs: Sequence[Needs]) -> Iterator[ConfigError]:
        """Amounts that it couldn't read, wherever the plan runs."""
        yield from ()

    def unknown(self, needs: Sequence[Needs]) -> Iterator[PreflightError]:
        """Words that it doesn't know, where a plan is for it."""
        yield from ()

    def preview(self, handover: Handover) -> Iterator[str]:
        """Text of what `execute` would hand to somebody else."""
        yield from ()

    def has_record(self, plan: Path) -> bool:
        """Whether the plan in the folder `plan` was handed to it."""
        return False

    def gpus(self, plan: Path) -> Mapping[str, int]:
        """GPUs that its jobs had for runs of the plan in the folder `plan`, by the run's id."""
        return {}

    def cancel(self, claimed: Mapping[str, Job], plan: Path | None) -> Iterator[str]:
        """Ends its jobs; gives a line for each.

        Args:
            claimed: Jobs that work or wait, by its own name for them.
            plan: Folder of their plan, if all of its runs are meant.

        Raises:
            SubmissionError: It refused.
        """
        if claimed:
            raise SubmissionError(f"{self.name} can't end jobs: {', '.join(claimed)} go on")
        yield from ()

    def requeue(self) -> str:
        """Puts the job of this process back into its queue; gives why it couldn't, or nothing."""
        return f"{self.name} has no queue"

    def facts(self) -> Mapping[str, str | None]:
        """What it has here, by topic; None: nothing."""
        return {}

    def lacking(self, facts: Mapping[str, str | None]) -> str:
        """What is missing according to `facts`, and what to do about it; empty: nothing."""
        return ""


def executors() -> Mapping[str, Executor]:
    """All executors by name."""
    found = declared(Executor, "jobs", "executor")  # type: ignore[type-abstract]  # only looked for
    return by_name(found, "executors")


def executor_called(name: str) -> Executor:
    """One executor.

    Raises:
        ConfigError: There is none of that name.
    """
    known = executors()
    if name not in known:
        raise ConfigError(
            f"--executor: {name} isn't known{did_you_mean(name, known) or '.'} "
            f"Allowed: {', '.join(known)}"
        )
    return known[name]
