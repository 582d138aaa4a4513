"""What a request asks for where a word is missing."""

from __future__ import annotations

import pytest

from can_train.config.requests import asked_distillation


@pytest.mark.parametrize(
    ("given", "strategy", "word"),
    [
        (None, None, "no-kd"),
        (None, "normal", "no-kd"),
        (None, "distillation", "with-kd"),
        ("no-kd", "distillation", "no-kd"),
        ("with-kd", "normal", "with-kd"),
    ],
)
def test_a_strategy_means_a_word_where_none_was_given(
    given: str | None, strategy: str | None, word: str
) -> None:
    assert asked_distillation(given, strategy) == word
