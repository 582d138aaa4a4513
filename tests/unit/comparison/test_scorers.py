"""Every scorer over seeds: figures, attack kinds, and what has no evaluation of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from can_train.comparison.groups import compare_runs
from can_train.comparison.scorers import ScorerGroup, Subject, scorer_groups
from can_train.evaluation.report import load_report, write_report
from can_train.runs.layout import evaluation_path
from tests.unit.comparison.fusions_for_tests import HELD_OUT, evaluate, fusions
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made

ALL = Subject(scenario=FIRST)


@pytest.fixture
def group(made: Made) -> ScorerGroup:
    (group,) = scorer_groups(compare_runs(fusions(made)))[0]
    return group


def kind_of(group: ScorerGroup, kind: str) -> Subject:
    return next(subject for subject in group.kinds if subject.kind == kind)


def test_models_stand_before_controls_and_files_below_their_scenario(group: ScorerGroup) -> None:
    assert list(group.scorers.items()) == [
        ("vgae", "model"), ("gat", "model"), ("fusion", "model"), ("vehicle_profile", "model"),
        ("id_lookup", "control"),
    ]  # fmt: skip
    assert group.scenarios == (HELD_OUT, FIRST, SECOND)
    assert [s.file for s in group.of_scenario(FIRST)] == [None, "DoS-1", "quiet-1"]
    assert (group.own, group.experts, group.seeds) == ("fusion", ("vgae", "gat"), (0, 1, 2))


def test_a_figure_has_a_student_interval_and_the_worst_seed(group: ScorerGroup) -> None:
    found = group.over_seeds(ALL, "fusion", "roc_auc")
    assert found.values == (0.9, 0.8, 0.7)
    assert found.mean is not None and found.mean.half_width is not None
    assert found.mean.mean == pytest.approx(0.8)
    assert found.mean.half_width == pytest.approx(4.302652729911275 * 0.1 / 3**0.5)
    assert (found.worst, found.worst_seed) == (0.7, 2)


@pytest.mark.parametrize(
    ("figure", "worst", "seed"),
    [("fpr", 0.03, 2), ("false_alarms_per_hour_upper", 23.0, 2), ("alarms_per_hour_upper", 11.0, 2),
     ("found_by_alarm", 2.0, 2), ("f1", 0.5, 2)],
)  # fmt: skip
def test_the_worst_is_the_highest_where_low_is_good(
    group: ScorerGroup, figure: str, worst: float, seed: int
) -> None:
    found = group.over_seeds(ALL, "fusion", figure)
    assert found.worst == pytest.approx(worst)
    assert found.worst_seed == seed


def test_what_one_seed_lacks_is_undefined(made: Made) -> None:
    runs = fusions(made)
    path = evaluation_path(runs[-1])
    report = load_report(path)
    rows = [
        replace(row, metrics=None, alarms=None) if row.scorer == "gat" else row
        for row in report.rows
    ]
    write_report(replace(report, rows=tuple(rows)), path.parent)
    (group,) = scorer_groups(compare_runs(runs))[0]
    found = group.over_seeds(ALL, "gat", "roc_auc")
    assert found.values == (0.8, 0.6, None)
    assert (found.mean, found.worst, found.worst_seed) == (None, None, None)


def test_an_attack_kind_is_the_average_of_its_official_files(group: ScorerGroup) -> None:
    assert [subject.kind for subject in group.kinds] == ["DoS", "none"]
    dos, quiet = kind_of(group, "DoS"), kind_of(group, "none")
    assert dos.files == ((FIRST, "DoS-1"), (SECOND, "DoS-2"))
    assert quiet.files == ((FIRST, "quiet-1"),)
    assert group.values(dos, "fusion", "roc_auc") == pytest.approx((0.775, 0.675, 0.575))
    assert group.values(dos, "fusion", "episodes") == (6, 6, 6)
    assert group.values(dos, "fusion", "found_by_alarm") == (6, 4, 2)
    assert group.values(quiet, "fusion", "fpr") == pytest.approx((0.01, 0.02, 0.03))


def test_a_kind_leaves_out_files_that_no_scorer_can_have_a_figure_of(group: ScorerGroup) -> None:
    dos = kind_of(group, "DoS")
    # Only one of the files has an attack of 10 s.
    assert group.values(dos, "fusion", "recall_first_third") == (0.75, 0.75, 0.75)
    # The control found nothing in the other file: without it, it would look prompt.
    assert group.values(dos, "id_lookup", "delay_median_s") == (None, None, None)
    assert group.values(dos, "fusion", "delay_median_s") == (0.5, 0.5, 0.5)
    assert group.values(dos, "fusion", "alarms_per_hour") == (4.0, 4.0, 4.0)
    assert group.values(dos, "fusion", "alarms_per_hour_upper") == (None, None, None)


def test_groups_without_an_evaluation_of_their_own_are_told(made: Made) -> None:
    runs = fusions(made)
    _, notes = scorer_groups(compare_runs(runs))
    assert [note.partition(":")[0] for note in notes] == ["car vgae, student", "car gat, student"]
    assert "its rows stand in the evaluations of the runs that were built on it" in notes[0]
    gat = runs[1]
    evaluate(gat, {"gat": gat.name}, 0)
    groups, notes = scorer_groups(compare_runs(runs))
    assert [(g.model, g.seeds, g.experts) for g in groups] == [
        ("gat", (0,), ()), ("dqn", (0, 1, 2), ("vgae", "gat")),
    ]  # fmt: skip
    others = "; ".join(f"can-train evaluate {run.name}" for run in (runs[4], runs[7]))
    assert notes[1] == (
        "car gat, student: the tables by file lack the seeds 1, 2, whose runs have no evaluation "
        f"of their own. Use: {others}"
    )
