"""One picture per axis, as SVG: the validation figure at each of its values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from can_train.config.codec import Json
from can_train.sweeps.axes import word_of
from can_train.sweeps.manifest import Manifest
from can_train.sweeps.results import ResultGroup, axes_of

WIDTH: Final = 480
HEIGHT: Final = 320
LEFT: Final = 80
RIGHT: Final = 16
TOP: Final = 32
BOTTOM: Final = 48
TICKS: Final = 5
MOST_WORDS: Final = 8
"""Values that are written below an axis; of more, every second, third and so on is."""

_DOT: Final = "#1f4e79"
_MEAN: Final = "#c0504d"


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisPicture:
    """The picture of one axis, for one model on one dataset.

    Attributes:
        name: File name without its ending.
        svg: Its text.
    """

    name: str
    svg: str


def pictures_of(manifest: Manifest, groups: Sequence[ResultGroup]) -> Iterator[AxisPicture]:
    """A picture per axis with several values, for each model on each dataset."""
    finished = [group for group in groups if group.is_complete]
    for key in dict.fromkeys((group.first.dataset, group.first.model) for group in finished):
        mine = [g for g in finished if (g.first.dataset, g.first.model) == key]
        for axis in axes_of(manifest):
            values = _values(manifest, axis, mine)
            if len(values) > 1:
                words = "-".join((axis, *key)).replace(" ", "-")
                yield AxisPicture(name=words, svg=_svg(f"{key[0]} {key[1]}", axis, values, mine))


def _values(manifest: Manifest, axis: str, groups: Sequence[ResultGroup]) -> list[Json]:
    """Values of an axis in the order of the grid; numbers of a range by their size."""
    found: list[Json] = []
    for group in groups:
        if axis in group.params and group.params[axis] not in found:
            found.append(group.params[axis])
    if isinstance(manifest.grid_definition[axis], list):
        return found
    return sorted(found, key=lambda value: float(str(value)))


def _svg(title: str, axis: str, values: Sequence[Json], groups: Sequence[ResultGroup]) -> str:
    """Dots with their intervals over seeds, and a line through the means at each value."""
    points = [
        (values.index(group.params[axis]), found.mean, found.half_width or 0.0)
        for group in groups
        if axis in group.params and (found := group.validation) is not None
    ]
    low = min(mean - half for _, mean, half in points)
    high = max(mean + half for _, mean, half in points)
    scale = _Scale(low=low, high=high, count=len(values))
    parts = [_text(WIDTH / 2, 20, title, "middle"), *_frame(scale, axis, values, groups[0].metric)]
    for index, mean, half in points:
        x = scale.x(index)
        parts.append(_line(x, scale.y(mean - half), x, scale.y(mean + half), _DOT))
        parts.append(f'<circle cx="{x:.1f}" cy="{scale.y(mean):.1f}" r="3.5" fill="{_DOT}"/>')
    parts.append(_through_means(scale, points))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    )
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    return "\n".join([head, back, *parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From values to places: those of the axis stand evenly, whatever they are.

    Where all figures are the same, they lie in the middle beside one tick.
    """

    low: float
    high: float
    count: int

    def x(self, index: int) -> float:
        """Place of the value with that index, in pixels."""
        return LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / self.count

    def y(self, value: float) -> float:
        """Place of a figure, in pixels; higher ones are nearer to the top."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    @property
    def ticks(self) -> list[float]:
        """Figures that are written beside the axis."""
        span = self.high - self.low
        return [self.low + n * span / (TICKS - 1) for n in range(TICKS if span else 1)]


def _frame(scale: _Scale, axis: str, values: Sequence[Json], metric: str) -> Iterator[str]:
    """Both axes with their words."""
    floor = HEIGHT - BOTTOM
    yield _line(LEFT, TOP, LEFT, floor, "black")
    yield _line(LEFT, floor, WIDTH - RIGHT, floor, "black")
    for figure in scale.ticks:
        yield _line(LEFT - 4, scale.y(figure), LEFT, scale.y(figure), "black")
        yield _text(LEFT - 8, scale.y(figure) + 4, f"{figure:.4g}", "end")
    every = math.ceil(len(values) / MOST_WORDS)
    for index, value in list(enumerate(values))[::every]:
        yield _text(scale.x(index), floor + 18, word_of(axis, value), "middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, axis, "middle")
    yield _text(8, 20, metric, "start")


def _through_means(scale: _Scale, points: Sequence[tuple[int, float, float]]) -> str:
    places = []
    for index in sorted({index for index, _, _ in points}):
        means = [mean for other, mean, _ in points if other == index]
        places.append(f"{scale.x(index):.1f},{scale.y(sum(means) / len(means)):.1f}")
    return f'<polyline points="{" ".join(places)}" fill="none" stroke="{_MEAN}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
