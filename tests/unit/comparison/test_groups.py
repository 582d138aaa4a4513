"""Comparisons from real files on disk: groups, pairs, and what is left out."""

import os
from dataclasses import replace

import pytest

from can_train.comparison.groups import compare_runs
from can_train.evaluation.report import load_report, write_report
from can_train.runs.layout import artifact_path, evaluation_path
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made, only, three_seeds


def test_runs_that_differ_by_seed_and_parents_are_one_group(made: Made) -> None:
    section = only(compare_runs(three_seeds(made)))
    assert [(g.label, g.seeds) for g in section.groups] == [
        ("student", (0, 1, 2)), ("student+KD", (0, 1, 2)), ("teacher", (0,)),
    ]  # fmt: skip
    assert (section.dataset, section.model, section.scenarios) == ("car", "gat", (FIRST, SECOND))


def test_differences_are_paired_by_seed(made: Made) -> None:
    section = only(compare_runs(three_seeds(made)))
    (pair,) = section.pairs
    found = section.of_pair(pair, FIRST, "roc_auc")
    assert found is not None and found.half_width is not None
    assert found.mean == pytest.approx(0.02)
    assert found.half_width == pytest.approx(4.302652729911275 * 0.01 / 3**0.5)
    average = section.of_pair(pair, None, "roc_auc")
    assert average is not None
    assert average.mean == pytest.approx((0.02 - 0.1) / 2)
    student = section.of_group(section.groups[0], FIRST, "roc_auc")
    assert student is not None and student.mean == pytest.approx(0.91)


def test_only_common_seeds_are_paired(made: Made) -> None:
    runs = [made.run(made.config(seed=s), {FIRST: 0.5}) for s in (0, 1)]
    runs += [made.run(made.config(seed=s, alpha=0.7), {FIRST: 0.5}) for s in (1, 2)]
    (pair,) = only(compare_runs(runs)).pairs
    assert pair.seeds == (1,)


def test_groups_of_one_kind_are_told_apart_by_what_differs(made: Made) -> None:
    runs = [made.run(made.config(alpha=alpha), {FIRST: 0.5}) for alpha in (0.3, 0.7)]
    comparison = compare_runs(runs)
    labels = [group.label for group in only(comparison).groups]
    assert sorted(labels) == ["student+KD (alpha 0.3)", "student+KD (alpha 0.7)"]
    assert only(comparison).pairs == ()
    assert len(comparison.notes) == 2 and "no paired difference" in comparison.notes[0]


def test_a_run_made_again_replaces_the_first(made: Made) -> None:
    first = made.run(made.config(), {FIRST: 0.5})
    second = made.run(made.config(), {FIRST: 0.6}, suffix="-2")
    os.utime(artifact_path(first, "gat", "student"), (1, 1))
    comparison = compare_runs([second, first])
    (group,) = only(comparison).groups
    assert [run.run_id for run in group.runs] == [second.name]
    assert comparison.notes == (
        f"run {first.name} isn't compared: run {second.name} has the same settings and seed 0",
    )


def test_evaluations_of_other_test_files_are_told(made: Made) -> None:
    runs = three_seeds(made)
    assert not compare_runs(runs).notes
    path = evaluation_path(runs[1])
    write_report(replace(load_report(path), recordings={f"{FIRST}/DoS-kia": "a" * 64}), path.parent)
    (note,) = compare_runs(runs).notes
    assert note == (
        "car gat: 1 of 7 runs were evaluated on other test files than the newest run, so the "
        f"figures don't compare. Evaluate again: can-train evaluate {runs[1].name}"
    )
    # What a fold held out, or lay outside of the dataset, is no test file.
    changed = replace(load_report(path), recordings={"held_out/DoS-kia": "a" * 64})
    write_report(changed, path.parent)
    assert not compare_runs(runs).notes
