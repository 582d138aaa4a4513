"""Commands in messages work where the message was raised."""

from __future__ import annotations

import argparse

import pytest

from can_train.cli.hints import ROOTS, with_roots
from can_train.cli.main import build_parser

GIVEN = {"experiment_root": "/my runs", "data_root": "/d", "teacher_root": None, "name": "x"}


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "run x has no log. Look at it: can-train status x",
            "run x has no log. Look at it: can-train status --experiment-root '/my runs' x",
        ),
        (
            "Use: can-train data inspect --modality automotive; or can-train demo",
            "Use: can-train data inspect --data-root /d --modality automotive; "
            "or can-train demo --data-root /d --experiment-root '/my runs'",
        ),
        (
            "See: can-train batch-size history",
            "See: can-train batch-size history --experiment-root '/my runs'",
        ),
        ("can-train status --experiment-root /other", "can-train status --experiment-root /other"),
        ("See: can-train models --help", "See: can-train models --help"),
        ("this can-train makes version 3", "this can-train makes version 3"),
    ],
)
def test_folders_that_were_typed_are_added(message: str, told: str) -> None:
    assert with_roots(message, GIVEN) == told


def test_nothing_typed_changes_nothing() -> None:
    assert with_roots("can-train status x", {"name": "x"}) == "can-train status x"


@pytest.mark.parametrize("root", ROOTS)
def test_the_commands_are_those_that_take_the_folder(root: str) -> None:
    taking = {
        name
        for name, parser in commands(build_parser(), "")
        if f"--{root}-root" in parser._option_string_actions
    }
    assert set(ROOTS[root]) == taking


def commands(
    parser: argparse.ArgumentParser, before: str
) -> list[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser, those of groups by both words."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                nested = commands(inner, f"{before}{name} ")
                found += nested or [(f"{before}{name}", inner)]
    return found
