"""The grammar of a split's name."""

from __future__ import annotations

import pytest

from can_train.config.split_name import SPLIT_FORMS, Fold, fold_of, is_split_name


def test_folds_are_read_back_as_they_are_written():
    for text in ("leave-vehicle-out:kia", "leave-attack-out:DoS:2"):
        assert str(fold_of(text)) == text
    assert fold_of("leave-attack-out:DoS") == Fold(rule="leave-attack-out", value="DoS")


@pytest.mark.parametrize("text", ["", "random", "time:2", "leave-vehicle-out", "leave-attack-out:"])
def test_anything_else_is_no_split(text):
    assert not is_split_name(text)
    assert fold_of(text) is None


def test_the_forms_that_messages_show_are_split_names():
    assert SPLIT_FORMS == ("time", "leave-vehicle-out:NAME", "leave-attack-out:KIND")
    assert all(map(is_split_name, SPLIT_FORMS))
