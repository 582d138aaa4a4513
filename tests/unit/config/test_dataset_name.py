"""One rule for the names of datasets."""

from __future__ import annotations

import pytest

from can_train.config.dataset_name import LONGEST_NAME, name_problem


@pytest.mark.parametrize("name", ["hcrl_sa", "set_01", "My-Car.2", "0", "a" * LONGEST_NAME])
def test_usual_names_are_allowed(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "'' isn't a name. Allowed: letters, digits"),
        ("..", "isn't a name"),
        ("_hidden", "a letter or digit first"),
        ("a/b", "isn't a name"),
        ("a\x1b[31m", r"'a\x1b[31m' isn't a name"),
        ("ü", "isn't a name"),
        ("a" * (LONGEST_NAME + 1), "at most 64 in all"),
        ("Latest", "Latest is reserved. Choose another name than latest, none, auto, plans"),
        ("0123456789ab", "looks like the id of a run"),
        ("0123456789ab-2", "looks like the id of a run"),
    ],
)
def test_others_are_refused_with_what_is_allowed(name: str, told: str) -> None:
    assert told in name_problem(name)
