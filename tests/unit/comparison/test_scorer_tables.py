"""Tables, remarks and JSON of every scorer."""

from __future__ import annotations

import json

from can_train.comparison.groups import compare_runs
from can_train.comparison.scorer_tables import ByFile, by_file
from can_train.comparison.tables import Table, markdown_of
from tests.unit.comparison.fusions_for_tests import fusions
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made


def titled(files: ByFile, words: str) -> Table:
    (table,) = [table for table in files.tables if words in table.title]
    return table


def test_there_are_two_tables_per_scenario_and_of_kinds_and_one_of_the_experts(made: Made) -> None:
    titles = [table.title for table in by_file(compare_runs(fusions(made))).tables]
    assert len(titles) == 2 * 4 + 1
    assert titles[2] == f"car / dqn, student, 3 seeds: {FIRST}, windows"
    assert titles[3] == f"car / dqn, student, 3 seeds: {FIRST}, alarm stage"
    assert titles[6] == "car / dqn, student, 3 seeds: attack kinds (average of files), windows"
    assert titles[8] == "car / dqn, student, 3 seeds: fusion minus best expert, paired by seed"


def test_rows_are_all_files_then_each_with_models_before_controls(made: Made) -> None:
    files = by_file(compare_runs(fusions(made)))
    rows = titled(files, f"{FIRST}, windows").rows
    assert [row[0] for row in rows] == [
        name
        for place in ("all files", "DoS-1", "quiet-1")
        for name in (f"-- {place}", "vgae", "gat", "fusion", "vehicle_profile", "id_lookup *")
    ]
    assert rows[3] == (
        "fusion", "0.8000 ± 0.2484", "0.7000", "0.6000 ± 0.2484", "0.5000", "0.0200 ± 0.0248",
        "10.0±24.8 (<23.0)",
    )  # fmt: skip
    quiet = rows[15]
    assert quiet[1:5] == ("n/a", "n/a", "n/a", "n/a") and quiet[5] == "0.0200 ± 0.0248"


def test_the_alarm_stage_has_attacks_found_delays_and_events_per_hour(made: Made) -> None:
    files = by_file(compare_runs(fusions(made)))
    rows = titled(files, f"{FIRST}, alarm stage").rows
    assert rows[9] == (
        "fusion", "3.0±2.5 of 4", "0.50±0.00", "n/a", "4.0±0.0 (<11.0)", "n/a", "n/a", "75.0±0.0",
        "n/a",
    )  # fmt: skip
    assert rows[15][1] == "n/a"
    kinds = titled(files, "attack kinds (average of files), alarm stage").rows
    assert kinds[0][0] == "-- DoS (2 files)"
    # Six attacks in two files; an average of bounds is none.
    assert kinds[3][1] == "4.0±5.0 of 6" and kinds[3][4] == "4.0±0.0"


def test_fusion_minus_best_expert_names_the_expert_and_the_least_row(made: Made) -> None:
    files = by_file(compare_runs(fusions(made)))
    rows = titled(files, "minus best expert").rows
    assert [row[0] for row in rows if row[0].startswith("--")] == [
        "-- held_out", f"-- {FIRST}", f"-- {SECOND}",
    ]  # fmt: skip
    at = rows.index((f"-- {FIRST}", "", "", "", ""))
    assert rows[at + 1] == (
        "all files", "gat", "+0.1000 [-0.1484, +0.3484]", "vgae", "+0.1000 [-0.3968, +0.5968]",
    )  # fmt: skip
    assert rows[at + 3] == ("quiet-1", "n/a", "n/a", "n/a", "n/a")
    assert files.remarks[0] == (
        "car, student: least ROC-AUC of fusion minus best: +0.0500 [-0.1984, +0.2984] "
        f"(gat; {SECOND}, DoS-2)"
    )
    assert files.remarks[1].startswith("car, student: least F1 of fusion minus best: +0.0500 [")
    assert any("(<x): the highest of the seeds' upper 95 % bounds" in r for r in files.remarks)


def test_json_holds_every_figure_and_the_page_every_row(made: Made) -> None:
    comparison = compare_runs(fusions(made))
    files = by_file(comparison)
    document = json.loads(json.dumps(files.document, allow_nan=False))
    (group,) = document["files"]
    assert (group["seeds"], len(group["runs"])) == ([0, 1, 2], 3)
    (row,) = [
        r for r in group["rows"]
        if (r["scenario"], r["file"], r["scorer"]) == (FIRST, "DoS-1", "fusion")
    ]  # fmt: skip
    assert row["figures"]["roc_auc"]["values"] == [0.9, 0.8, 0.7]
    assert (row["figures"]["fpr"]["worst"], row["figures"]["fpr"]["worst_seed"]) == (0.03, 2)
    assert row["figures"]["mcc"]["mean"] is None
    assert row["figures"]["recall_first_third"]["mean"]["mean"] == 0.75
    kinds = [r for r in group["rows"] if r["scenario"] is None]
    assert kinds[0]["files"] == [f"{FIRST}/DoS-1", f"{SECOND}/DoS-2"]
    assert len(group["minus_best_expert"]) == 2 * 7
    assert len(document["files_notes"]) == 2
    page = markdown_of(comparison, "can-train compare car --files", files.tables, files.remarks)
    for table in files.tables:
        assert f"## {table.title}" in page
        assert all(f"| {' | '.join(row)} |" in page for row in table.rows)
