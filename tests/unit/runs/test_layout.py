"""Every file name of a run or a plan is spelled in one module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from can_train.runs import layout

SOURCE = Path(layout.__file__).parents[1]
NAMES = {
    "array.sh", "configs", "evaluation.csv", "evaluation.json", "job.sh", "latest", "metrics.csv",
    "owner.lock", "plan.json", "run.jsonl", "slurm_logs", "status.json", "submission.json",
    "submission.lock", "summary.json",
}  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_file_names_of_runs_and_plans_are_spelled_in_the_layout(path: Path) -> None:
    if path == Path(layout.__file__):
        return
    tree = ast.parse(path.read_text("utf-8"))
    spelled = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not spelled & NAMES
