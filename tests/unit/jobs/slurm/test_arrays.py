"""Runs that are alike go out as one array, and each task waits for its own parents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from can_train.jobs.slurm.arrays import JobGroup, SlurmRequest, arrays
from tests.unit.jobs.slurm.requests_for_tests import requests


def named(root: Path, *stages: tuple[str, tuple[int, ...]]) -> list[SlurmRequest]:
    made = requests(root, *(needs for _, needs in stages))
    return [
        replace(request, job=replace(request.job, name=name))
        for request, (name, _) in zip(made, stages, strict=True)
    ]


def shown(
    groups: tuple[JobGroup, ...],
) -> list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    return [
        (tuple(r.job.number for r in g.requests), g.after, g.corresponding) for g in groups
    ]  # fmt: skip


def test_six_students_of_one_teacher_are_an_array_behind_it(tmp_path: Path) -> None:
    found = arrays(named(tmp_path, ("vgae", ()), *(("vgae", (1,)) for _ in range(6))))
    assert shown(found) == [((1,), (), ()), ((2, 3, 4, 5, 6, 7), (1,), ())]


def test_each_task_of_a_chain_waits_for_its_own_parents(tmp_path: Path) -> None:
    chain = [("vgae", ()), ("gat", (1,)), ("dqn", (1, 2)), ("vgae", ()), ("gat", (4,)),
             ("dqn", (4, 5))]  # fmt: skip
    assert shown(arrays(named(tmp_path, *chain))) == [
        ((1, 4), (), ()), ((2, 5), (), (1,)), ((3, 6), (), (1, 2)),
    ]  # fmt: skip


def test_a_shared_parent_and_an_own_one_are_both_waited_for(tmp_path: Path) -> None:
    stages = [("vgae", ()), ("gat", (1,)), ("dqn", (1, 2)), ("gat", (1,)), ("dqn", (1, 4))]
    assert shown(arrays(named(tmp_path, *stages))) == [
        ((1,), (), ()), ((2, 4), (1,), ()), ((3, 5), (1,), (2,)),
    ]  # fmt: skip


def test_parents_in_another_order_are_waited_for_one_by_one(tmp_path: Path) -> None:
    stages = [("vgae", ()), ("vgae", ()), ("gat", (2,)), ("gat", (1,)), ("gat", (2,))]
    assert shown(arrays(named(tmp_path, *stages))) == [
        ((1, 2), (), ()), ((3, 5), (2,), ()), ((4,), (1,), ()),
    ]  # fmt: skip


def test_runs_without_parents_or_children_go_together_whatever_their_model(tmp_path: Path) -> None:
    found = arrays(named(tmp_path, ("vgae", ()), ("gat", ()), ("vgae", ()), ("gat", (3,))))
    assert shown(found) == [((1, 2), (), ()), ((3,), (), ()), ((4,), (3,), ())]
