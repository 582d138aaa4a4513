"""A grid: its axes, and where a file has several parts the request and the axes of each."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

from can_train.config.codec import Json
from can_train.config.typed import SWITCHES, Typed, read_document, request_of
from can_train.errors import ConfigError, did_you_mean, raise_all
from can_train.sweeps.axes import Axis, axis_of, conflicts, points, with_values, without_lists

OPTION: Final = "--grid-file"
MOST_COMBINATIONS: Final = 1000
"""More than anybody trains; a slip of the finger spans more."""

SHIPPED: Final = Path(__file__).parent / "grids"
"""Grids that come with this program, by name."""

_KEYS: Final = ("name", "request", "grid", "parts")
_PART_KEYS: Final = ("name", "request", "grid")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPart:
    """Plans that have a request in common.

    Attributes:
        name: What tells it from other parts; empty where there is one.
        text: The request, by parameter name.
        switches: Switches that are on.
        axes: What varies in it.
    """

    name: str = ""
    text: Mapping[str, str] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()
    axes: tuple[Axis, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Everything that is to be run: parts, one of which is enough."""

    name: str = ""
    parts: tuple[GridPart, ...] = (GridPart(),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One combination: what was typed with one value per axis."""

    part: str
    params: Mapping[str, Json]
    typed: Typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Spanned:
    """One part with all that its request says, and its axes; lists in buckets are axes, too."""

    part: str
    typed: Typed
    axes: tuple[Axis, ...]

    @property
    def count(self) -> int:
        """How many combinations it spans."""
        return math.prod(len(axis.values) for axis in self.axes)

    def points(self) -> Iterator[Point]:
        """Every combination, the last axis fastest."""
        for params in points(self.axes):
            typed = with_values(self.typed, params)
            yield Point(part=self.part, params=params, typed=typed)


def spanned(typed: Typed, axes: Sequence[Axis], grid: Grid) -> tuple[Spanned, ...]:
    """The parts of a sweep.

    Args:
        typed: What was typed: it goes before the requests of the parts.
        axes: Axes that were typed: all parts have them.
        grid: What a grid file says.

    Raises:
        ConfigError: A value is given twice, or nothing or too much is spanned.
    """
    found = tuple(_spanned(part, typed, axes) for part in grid.parts)
    raise_all([p for item in found for p in conflicts(item.typed, item.axes)])
    count = sum(item.count for item in found)
    if count > MOST_COMBINATIONS:
        raise ConfigError(
            f"--grid: spans {count:,} combinations; at most {MOST_COMBINATIONS:,} are allowed. "
            "Give fewer values"
        )
    if not any(item.axes for item in found) and len(found) == 1:
        raise ConfigError(
            "--grid: missing. Use for example: --grid learning_rate=0.001,0.003 --grid seed=1,2,3"
        )
    return found


def read_grid(name: str | Path) -> Grid:
    """What a grid file says, or a grid that comes with this program, by its name.

    A bare word that is such a name means that grid, whatever lies in the current folder.

    Args:
        name: A name, or a file: a word with a slash or an ending is always one.

    Raises:
        ConfigError: It can't be read, or has unknown keys or values.
    """
    word, path = str(name), Path(name)
    shipped = SHIPPED / f"{word}.yaml"
    if os.sep not in word and not path.suffix and shipped.is_file():
        path = shipped
    document = read_document(OPTION, path)
    _check_keys(path, document, _KEYS)
    shared = _part(path, {k: v for k, v in document.items() if k in _PART_KEYS}, "")
    raw = document.get("parts", [{}])
    if not isinstance(raw, list) or not raw or not all(isinstance(item, dict) for item in raw):
        raise ConfigError(f"{OPTION}: {path}: parts: a list of name, request and grid is expected")
    parts = [_part(path, item, f"{number}") for number, item in enumerate(raw, start=1)]
    names = [part.name for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{OPTION}: {path}: two parts are called {name}. Name them apart")
    whole = tuple(_beside(shared, part, alone=len(parts) == 1) for part in parts)
    return Grid(name=str(document.get("name", "")), parts=whole)


def _spanned(part: GridPart, typed: Typed, axes: Sequence[Axis]) -> Spanned:
    """A part below what was typed; an axis that was typed goes before one of the part."""
    on = {name: True for name in part.switches}
    merged = replace(typed, file_text={**typed.file_text, **part.text}, **on)  # type: ignore[arg-type]
    bare, lists = without_lists(merged)
    named = {axis.name for axis in axes}
    own = [axis for axis in part.axes if axis.name not in named and axis.name not in typed.text]
    return Spanned(part=part.name, typed=bare, axes=(*own, *axes, *lists))


def _beside(shared: GridPart, part: GridPart, *, alone: bool) -> GridPart:
    """A part with what all parts share."""
    own = {axis.name for axis in part.axes}
    return GridPart(
        name="" if alone else part.name,
        text={**shared.text, **part.text},
        switches=shared.switches | part.switches,
        axes=(*(axis for axis in shared.axes if axis.name not in own), *part.axes),
    )


def _part(path: Path, document: Mapping[object, object], name: str) -> GridPart:
    _check_keys(path, document, _PART_KEYS)
    request, grid = document.get("request", {}), document.get("grid", {})
    if not isinstance(request, dict) or not isinstance(grid, dict):
        raise ConfigError(f"{OPTION}: {path}: request and grid: keys with values are expected")
    text, switches = request_of(path, request)
    return GridPart(
        name=str(document.get("name", name)),
        text=text,
        switches=switches,
        axes=tuple(_axis(path, str(key), value) for key, value in grid.items()),
    )


def _axis(path: Path, name: str, value: object) -> Axis:
    """An axis; a list within its list is one value per stage."""
    texts = []
    for item in value if isinstance(value, list) else [value]:
        words = cast(list[object], item if isinstance(item, list) else [item])
        if not words or not all(isinstance(word, str) and word for word in words):
            raise ConfigError(f"{OPTION}: {path}: {name}: {item!r} isn't a word, number or list")
        joined = ",".join(map(str, words))
        texts.append(f"[{joined}]" if isinstance(item, list) else joined)
    if not texts:
        raise ConfigError(f"{OPTION}: {path}: {name}: has no values. Give some")
    return axis_of(name.replace("-", "_"), texts)


def _check_keys(path: Path, document: Mapping[object, object], known: Sequence[str]) -> None:
    for key in document:
        if key not in known:
            near = did_you_mean(str(key), known) or "."
            raise ConfigError(
                f"{OPTION}: {path}: unknown key {key}{near} Allowed: {', '.join(known)}"
            )


def request_document(typed: Typed) -> tuple[dict[str, str], tuple[str, ...]]:
    """What was typed, whatever it came from, and the switches that are on."""
    text = {**typed.file_text, **typed.text}
    on = {
        "auto_find_teacher": typed.auto_find_teacher,
        "allow_foreign_teacher": typed.allow_foreign_teacher,
        "use_kd": typed.use_kd,
        "smoke": typed.smoke,
    }
    return text, tuple(name for name in SWITCHES if on[name])
