"""How far a stage is, in words and as a bar."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from can_train.jobs.display import PlainDisplay, TerminalDisplay, where
from can_train.jobs.job import Job
from can_train.runs.state import RunStatus

JOB = Job(number=3, name="gat", title="stage 3 (gat student)", run_dir=Path("r"),
          frozen=Path("f"), depends_on=())  # fmt: skip
RUNNING = RunStatus(
    state="running", epoch=2, epochs=10, step=41, steps=82, metric="val_loss", value=0.3125
)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (RunStatus(state="running"), "preparing"),
        (RUNNING, "epoch 3/10, step 41/82 val_loss 0.3125"),
        (RunStatus(state="finished", epoch=10, epochs=10), "epoch 10/10"),
    ],
)
def test_where_a_stage_is(status: RunStatus, told: str) -> None:
    assert where(status) == told


def test_a_bar_moves_inside_an_epoch_and_fits_80_columns() -> None:
    with TerminalDisplay() as display:
        display.progress(JOB, RunStatus(state="running"))
        display.progress(JOB, RUNNING)
        (task,) = display._bars.tasks
        assert (task.total, task.completed, task.description) == (10, 2.5, "stage 3 gat")
        assert len(f"{task.description} {'━' * 16} 0:00:00 {task.fields['where']}") <= 80


def test_elsewhere_an_epoch_is_one_line() -> None:
    talk = io.StringIO()
    with PlainDisplay(io.StringIO(), talk) as display:
        for _ in range(2):
            display.progress(JOB, RUNNING)
    assert talk.getvalue() == "stage 3 (gat student): epoch 2/10 val_loss 0.3125\n"
