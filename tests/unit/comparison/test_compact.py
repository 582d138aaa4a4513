"""A comparison on one screen: groups beside the best control, and what they are below it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from can_train.baselines.named import DetectorIdentity
from can_train.comparison.compact import COLUMNS, compact_section, section_remarks
from can_train.comparison.groups import compare_runs
from can_train.evaluation.report import load_report, write_report
from can_train.runs.layout import evaluation_path
from can_train.tables import table_lines
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made, figures, only, three_seeds


def test_each_scenario_has_its_groups_and_the_best_control(made: Made) -> None:
    section = only(compare_runs(three_seeds(made)))
    lines = [text for text, _ in table_lines(COLUMNS, list(compact_section(section)), 80)]
    assert max(map(len, lines)) <= 80
    at = lines.index(FIRST)
    assert [line.split()[0] for line in lines[at + 1 : at + 5]] == [
        "student", "student+KD", "teacher", "id_lookup",
    ]  # fmt: skip
    assert "0.910±0.025" in lines[at + 1] and "0.9900" in lines[at + 3]
    assert SECOND in lines


def with_detector(run: Path, roc_auc: float, sha256: str = "0") -> None:
    """Puts a row of somebody else's detector into the evaluation of a run."""
    report = load_report(evaluation_path(run))
    mine = replace(report.rows[0], scorer="mine", kind="other", metrics=figures(roc_auc))
    identity = DetectorIdentity(module="my", cls="Mine", version="", sha256=sha256)
    found = replace(report, rows=(*report.rows, mine), detectors={"mine": identity})
    write_report(found, run)


def test_a_detector_of_somebody_elses_stands_between_groups_and_control(made: Made) -> None:
    runs = three_seeds(made)
    for seed, run in enumerate(runs):
        with_detector(run, 0.6 + 0.01 * seed)
    section = only(compare_runs(runs))
    lines = [text for text, _ in table_lines(COLUMNS, list(compact_section(section)), 80)]
    at = lines.index(FIRST)
    assert [" ".join(line.split()[:2]) for line in lines[at + 4 : at + 6]] == [
        "mine (other)", "id_lookup (control)",
    ]  # fmt: skip
    assert "0.630" in lines[at + 4]


def test_one_that_is_not_the_same_beside_all_runs_is_told(made: Made) -> None:
    runs = three_seeds(made)
    for run in runs[2:]:
        with_detector(run, 0.6, sha256="1" if run == runs[2] else "0")
    (note,) = [note for note in compare_runs(runs).notes if "mine" in note]
    assert note.startswith("car gat: mine isn't beside 3 of 7 runs, or it is another one there.")
    for run in runs[:3]:
        assert f"can-train evaluate {run.name} --detector my:Mine" in note


def test_below_stands_what_the_groups_are_what_is_wrong_and_who_leads(made: Made) -> None:
    runs = three_seeds(made)
    lines = section_remarks(only(compare_runs(runs)))
    assert f"teacher: 1 seed, 5,678 parameters, 1 kB; run {runs[0].name}" in lines
    assert all(any(run.name in line for line in lines) for run in runs)
    assert "test_01: student: 25 % of benign windows alarm" in lines
    assert "test_01: a simple control beats the trained models: F1 id_lookup 1.0000" in [
        line.partition(",")[0] for line in lines
    ]
