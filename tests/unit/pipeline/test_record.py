"""What is written for a plan, and what is left of one that nobody took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from can_train.cli.launch import run_plan
from can_train.errors import SubmissionError
from can_train.jobs.executor import Executor
from can_train.jobs.job import Handover, JobResult
from can_train.pipeline.plan import Plan
from can_train.pipeline.record import unwrite_plan, write_plan
from can_train.runs.layout import Roots
from can_train.runs.state import point_latest, start_running

MakePlan = Callable[..., Plan]
CHAIN = {"model": "vgae,gat,dqn", "model_size": "student"}


class Refusing(Executor):
    """An executor that takes nothing."""

    name = "refusing"

    def execute(self, handover: Handover) -> tuple[JobResult, ...]:
        raise SubmissionError("no")


def files(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


def test_a_plan_that_nobody_took_leaves_nothing_behind(plan_of: MakePlan, roots: Roots) -> None:
    with pytest.raises(SubmissionError):
        run_plan(plan_of(**CHAIN), Refusing())
    assert files(roots.experiments) == []


def test_runs_that_were_there_before_stay(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(**CHAIN)
    folder = write_plan(plan)
    first, second, _ = (planned.frozen.run_dir for planned in plan.stages)
    start_running(first)
    point_latest(first)
    unwrite_plan(plan)
    assert folder.is_dir() and first.is_dir() and (first.parent / "latest").is_symlink()
    assert not second.parent.exists()
