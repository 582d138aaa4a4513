"""The page of figures is made from the stored ones, and a loss is told from noise."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import tables
from benchmarks.__main__ import PARTS
from benchmarks.rows import Row, lost, measured, read_rows, row_of, write_rows
from benchmarks.tables import FIGURES, PAGE, machine, page_of, parts_of

RATE = row_of("Part", "steps", "windows/s", "a loop", [(30.0, 10.0), (50.0, 10.0), (40.0, 10.0)])


def test_the_page_shows_all_stored_figures() -> None:
    text, rows = PAGE.read_text(encoding="utf-8"), read_rows(FIGURES)
    assert page_of(text, rows, machine()) == text
    assert rows and {row.part for row in rows} < parts_of(text)


def test_every_part_has_figures_and_a_place_for_them() -> None:
    places = parts_of(PAGE.read_text(encoding="utf-8"))
    for part in PARTS:
        text = Path(tables.__file__).with_name(f"{part}.py").read_text(encoding="utf-8")
        assert "def rows(rounds: int" in text
        found = set(re.findall(r"(?:measured|row_of)\(\s*\"(\w+)\"", text))
        assert found and found <= places


def test_ratios_say_how_many_times_as_good() -> None:
    assert (RATE.value, RATE.ratio, RATE.low, RATE.high, RATE.rounds) == (40.0, 4.0, 3.5, 4.5, 3)
    cost = row_of("Part", "start", "CPU-s", "torch", [(2.0, 1.0)])
    assert (cost.ratio, cost.low, cost.high) == (0.5, 0.5, 0.5)


def test_both_run_in_turn_after_a_round_that_is_not_counted() -> None:
    order: list[str] = []

    def ours() -> float:
        order.append("ours")
        return float(len(order))

    def reference() -> float:
        order.append("reference")
        return 1.0

    row = measured("Part", "x", "ms", ours, "y", reference, 2)
    assert order == ["ours", "reference"] * 2 + ["reference", "ours"]
    assert (row.rounds, row.value) == (2, 4.5)


def test_rows_come_back_from_their_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", [RATE])
    assert read_rows(tmp_path / "rows.csv") == [RATE]


@pytest.mark.parametrize(("high", "worse"), [(3.2, 0), (3.1, 1)])
def test_a_loss_is_what_lies_beyond_noise(high: float, worse: int) -> None:
    now = replace(RATE, ratio=3.0, low=2.9, high=high)
    assert len(lost([now, replace(now, what="new")], [RATE])) == worse
    assert len(lost([RATE], [now])) == 0


def test_a_table_has_its_part_alone() -> None:
    text = "<!-- figures: Part -->\nold\n<!-- end -->\nbetween\n<!-- figures: B -->\n<!-- end -->\n"
    assert isinstance(RATE, Row)
    made = page_of(text, [RATE], {})
    assert made.count("| steps | windows/s | 40 | a loop | 10 | 4 | 3.5, 4.5 |") == 1
    assert "old" not in made and "between" in made and page_of(made, [RATE], {}) == made
