"""Tables: the same lines in a pipe and on a terminal, but for the columns that don't fit."""

from __future__ import annotations

from io import StringIO

import pytest

from can_train.tables import TableColumn, TableRow, dropped, latex_line, table_lines, write_table

ROWS = [("gat", "1"), ("fusion", "")]
COLUMNS = (
    TableColumn(title="run"),
    TableColumn(title="epoch", right=True),
    TableColumn(title="dataset", drop=1),
    TableColumn(title="node", drop=2),
)
RUN = TableRow(cells=("0123456789ab-2", "3/12", "hcrl_sa", "node17"), notes=("why " * 40,))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_aligned_columns_without_trailing_blanks() -> None:
    out = StringIO()
    write_table(out, ("model", "epochs"), ROWS)
    assert out.getvalue() == "model   epochs\ngat     1\nfusion\n"
    empty = StringIO()
    write_table(empty, ("model", "epochs"), [])
    assert empty.getvalue() == "model  epochs\n"


def test_a_terminal_gets_the_same_lines_in_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    write_table(out, ("model", "epochs"), [TableRow(cells=ROWS[0], style="red"), ROWS[1]])
    assert "\x1b[31mgat     1" in out.getvalue() and "\nfusion\n" in out.getvalue()


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (None, ["run", "epoch", "dataset", "node"]),
        (38, ["run", "epoch", "dataset", "node"]),
        (37, ["run", "epoch", "dataset"]),
        (29, ["run", "epoch"]),
        (5, ["run", "epoch"]),
    ],
)
def test_columns_go_by_importance_and_no_id_is_ever_cut(
    width: int | None, titles: list[str]
) -> None:
    (header, _), (row, _), (note, _) = table_lines(COLUMNS, [RUN], width)
    assert header.split() == titles
    assert row.startswith("0123456789ab-2") and "3/12" in row
    assert note == f"  {'why ' * 40}"
    if width is not None:
        assert [*titles, *dropped(COLUMNS, [RUN], width)] == ["run", "epoch", "dataset", "node"]


def test_only_a_column_that_says_something_is_named_as_left_out() -> None:
    silent = TableRow(cells=("0123456789ab", "3/12", "", ""))
    heading = TableRow(cells=("a heading",))
    assert dropped(COLUMNS, [heading, silent], 5) == ()
    out = Terminal()
    assert write_table(StringIO(), COLUMNS, [RUN]) == ()
    assert write_table(out, COLUMNS, [RUN]) == ()


def test_a_column_without_anything_in_it_takes_no_room_on_a_terminal() -> None:
    bare = TableRow(cells=("0123456789ab", "3/12", "", "node17"))
    assert table_lines(COLUMNS, [bare], 200)[0][0].split() == ["run", "epoch", "node"]
    assert table_lines(COLUMNS, [bare])[0][0].split() == ["run", "epoch", "dataset", "node"]


def test_numbers_end_at_the_same_place() -> None:
    lines = [TableRow(cells=("a", "3/12", "", "")), TableRow(cells=("b", "10/12", "", ""))]
    texts = [text for text, _ in table_lines(COLUMNS, lines)]
    assert texts == ["run  epoch  dataset  node", "a     3/12", "b    10/12"]


def test_prose_at_the_end_goes_on_below_itself() -> None:
    line = TableRow(cells=("epochs", "most passes over the training windows of a stage"))
    texts = [
        t
        for t, _ in table_lines((TableColumn(title="name"), TableColumn(title="help")), [line], 40)
    ]
    assert texts[1:] == ["epochs  most passes over the training", "        windows of a stage"]


def test_every_letter_of_a_latex_row_stands_for_itself() -> None:
    assert latex_line(["a_b & 50%", "0.5 ± 0.1"]) == r"a\_b \& 50\% & 0.5 $\pm$ 0.1 \\"
    assert latex_line(["[x]", "*", "#$^~"]) == (
        r"{[}x{]} & {*} & \#\$\textasciicircum{}\textasciitilde{} \\"
    )
    assert latex_line([r"{\x|<y>}"]) == r"\{\textbackslash{}x$|$$<$y$>$\} \\"
