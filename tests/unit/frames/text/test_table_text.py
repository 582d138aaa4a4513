"""The first lines of a table by column: fast where they are plain, the same where they aren't."""

from __future__ import annotations

import pytest

from can_train.frames.text.table_text import cells_of

HEADER = "time,id,data,note"


@pytest.mark.parametrize(
    "lines",
    [
        ["1.5,1A0,00FF,x", "2.5,1A1,,X", "3.5,1A2,01,"],
        ["1.5, 1A0,00FF ,x", "2.5,1A1,,X", "3.5,1A2,01,"],
        ['1.5,1A0,"00FF",x', "2.5,1A1,,X", "3.5,1A2,01,"],
        ["1.5,1A0,00FF,x", "2.5,1A1,,X", "# a remark", "3.5,1A2,01"],
        ["# a remark", "1.5,1A0,00FF,x", "#", "2.5,1A1,,X", "3.5,1A2,01,"],
        ["1.5,1A0,00FF,x", "2.5\u00a0,1A1,,X", "3.5,1A2,01,"],
    ],
    ids=["plain", "blanks", "quotes", "a cell less", "remarks", "a blank that isn't ASCII"],
)
def test_cells_stand_in_their_columns(lines: list[str]) -> None:
    cells = cells_of([HEADER, *lines])
    assert cells is not None
    assert cells.columns == (
        ("1.5", "2.5", "3.5"), ("1A0", "1A1", "1A2"), ("00FF", "", "01"), ("x", "X", ""),
    )  # fmt: skip
    assert cells.column(2) == ("00FF", "01")
    assert cells.values(3) == {"x", ""}
    assert (cells.column(4), cells.values(4)) == ((), {""})


def test_a_header_alone_has_no_cells() -> None:
    cells = cells_of([HEADER])
    assert cells is not None
    assert (cells.columns, cells.column(0), cells.values(0)) == ((), (), set())
