"""Plans and runs on a screen: ids are whole at any width, and a plan says what to type next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.cli.status_table import PLAN_COLUMNS, RUN_COLUMNS, plan_lines, run_lines
from can_train.jobs.board import board_of
from can_train.jobs.job import Job
from can_train.pipeline.stored import ListedPlan, StoredStage
from can_train.runs.state import RunStatus, write_status
from can_train.tables import table_lines

PLAN, RUNS = "f00dfeedbeef", ("0123456789ab", "ba9876543210-2")


def plan_of(root: Path, *statuses: RunStatus | None) -> ListedPlan:
    """A plan under `root` whose runs stand as given."""
    stages = []
    for number, (name, status) in enumerate(zip(RUNS, statuses, strict=True), start=1):
        run = root.joinpath("automotive", "car", "u", "vgae", "student", "d", "autoencoder", name)
        (run / "configs").mkdir(parents=True)
        if status is not None:
            write_status(run, status)
        job = Job(
            number=number, name="vgae", title=name, run_dir=run, frozen=run, depends_on=()
        )  # fmt: skip
        stage = StoredStage(
            job=job, dataset="a_dataset_with_a_rather_long_name", model_size="student",
            training_strategy="autoencoder", distillation="with-kd",
        )  # fmt: skip
        stages.append(stage)
    return ListedPlan(folder=root / "plans" / PLAN, stages=tuple(stages))


def screen(root: Path, plan: ListedPlan, width: int | None) -> list[str]:
    rows = board_of([stage.job for stage in plan.stages]).rows
    plans = table_lines(PLAN_COLUMNS, list(plan_lines([plan], rows, root)), width)
    runs = table_lines(RUN_COLUMNS, list(run_lines(plan.stages, rows)), width)
    return [text for text, _ in (*plans, *runs)]


DONE = RunStatus(state="finished", epoch=100, epochs=100, metric="val_pr_auc", value=0.98765)
FAILED = replace(DONE, state="failed", epoch=7, message="training diverged " * 9)


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 200, None])
def test_ids_reasons_and_the_next_command_are_whole_at_any_width(
    tmp_path: Path, width: int | None
) -> None:
    plan = plan_of(tmp_path, DONE, FAILED)
    shown = screen(tmp_path, plan, width)
    assert shown[1].startswith(f"{PLAN}  failed  1 of 2 done")
    assert shown[2] == f"  next: can-train resume {PLAN} --experiment-root {tmp_path}"
    assert shown[4].startswith(f"{RUNS[0]}    finished  vgae")
    assert shown[5].startswith(f"{RUNS[1]}  failed    vgae")
    assert shown[6].strip() == f"{RUNS[1]}: {('training diverged ' * 9).strip()}"
    if width is not None and width >= 80:
        assert max(map(len, (line for i, line in enumerate(shown) if i not in {2, 6}))) <= width
    roomy = width is None or width >= 80
    assert "7/100" in shown[5] and ("val_pr_auc 0.9877" in shown[5]) is roomy


@pytest.mark.parametrize(
    ("statuses", "state", "verb"),
    [
        ((None, None), "planned", "resume f00dfeedbeef"),
        ((RunStatus(state="running"), RunStatus(state="pending")), "running", "status f00d"),
        ((RunStatus(state="cancelled"), RunStatus(state="blocked")), "cancelled", "resume f00"),
        ((RunStatus(state="finished"), RunStatus(state="finished")), "finished", "evaluate ba98"),
    ],
)  # fmt: skip
def test_a_plan_says_how_it_stands_and_what_to_type(
    tmp_path: Path, statuses: tuple[RunStatus | None, ...], state: str, verb: str
) -> None:
    shown = screen(tmp_path, plan_of(tmp_path, *statuses), 80)
    assert shown[1].startswith(f"{PLAN}  {state}")
    assert f"next: can-train {verb}" in shown[2]


def test_what_was_evaluated_is_compared_next(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RunStatus(state="finished"), RunStatus(state="finished"))
    (plan.stages[-1].job.run_dir / "evaluation.json").write_text("{}")
    assert f"next: can-train compare {RUNS[1]}" in screen(tmp_path, plan, 80)[2]


def test_a_damaged_status_marks_its_own_row(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RunStatus(state="finished"), RunStatus(state="finished"))
    (plan.stages[0].job.run_dir / "status.json").write_text("{")
    shown = screen(tmp_path, plan, 80)
    assert shown[1].startswith(f"{PLAN}  damaged  1 of 2 done")
    assert shown[4].startswith(f"{RUNS[0]}    damaged ") and "not JSON" in shown[5]
    assert shown[6].startswith(f"{RUNS[1]}  finished")
