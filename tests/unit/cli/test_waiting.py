"""What goes on is told on stderr: a moving line on a terminal, a line each elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from can_train.cli.waiting import waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_each_thing_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting("reading") as tell:
        tell("scoring test_01")
    assert capsys.readouterr() == ("", "reading\nscoring test_01\n")


def test_on_a_terminal_it_moves_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with waiting("reading") as tell:
        tell("scoring test_01")
    shown = terminal.getvalue()
    assert "scoring test_01" in shown and "0:00:0" in shown
    assert shown.endswith("\x1b[2K")  # the line is erased
