"""Tables, markdown and JSON of a comparison."""

from __future__ import annotations

import json

import pytest

from can_train.comparison.groups import compare_runs
from can_train.comparison.tables import document_of, markdown_of, tables_of, verdicts_of
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made, only, three_seeds


def test_what_is_not_defined_is_not_available(made: Made) -> None:
    values: dict[str, float | None] = {FIRST: 0.5, SECOND: None}
    runs = [made.run(made.config(seed=s), values) for s in (0, 1)]
    section = only(compare_runs(runs))
    assert section.averaged == (FIRST,)
    assert section.of_group(section.groups[0], SECOND, "roc_auc") is None
    rows = tables_of(section)[1].rows
    assert rows[1] == (SECOND, "student", "n/a", "n/a", "n/a", "0.2500 ± 0.0000")
    assert len(rows) == 2


def test_tables_markdown_and_json_say_the_same(made: Made) -> None:
    comparison = compare_runs(three_seeds(made))
    section = only(comparison)
    models, scenarios = tables_of(section)
    assert models.rows[0] == ("student", "0, 1, 2", "5,678", "1,234", "n/a", "n/a")
    assert scenarios.rows[0][:3] == (FIRST, "student", "0.9100 ± 0.0248")
    assert scenarios.rows[2][:3] == (FIRST, "teacher", "0.9900 ± n/a")
    assert scenarios.rows[3][:3] == (
        FIRST, "student+KD - student, 3 seeds", "+0.0200 [-0.0048, +0.0448]",
    )  # fmt: skip
    (verdict,) = verdicts_of(section)
    assert "upper bound >= 0 in 1 of 2 scenarios" in verdict
    assert f"worse in {SECOND}" in verdict
    page = markdown_of(comparison, "can-train compare car")
    assert "```\ncan-train compare car\n```" in page
    for row in (*models.rows, *scenarios.rows):
        assert f"| {' | '.join(row)} |" in page
    document = json.loads(json.dumps(document_of(comparison)))
    (pair,) = document["sections"][0]["pairs"]
    assert pair["differences"][FIRST]["roc_auc"]["mean"] == pytest.approx(0.02)
    assert pair["seeds"] == [0, 1, 2]
    assert document["sections"][0]["groups"][2]["figures"][FIRST]["roc_auc"]["low"] is None
