"""Partitions and accounts are looked up before anything is submitted."""

from __future__ import annotations

import pytest

from can_train.config.schema import Resources
from can_train.jobs.job import Needs
from can_train.jobs.slurm.cluster import unknown_words
from tests.unit.jobs.fake_slurm import FakeSlurm


def needs(number: int, **resources: str) -> Needs:
    asked = Resources(**resources)  # type: ignore[arg-type]
    return Needs(
        number=number, title=f"stage {number}", model="gat", model_size="student", resources=asked
    )


def test_unknown_words_are_told_once_with_the_first_stage(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("sinfo", "cpu\ngpu\n")
    fake_slurm.answers("sacctmgr", "lab\n")
    asked = [needs(1, partition="cpu,gpu"), needs(2, partition="gpuu"), needs(3, partition="gpuu"),
             needs(4, account="lob")]  # fmt: skip
    assert [str(problem) for problem in unknown_words(asked)] == [
        "--partition: stage 2: Slurm knows no partition gpuu; did you mean gpu? Allowed: cpu, gpu",
        "--account: stage 4: Slurm knows no account lob; did you mean lab? Allowed: lab",
    ]


@pytest.mark.parametrize("code", [0, 1])
def test_a_cluster_that_says_nothing_has_no_objection(fake_slurm: FakeSlurm, code: int) -> None:
    fake_slurm.answers("sinfo", "", code)
    assert not list(unknown_words([needs(1, partition="nosuch")]))
