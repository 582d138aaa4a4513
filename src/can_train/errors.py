"""The exception tree: every class carries the exit code of the layer that raises it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

EXIT_INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, SIGTERM or SIGHUP, as shells have it."""


class CanTrainError(Exception):
    """Base of all errors that are shown to the user as one message, without a traceback.

    Args:
        message: What is wrong (with the value and where), what is allowed, what to type next.
    """

    exit_code: ClassVar[int] = 1


class TrainingError(CanTrainError):
    """A training run failed (exit code 1)."""

    exit_code = 1


class ConfigError(CanTrainError):
    """The request is wrong: usage, configuration, combination of values (exit code 2)."""

    exit_code = 2


class PreflightError(CanTrainError):
    """The request is fine but the outside world isn't ready for it (exit code 3)."""

    exit_code = 3


class SubmissionError(CanTrainError):
    """Handing the plan to its executor failed (exit code 4)."""

    exit_code = 4


class DataError(CanTrainError):
    """A recording or a stored dataset can't be read (exit code 5)."""

    exit_code = 5


class ArtifactError(CanTrainError):
    """A file that a run made is missing, damaged, altered or of another kind (exit code 6)."""

    exit_code = 6


class ProblemList(CanTrainError):
    """Several problems, reported together; the exit code is that of the lowest layer.

    Args:
        problems: The problems found, in the order in which they are shown.
    """

    def __init__(self, problems: Sequence[CanTrainError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
        self.code = min(problem.exit_code for problem in self.problems)


def exit_code_of(error: CanTrainError) -> int:
    """Exit code with which the program ends for `error`."""
    return error.code if isinstance(error, ProblemList) else error.exit_code


def each(error: CanTrainError) -> tuple[CanTrainError, ...]:
    """The single problems of an error."""
    return error.problems if isinstance(error, ProblemList) else (error,)


def raise_all(problems: Sequence[CanTrainError]) -> None:
    """Raises nothing, the single problem, or all problems as one `ProblemList`."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ProblemList(problems)


def counted(count: int, word: str) -> str:
    """A number of things in words: `1 stage`, `1,200 windows`."""
    return f"{count:,} {word}{'s' * (count != 1)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean X?"` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
