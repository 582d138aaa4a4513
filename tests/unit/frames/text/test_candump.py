"""What a survey of a text of candump finds, whatever stands before its line ends."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.frames.text.candump import ATTACK, BENIGN, FD, survey


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 0),
        ("0", 0),
        ("\n\n", 0),
        ("(1.0) can0 123#00\n", 0),
        ("(1.0) can0 123#0011 0\n(1.1) can0 123#00\n", BENIGN),
        ("(1.0) can0 123#0011 1\r\n(1.1) can0 123#00\r\n", ATTACK),
        ("(1.0) can0 123#0011\t1 \t \n", ATTACK),
        ("(1.0) can0 123#0011 2\n", 0),
        ("(1.0) can0 123##0AA\n(1.1) can0 123#00 0", FD | BENIGN),
        ("(1.0) can0 123##0AA 0\n(1.1) can0 123#00 1 ", FD | BENIGN | ATTACK),
        ("(1.0) can0 123##0AA1\n", FD),
        (" 1\n", ATTACK),
        ("1\n", 0),
    ],
)
def test_labels_and_can_fd_are_found(text: str, found: int) -> None:
    assert survey(np.frombuffer(text.encode(), np.uint8)) == found


def test_a_long_text_is_surveyed_to_its_last_line() -> None:
    line = "(1.0) can0 123#0011223344556677\n"
    assert survey(np.frombuffer((999 * line).encode(), np.uint8)) == 0
    last = "(1.0) can0 123#00 1\n"
    assert survey(np.frombuffer((999 * line + last).encode(), np.uint8)) == ATTACK
