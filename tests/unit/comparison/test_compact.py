"""A comparison on one screen: groups beside the best control, and what they are below it."""

from __future__ import annotations

from can_train.comparison.compact import COLUMNS, compact_section, section_remarks
from can_train.comparison.groups import compare_runs
from can_train.tables import table_lines
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made, only, three_seeds


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


def test_below_stands_what_the_groups_are_what_is_wrong_and_who_leads(made: Made) -> None:
    runs = three_seeds(made)
    lines = section_remarks(only(compare_runs(runs)))
    assert f"teacher: 1 seed, 5,678 parameters, 1 kB; run {runs[0].name}" in lines
    assert all(any(run.name in line for line in lines) for run in runs)
    assert "test_01: student: 25 % of benign windows alarm" in lines
    assert "test_01: a simple control beats the trained models: F1 id_lookup 1.0000" in [
        line.partition(",")[0] for line in lines
    ]
