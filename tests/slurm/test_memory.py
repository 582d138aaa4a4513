"""A job keeps to its memory by halving its batch; one that was killed for it is recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from can_train.config.batch_factors import load_factors
from can_train.runs.layout import batch_path
from can_train.training.batch_decision import BatchDecision, read_decision
from can_train.training.safety_factor import AFTER_OUT_OF_MEMORY
from tests.slurm.login import COMMON, Login, slurm, until

MEMORY_MB = 1200
FITS = "400"
TOO_MANY = "1600"
"""Windows that take some 1050 MB beside the 700 MB of a worker."""

HUNGRY = """
import mmap, os, threading, time

def eat():
    while not os.path.exists({now!r}):
        time.sleep(.1)
    block = mmap.mmap(-1, {size})
    for at in range(0, {size}, mmap.PAGESIZE):
        block[at] = 1
    time.sleep(60)

if "SLURM_JOB_ID" in os.environ:
    threading.Thread(target=eat, daemon=True).start()
"""
"""A plugin that takes memory in a job once a file is there."""

TEACHER = ("train", *COMMON, "--model", "gat", "--model-size", "teacher",
           "--training-strategy", "normal", "--stride", "10",
           "--memory", f"{MEMORY_MB}M", "--submit")  # fmt: skip


@pytest.fixture(autouse=True)
def enforcing() -> None:
    """The cluster ends a job that takes more memory than it asked for."""
    said = slurm("scontrol", "show", "config")
    if "OverMemoryKill" not in said and "task/cgroup" not in said:
        pytest.skip("this cluster doesn't enforce memory")


def trained(login: Login, windows: str) -> dict[str, Any]:
    """Summary of a run of one epoch with so many windows per batch, which finishes."""
    before = set(login.runs())
    login.ok(*TEACHER, "--batch-size", windows, "--epochs", "1")
    (run,) = set(login.runs()) - before
    login.until_done()
    document: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return document


def automatic(login: Login) -> BatchDecision:
    """What the next run takes, as it is decided in a job of its own."""
    before = set(login.runs())
    login.ok(*TEACHER, "--batch-size", "auto", "--epochs", "1")
    (run,) = set(login.runs()) - before
    until(lambda: batch_path(run).is_file())
    decision = read_decision(run)
    assert decision is not None
    assert (decision.limit, decision.total_bytes) == ("Slurm", MEMORY_MB * 2**20)
    return decision


@pytest.mark.slurm
def test_a_batch_four_times_too_large_is_halved_and_the_next_run_starts_lower(
    login: Login,
) -> None:
    whole, halved = trained(login, FITS), trained(login, TOO_MANY)
    assert (whole["batch_halvings"], whole["as_planned"]) == (0, True)
    assert 1 <= halved["batch_halvings"] <= 4 and halved["as_planned"] is False
    assert halved["epoch_windows"] == whole["epoch_windows"]
    decision = automatic(login)
    assert decision.source == "learned" and decision.factor is not None
    assert decision.factor <= load_factors().default + AFTER_OUT_OF_MEMORY + 1e-9
    assert decision.largest is not None and decision.largest < int(TOO_MANY)


@pytest.mark.slurm
def test_a_job_that_was_killed_for_memory_is_recorded_once(login: Login, tmp_path: Path) -> None:
    # Memory that the worker's own bound doesn't know: pages that could be shared.
    plugin, now = tmp_path / "hungry.py", tmp_path / "now"
    plugin.write_text(HUNGRY.format(now=str(now), size=MEMORY_MB << 20))
    hungry = replace(login, environ={"CAN_TRAIN_PLUGINS": str(plugin)})
    hungry.ok(*TEACHER, "--batch-size", "64", "--epochs", "50")
    (run,) = login.runs()
    login.until_epoch(run, 1)
    now.touch()
    (row,) = login.until_done()
    assert (row["state"], row["reason"]) == ("failed", "out of memory")
    for _ in range(2):
        said = login.ok("batch-size", "history")
        assert said.count("not finished, out of memory 1 x") == 1
    decision = automatic(login)
    assert decision.source == "learned"
    assert decision.factor == pytest.approx(load_factors().default + AFTER_OUT_OF_MEMORY)
