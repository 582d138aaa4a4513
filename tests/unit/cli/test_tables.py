"""Tables: aligned plain text in a pipe, drawn on a terminal."""

from __future__ import annotations

from io import StringIO

from can_train.cli.tables import write_table

ROWS = [("gat", "1"), ("fusion", "")]


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


def test_a_terminal_gets_every_cell_in_a_frame() -> None:
    out = Terminal()
    write_table(out, ("model", "epochs"), ROWS)
    assert all(word in out.getvalue() for word in ("model", "epochs", "gat", "fusion", "1", "│"))
