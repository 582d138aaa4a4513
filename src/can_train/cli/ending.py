"""What a command that trained says at its end: what became of it, where it lies, what to type."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from can_train.cli.closing import closing_lines
from can_train.errors import EXIT_INTERRUPTED, counted
from can_train.jobs.job import JobResult
from can_train.runs.layout import evaluation_path, experiment_option


def write_ending(results: Sequence[JobResult], plan: Path, experiment_root: Path) -> None:
    """Writes how the runs of a plan ended.

    Args:
        results: Of its stages, in their order.
        plan: Folder of the plan.
        experiment_root: Where its runs lie.
    """
    sys.stdout.writelines(f"{line}\n" for line in ending(results, plan, experiment_root))
    sys.stdout.flush()


def ending(results: Sequence[JobResult], plan: Path, experiment_root: Path) -> Iterator[str]:
    """The same in lines; figures and costs of a run alone, those of several stand in their logs."""
    done = sum(result.outcome in {"finished", "reused"} for result in results)
    stages = counted(len(results), "stage")
    yield f"plan {plan.name}: {_word(results)}, {done} of {stages} done"
    for result in results:
        yield f"  run {result.job.run_dir.name}: {result.outcome}, {result.job.title}"
        if result.outcome == "finished" and len(results) == 1:
            yield from (f"    {line}" for line in closing_lines(result.job.run_dir))
    yield f"files: {results[-1].job.run_dir if done == len(results) else experiment_root}"
    option = experiment_option(experiment_root)
    for command in _next(results, plan.name):
        yield f"next: can-train {command}{option}"


def _word(results: Sequence[JobResult]) -> str:
    """How the plan ended, in a word."""
    if all(result.outcome in {"finished", "reused"} for result in results):
        return "finished"
    if any(result.exit_code == EXIT_INTERRUPTED for result in results):
        return "stopped"
    return "submitted" if all(result.ok for result in results) else "failed"


def _next(results: Sequence[JobResult], plan: str) -> Iterator[str]:
    """What to type, without the folder of the runs."""
    last, word = results[-1].job.run_dir, _word(results)
    if word == "submitted":
        yield f"status {plan} --watch"
    elif word == "finished":
        known = evaluation_path(last).is_file()
        yield f"score {last.name} RECORDING" if known else f"evaluate {last.name}"
        if known:
            yield f"compare {last.name}"
    else:
        failed = (result.job.run_dir.name for result in results if result.outcome == "failed")
        yield from (f"logs {run}" for run in failed)
        yield f"resume {plan}"
