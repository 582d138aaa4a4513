"""Errors: which exit code the program ends with, alone and together."""

from __future__ import annotations

import pytest

from can_train.errors import (
    ArtifactError,
    CanTrainError,
    ConfigError,
    DataError,
    PreflightError,
    ProblemList,
    SubmissionError,
    TrainingError,
    counted,
    did_you_mean,
    each,
    exit_code_of,
    raise_all,
)

CODES = {
    CanTrainError: 1,
    TrainingError: 1,
    ConfigError: 2,
    PreflightError: 3,
    SubmissionError: 4,
    DataError: 5,
    ArtifactError: 6,
}


def test_every_layer_has_its_exit_code() -> None:
    assert {kind: exit_code_of(kind("x")) for kind in CODES} == CODES
    assert set(CanTrainError.__subclasses__()) == {*CODES, ProblemList} - {CanTrainError}


def test_several_problems_are_shown_in_order_and_end_with_the_lowest_code() -> None:
    problems = [DataError("no data"), ConfigError("no such word"), ArtifactError("no file")]
    together = ProblemList(problems)
    assert str(together) == "no data\nno such word\nno file"
    assert exit_code_of(together) == 2
    assert each(together) == tuple(problems)
    assert each(problems[0]) == (problems[0],)


def test_problems_are_raised_together_one_alone_and_none_not_at_all() -> None:
    raise_all([])
    one = DataError("no data")
    with pytest.raises(DataError) as caught:
        raise_all([one])
    assert caught.value is one
    with pytest.raises(ProblemList, match="no data\nno file"):
        raise_all([one, ArtifactError("no file")])


def test_the_nearest_word_is_named_if_there_is_one() -> None:
    assert did_you_mean("trian", ["train", "validation"]) == "; did you mean train?"
    assert did_you_mean("x", iter(["train", "validation"])) == ""


def test_one_is_no_plural() -> None:
    assert [counted(n, "stage") for n in (0, 1, 1200)] == ["0 stages", "1 stage", "1,200 stages"]
