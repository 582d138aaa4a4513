"""What is said at the end of a training command: ids, folders, and what to type next."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.cli.ending import ending
from can_train.jobs.job import Job, JobOutcome, JobResult


def results(root: Path, *outcomes: tuple[JobOutcome, int]) -> list[JobResult]:
    jobs = [
        Job(
            number=number, name="gat", title=f"stage {number} (gat)", run_dir=root / f"run{number}",
            frozen=root, depends_on=(),
        )
        for number in range(1, 1 + len(outcomes))
    ]  # fmt: skip
    return [
        JobResult(job=job, outcome=outcome, exit_code=code)
        for job, (outcome, code) in zip(jobs, outcomes, strict=True)
    ]


@pytest.mark.parametrize(
    ("outcomes", "head", "commands"),
    [
        ([("finished", 0)], "finished, 1 of 1 stage", ["evaluate run1"]),
        ([("reused", 0), ("finished", 0)], "finished, 2 of 2 stages", ["evaluate run2"]),
        (
            [("finished", 0), ("failed", 1), ("blocked", 0)],
            "failed, 1 of 3 stages",
            ["logs run2", "resume f00d"],
        ),
        ([("cancelled", 130), ("blocked", 130)], "stopped, 0 of 2 stages", ["resume f00d"]),
        ([("kept", 0), ("submitted", 0)], "submitted, 0 of 2 stages", ["status f00d --watch"]),
    ],
)
def test_an_ending_names_plan_runs_files_and_the_next_command(
    tmp_path: Path, outcomes: list[tuple[JobOutcome, int]], head: str, commands: list[str]
) -> None:
    found = results(tmp_path, *outcomes)
    lines = list(ending(found, tmp_path / "plans" / "f00d", tmp_path))
    assert lines[0] == f"plan f00d: {head} done"
    runs = lines[1 : 1 + len(found)]
    assert runs[0] == f"  run run1: {found[0].outcome}, stage 1 (gat)"
    everything = all(result.outcome in {"finished", "reused"} for result in found)
    assert lines[1 + len(found)] == (
        f"files: {tmp_path / f'run{len(found)}' if everything else tmp_path}"
    )
    option = f" --experiment-root {tmp_path}"
    assert lines[2 + len(found) :] == [f"next: can-train {line}{option}" for line in commands]


def test_what_is_evaluated_is_used_next(tmp_path: Path) -> None:
    (tmp_path / "run1").mkdir()
    (tmp_path / "run1" / "evaluation.json").touch()
    lines = list(ending(results(tmp_path, ("finished", 0)), tmp_path / "plans" / "f00d", tmp_path))
    assert [line.split()[2] for line in lines[-2:]] == ["score", "compare"]
