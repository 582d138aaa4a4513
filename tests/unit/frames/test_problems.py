"""Malformed lines: which may be left out, and what is said where they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.problems import LineProblems, carries_attack, refuse_problems
from can_train.frames.readers import read_recording
from tests.unit.frames.readers.texts import HEADER, fault, write

FILE = Path("drive.csv")


def problems(count: int, lines: int, *, attacks: int = 0, commonest: int = 1) -> LineProblems:
    return LineProblems(
        first=("drive.csv:1: torn",), count=count, lines=lines, attacks=attacks, commonest=commonest
    )


def refusal(found: LineProblems, lenient: float = 0.0) -> str:
    with pytest.raises(DataError) as caught:
        refuse_problems(FILE, found, lenient)
    return str(caught.value).splitlines()[-1]


@pytest.mark.parametrize(("count", "lines", "lenient"), [(10, 1000, 0.01), (1, 5, 0.01), (0, 9, 0)])
def test_few_malformed_lines_may_be_left_out(count: int, lines: int, lenient: float) -> None:
    refuse_problems(FILE, problems(count, lines), lenient)


def test_more_than_the_share_is_refused_and_the_share_that_would_do_is_named() -> None:
    assert refusal(problems(11, 1000), 0.01) == (
        "malformed: 11 of 1,000 lines, more than the 1.0% that --lenient may leave out. Mend "
        "the file, or allow it with --lenient=0.011"
    )
    refuse_problems(FILE, problems(11, 1000), 0.011)


def test_lenient_is_not_proposed_for_a_wrong_format() -> None:
    told = refusal(problems(400, 500, commonest=300))
    assert told.startswith("300 of 500 lines have the same fault, so the file isn't of this format")
    assert "--lenient" not in told


def test_no_labelled_attack_is_ever_left_out() -> None:
    told = refusal(problems(3, 1000, attacks=2), 1.0)
    assert told == (
        "an attack label on 2 of 3 malformed lines: such lines are never left out. Mend the file"
    )


@pytest.mark.parametrize(
    ("line", "labelled", "field", "attack"),
    [
        ("1.5,0316,9,05,T", True, -1, True),
        ("1.5,0316,9,05,Attack,,", True, -1, True),
        ("1.5,0316,9,05,R", True, -1, False),
        ("(1.0) can0 1G#00 T", False, -1, False),
        ("(1.0) can0 112#00 1", False, -1, True),
        ('"1",x,"00"', True, 0, True),
        ("0,x,00", True, 0, False),
        ("1.5,Flooding,316,9", True, 1, True),
        ("1.5,Normal,316,9", True, 1, False),
    ],
)
def test_a_malformed_line_may_still_say_attack(
    line: str, labelled: bool, field: int, attack: bool
) -> None:
    assert carries_attack(line, labelled=labelled, label_field=field) is attack


def test_attack_label_of_a_torn_line_is_found_wherever_the_column_stands(tmp_path: Path) -> None:
    head = b"attack,timestamp,arbitration_id,data_field\n"
    path = write(tmp_path, head + b"0,1.0,1,00\n" * 200 + b"1,1.0,1,0\n")
    with pytest.raises(DataError, match="an attack label on 1 of 1 malformed line: such"):
        read_recording(path, lenient=0.5)


def test_most_lines_of_another_format(tmp_path: Path) -> None:
    lines = fault(tmp_path, HEADER + b"1.0,1,zz,0\n" * 20)
    assert lines[-1].startswith("20 of 20 lines have the same fault")
