"""The command that was typed can be pasted again."""

from __future__ import annotations

import pytest

from can_train.runs import typed_command
from can_train.runs.typed_command import remember_command


def test_words_are_quoted_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_command._Typed, "words", ())
    assert typed_command.typed_command() is None
    remember_command(["score", "0123456789ab", "logs/to day.log"])
    assert typed_command.typed_command() == "can-train score 0123456789ab 'logs/to day.log'"
