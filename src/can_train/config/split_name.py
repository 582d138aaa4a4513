"""The grammar of a split's name: `time`, or what is left out of training (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

LeaveOut = Literal["leave-vehicle-out", "leave-attack-out"]
LEAVE_OUT: Final[tuple[LeaveOut, ...]] = get_args(LeaveOut)

BY_TIME: Final = "time"
_VALUES: Final[dict[LeaveOut, str]] = {"leave-vehicle-out": "NAME", "leave-attack-out": "KIND"}

SPLIT_FORMS: Final = (BY_TIME, *(f"{rule}:{value}" for rule, value in _VALUES.items()))
"""How a split can be named, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A split that keeps the recordings of one vehicle, or with one kind of attack, out.

    Attributes:
        rule: What is left out.
        value: Which vehicle or kind of attack.
    """

    rule: LeaveOut
    value: str

    def __str__(self) -> str:
        return f"{self.rule}:{self.value}"


def is_split_name(text: str) -> bool:
    """Whether `text` names a split, of whatever dataset."""
    return text == BY_TIME or fold_of(text) is not None


def fold_of(text: str) -> Fold | None:
    """What the split called `text` leaves out; None if that is nothing, or it names no split."""
    for rule in LEAVE_OUT:
        value = text.removeprefix(f"{rule}:")
        if value and value != text:
            return Fold(rule=rule, value=value)
    return None
