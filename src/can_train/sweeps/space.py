"""What a search chooses from: values of a grid, and ranges of numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from can_train.config.codec import Json, unwrap
from can_train.errors import ConfigError
from can_train.sweeps.axes import OPTION, Axis, annotation_of, axis_of, parse_axis
from can_train.sweeps.results import SEED

LOG: Final = "log"
LINEAR: Final = "linear"
SCALES: Final = (LOG, LINEAR)
DIGITS: Final = 4
"""Significant digits of a number that a search chooses: tables show what was trained."""

_RANGE: Final = re.compile(r"\s*([^=]+?)\s*=\s*([^,\[\]]+?)\.\.([^,\[\]:]+?)(?::([^,]*))?\s*")
USE: Final = "Use for example: --grid learning_rate=1e-4..1e-2 --grid heads=2,4"
NOT_SEARCHED: Final[Mapping[str, str]] = {
    SEED: "the best seed says nothing about the next one",
    "modality": "figures of different data don't compare",
    "dataset": "figures of different data don't compare",
    "model": "figures of different models don't compare",
}
"""Axes that a search can't choose by, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRange:
    """An axis whose values are all numbers between two.

    Attributes:
        name: A setting.
        low, high: Its ends, which belong to it.
        log: Whether equal factors are equally likely, not equal differences.
        whole: Whether it holds whole numbers only.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool

    @property
    def text(self) -> str:
        """What is typed for its values, and stands in a manifest."""
        return f"{self.low!r}..{self.high!r}:{LOG if self.log else LINEAR}"

    @property
    def size(self) -> float:
        """How many numbers it holds."""
        return self.high - self.low + 1 if self.whole else math.inf

    def rounded(self, value: float) -> float:
        """A number of it with few digits."""
        if self.whole:
            return round(value)
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


SearchAxis = Axis | NumberRange


def is_range(text: str) -> bool:
    """Whether `NAME=VALUES` gives a range."""
    return _RANGE.fullmatch(text) is not None


def parse_search_axis(text: str) -> SearchAxis:
    """The axis that `NAME=LOW..HIGH`, `NAME=LOW..HIGH:log` or `NAME=VALUE,VALUE` means.

    Raises:
        ConfigError: It has another form, nobody knows the name, a value isn't allowed, or a search
            can't choose by it.
    """
    axis = _range(text) if is_range(text) else parse_axis(text)
    if axis.name in NOT_SEARCHED:
        raise ConfigError(
            f"{OPTION} {axis.name}: a search can't choose by it: {NOT_SEARCHED[axis.name]}. Give "
            f"one value: --{axis.name}"
        )
    return axis


def ends_of(axis: SearchAxis) -> tuple[Json, ...]:
    """Values that show whether it may be used: all of them, or both ends."""
    return (
        axis.values if isinstance(axis, Axis) else (axis.rounded(axis.low), axis.rounded(axis.high))
    )


def size_of(axes: Sequence[SearchAxis]) -> float:
    """How many combinations there are."""
    return math.prod(len(a.values) if isinstance(a, Axis) else a.size for a in axes)


def definition_of(axes: Sequence[SearchAxis]) -> dict[str, Json]:
    """The axes as a manifest holds them: a list of values, or the text of a range."""
    return {a.name: list(a.values) if isinstance(a, Axis) else a.text for a in axes}


def axes_from(definition: Mapping[str, Json]) -> tuple[SearchAxis, ...]:
    """The axes of a manifest."""
    return tuple(
        Axis(name=name, values=tuple(values))
        if isinstance(values, list)
        else _range(f"{name}={values}")
        for name, values in definition.items()
    )


def refuse_ranges(texts: Sequence[str]) -> None:
    """Refuses ranges where every combination is trained.

    Raises:
        ConfigError: There is one.
    """
    for text in texts:
        if is_range(text):
            raise ConfigError(
                f"{OPTION}: {text}: a range is for a search. Add --search tpe --trials 40, or give "
                "its values: NAME=VALUE,VALUE"
            )


def base_of(axes: Sequence[SearchAxis]) -> dict[str, Json]:
    """The first value of each axis."""
    return {axis.name: ends_of(axis)[0] for axis in axes}


def _range(text: str) -> NumberRange:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ConfigError(f"{OPTION}: {text} isn't a range. {USE}")
    name = found[1].replace("-", "_")
    base, param = unwrap(annotation_of(name))
    if base not in (int, float):
        raise ConfigError(f"{OPTION} {name}: isn't a number, so it has no range. Give its values")
    low, high = (axis_of(name, [end.strip()]).values[0] for end in (found[2], found[3]))
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low >= high:
        raise ConfigError(
            f"{OPTION} {name}: {found[2]} isn't below {found[3]}, and the lower end comes first. "
            f"{USE}"
        )
    usual = LOG if param is not None and param.log else LINEAR
    scale = (found[4] or usual).strip()
    if scale not in SCALES:
        raise ConfigError(f"{OPTION} {name}: {scale} isn't a scale. Allowed: {', '.join(SCALES)}")
    if scale == LOG and low <= 0:
        raise ConfigError(
            f"{OPTION} {name}: a logarithmic range can't begin at {low:g}. Begin above 0, or add "
            f":{LINEAR}"
        )
    return NumberRange(name=name, low=low, high=high, log=scale == LOG, whole=base is int)
