"""What no value may hold, and what converters take; `test_bad_arguments.py` asks every option."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from can_train.cli.values import (
    LONGEST,
    Duration,
    Number,
    SettingValue,
    WholeNumber,
    dataset_name,
    file_path,
    folder_path,
    value_problem,
)


@pytest.mark.parametrize("text", ["x", "a b", "Größe/ß.csv", "-1", "a\udcffb", "x" * LONGEST])
def test_what_a_person_or_a_file_system_may_mean_is_taken(text: str) -> None:
    assert value_problem(text) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "an empty value isn't allowed"),
        (" \t", "an empty value isn't allowed"),
        ("a\0b", r"'a\\x00b' holds control characters"),
        ("a\x9bb", r"'a\\x9bb' holds control characters"),
        ("ß" * LONGEST, "8,192 bytes are too many. Allowed: at most 4,096"),
    ],
)
def test_what_nobody_means_is_named(text: str, told: str) -> None:
    assert told in value_problem(text).replace("\\", "\\\\")


def test_paths_are_of_a_kind_or_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert file_path(str(path)) == folder_path(str(path)) == path
    path.touch()
    assert file_path(str(path)) == path and folder_path(str(tmp_path)) == tmp_path
    with pytest.raises(argparse.ArgumentTypeError, match="is a folder. Give a file"):
        file_path(str(tmp_path))
    with pytest.raises(argparse.ArgumentTypeError, match="is a file. Give a folder"):
        folder_path(str(path))


def test_numbers_are_in_their_range() -> None:
    whole, real = WholeNumber(least=-3, most=5), Number(least=0.5, most=2)
    assert (whole("-3"), whole("5"), real("0.5"), real("2e0")) == (-3, 5, 0.5, 2.0)
    with pytest.raises(argparse.ArgumentTypeError, match="6 isn't allowed. Allowed: a whole numb"):
        whole("6")
    with pytest.raises(argparse.ArgumentTypeError, match="nan isn't allowed. Allowed: a numbe"):
        real("nan")
    assert SettingValue("window")("50") == 50
    told = "1 isn't allowed. Allowed: a whole number of frames >= 2 and <= 4096"
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        SettingValue("window")("1")


def test_a_dataset_has_a_name_of_its_kind() -> None:
    assert dataset_name("set_01") == "set_01"
    with pytest.raises(argparse.ArgumentTypeError, match="'../x' isn't a name. Allowed: letters"):
        dataset_name("../x")


@pytest.mark.parametrize(
    ("text", "seconds"), [("120", 120.0), ("120s", 120.0), ("5min", 300.0), ("0.5min", 30.0)]
)
def test_a_duration_has_its_unit_behind_it(text: str, seconds: float) -> None:
    assert Duration(least=1, most=86_400)(text) == seconds


@pytest.mark.parametrize("text", ["0.5s", "2000min", "min", "1h"])
def test_no_other_duration_is_taken(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="Allowed: a number from"):
        Duration(least=1, most=86_400)(text)
