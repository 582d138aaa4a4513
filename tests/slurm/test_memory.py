"""A job that takes more memory than it was given is killed and recorded; the next starts lower."""

from __future__ import annotations

import pytest

from can_train.config.batch_factors import load_factors
from can_train.runs.layout import batch_path
from can_train.training.adaptive_batch_size import SafetyFactorDatabase
from can_train.training.batch_decision import read_decision
from can_train.training.safety_factor import AFTER_OUT_OF_MEMORY
from tests.slurm.login import COMMON, Login, slurm, until

MEMORY_MB = 1200
TOO_MANY = "2000"
"""Windows that take some 1300 MB beside the 500 MB of a worker."""

TEACHER = ("train", *COMMON, "--model", "gat", "--model-size", "teacher",
           "--training-strategy", "normal", "--stride", "10",
           "--memory", f"{MEMORY_MB}M", "--submit")  # fmt: skip


@pytest.fixture(autouse=True)
def enforcing() -> None:
    """The cluster ends a job that takes more memory than it asked for."""
    said = slurm("scontrol", "show", "config")
    if "OverMemoryKill" not in said and "task/cgroup" not in said:
        pytest.skip("this cluster doesn't enforce memory")


@pytest.mark.slurm
def test_a_batch_far_too_large_is_killed_and_the_next_run_starts_lower(login: Login) -> None:
    login.ok(*TEACHER, "--batch-size", TOO_MANY, "--epochs", "50")
    (row,) = login.until_done()
    assert (row["state"], row["reason"]) == ("failed", "out of memory")
    said = login.ok("batch-size", "history")
    assert said.count("not finished, out of memory 1 x") == 1
    (record,) = SafetyFactorDatabase(login.experiments).records()

    login.ok(*TEACHER, "--batch-size", "auto", "--epochs", "1")
    (second,) = (run for run in login.runs() if run.name != record.run)
    until(lambda: batch_path(second).is_file())
    decision = read_decision(second)
    assert decision is not None
    assert (decision.limit, decision.total_bytes) == ("Slurm", MEMORY_MB * 2**20)
    assert decision.device_class == record.key.device_class
    assert decision.source == "learned"
    assert decision.factor == pytest.approx(load_factors().default + AFTER_OUT_OF_MEMORY)
    assert decision.largest is not None and decision.largest < int(TOO_MANY)
