"""One style for every figure, on the page and on paper, and how a figure becomes a file.

The same function draws both. On the page colours become variables of the style sheet, so that a
figure follows light and dark; on paper they are the colours of Okabe and Ito, which people with any
colour vision can tell apart. Bytes are the same whenever the same figure is drawn.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

PaperFormat = Literal["png", "svg", "pdf"]

INK: Final = "#1a2233"
SOFT: Final = "#566074"
GRID: Final = "#dfe4ec"
OWN: Final = "#0072b2"
ATTACK: Final = "#d55e00"
GOOD: Final = "#009e73"
THRESHOLD: Final = "#e69f00"
SECOND: Final = "#cc79a7"
THIRD: Final = "#56b4e9"
CONTROL: Final = "#7f8899"

VARIABLES: Final[Mapping[str, str]] = {
    INK: "--ink", SOFT: "--soft", GRID: "--grid", OWN: "--own", ATTACK: "--attack",
    GOOD: "--good", THRESHOLD: "--threshold", SECOND: "--second", THIRD: "--third",
    CONTROL: "--control",
}  # fmt: skip
"""Variable of the style sheet for each colour."""

OTHERS: Final = (GOOD, SECOND, THRESHOLD, THIRD)
"""Colours of what stands beside the run's own scorer."""

COLUMN_IN: Final = 3.5
"""Width of a column of a paper, in inches."""

WIDE_IN: Final = 7.2
HALF_IN: Final = 3.9
"""Widths on the page: all of it, and one of two."""

PAPER_POINTS: Final = 10.0
PAGE_POINTS: Final = 8.5
PNG_DPI: Final = 300
_POINTS_PER_IN: Final = 72.0
_SALT: Final = "can-train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """Where a figure is drawn.

    Attributes:
        width_in: Its width, in inches.
        is_paper: Whether it is for paper.
    """

    width_in: float
    is_paper: bool = False

    def figure(self, height: float, rows: int = 1, **layout: Any) -> tuple[Figure, Any]:
        """An empty figure with its axes.

        Args:
            height: In inches on the page; on paper no less than five eighths of the width.
            rows: Axes, one below the other.
            layout: Further words of `Figure.subplots`.
        """
        tall = max(height, 0.62 * self.width_in) if self.is_paper else height
        figure = Figure(figsize=(self.width_in, tall), layout="constrained")
        return figure, figure.subplots(rows, **layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure that can be drawn.

    Attributes:
        name: Its name for `--figure`: letters, digits, `.`, `_` and `-`.
        title: What it shows, in a few words.
        description: What it says, with its numbers, for those who can't see it.
        draw: Draws it.
        width_in: Width on the page, in inches.
        zooms: Whether the page lets one look closely at a part of its horizontal axis.
    """

    name: str
    title: str
    description: str
    draw: Callable[[Canvas], Figure]
    width_in: float = WIDE_IN
    zooms: bool = False


def drawing_name(*words: str) -> str:
    """A name for `--figure` out of words."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).strip("-.")


def page_svg(drawing: Drawing) -> Markup:
    """The figure as an element of a page, in the colours of its style sheet."""
    with styled(PAGE_POINTS):
        figure = drawing.draw(Canvas(width_in=drawing.width_in))
        settle(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=_METADATA, transparent=True)
    return _embedded(stream.getvalue(), drawing, _axis_words(figure) if drawing.zooms else "")


def settle(figure: Figure) -> None:
    """Gives the axes the places that they have in an SVG; saving it would draw all for that."""
    FigureCanvasSVG(figure)
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)


def paper_bytes(drawing: Drawing, kind: PaperFormat) -> bytes:
    """The figure as a file, at the width of a column."""
    with styled(PAPER_POINTS):
        figure = drawing.draw(Canvas(width_in=COLUMN_IN, is_paper=True))
        stream = io.BytesIO()
        metadata = _PAPER_METADATA[kind] | ({} if kind == "png" else {"Title": drawing.title})
        figure.savefig(stream, format=kind, metadata=metadata, dpi=PNG_DPI, facecolor="white")
    return stream.getvalue()


def looks_of_others(count: int) -> list[dict[str, object]]:
    """Colours, and beyond those that there are dashes, of what stands beside the own scorer."""
    return [
        {"color": OTHERS[n % len(OTHERS)], "linestyle": "-" if n < len(OTHERS) else (0, (6, 1.5))}
        for n in range(count)
    ]


def log_words(axis: Any) -> None:
    """Labels of a logarithmic axis as plain numbers: markup in texts is off."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def legend_below(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """A legend under the axes, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, handlelength=1.6,
            columnspacing=1.4,
        )  # fmt: skip


_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_PAPER_METADATA: Final[Mapping[str, dict[str, Any]]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": "can-train", "Producer": None},
    "png": {"Software": None},
}


@contextlib.contextmanager
def styled(points: float) -> Iterator[None]:
    """Draws in the style of the house, with letters of so many points."""
    small = points - 1
    with mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": points,
            "axes.labelsize": points,
            "axes.titlesize": points,
            "xtick.labelsize": small,
            "ytick.labelsize": small,
            "legend.fontsize": small,
            "legend.frameon": False,
            "text.color": INK,
            "text.parse_math": False,  # a name with dollars is a name
            "axes.labelcolor": INK,
            "axes.edgecolor": SOFT,
            "axes.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.facecolor": "none",
            "grid.color": GRID,
            "grid.linewidth": 0.6,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
            "xtick.major.size": 3,
            "ytick.major.size": 3,
            "xtick.minor.size": 0,
            "ytick.minor.size": 0,
            "lines.linewidth": 1.4,
            "path.simplify": False,
            "svg.fonttype": "none",
            "svg.hashsalt": _SALT,
            "pdf.fonttype": 42,
        }
    ):
        yield


_HEAD: Final = re.compile(r"^.*?<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>", re.DOTALL)
_DROPPED: Final = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_ID: Final = re.compile(r'\bid="([^"]+)"')
_LINK: Final = re.compile(r"(url\(#|xlink:href=\"#)")
_COLOUR: Final = re.compile("|".join(VARIABLES), re.IGNORECASE)
_PATH: Final = re.compile(r'\bd="[^"]*"')
_LONG: Final = re.compile(r"(\.\d\d)\d+")
_FONT: Final = re.compile(r"font: (?:\w+ )?([\d.]+)px [^;\"]+")


def _axis_words(figure: Figure) -> str:
    """Where the horizontal axis begins and ends, in the picture and in its own unit."""
    axes, width = figure.axes[0], _POINTS_PER_IN * float(figure.get_figwidth())
    place, (begin, end) = axes.get_position(), axes.get_xlim()
    words = {"left": place.x0 * width, "right": place.x1 * width, "begin": begin, "end": end}
    return "".join(f' data-{name}="{value:.6g}"' for name, value in words.items())


def _embedded(svg: str, drawing: Drawing, words: str) -> Markup:
    """An SVG file as an element: with names of its own, a text alternative and variables."""
    head = _HEAD.match(svg)
    if head is None:
        raise ValueError("not an SVG of this library")
    name, body = drawing.name, _DROPPED.sub("", svg[head.end() :])
    body = _ID.sub(lambda found: f'id="{name}-{found[1]}"', body)
    body = _LINK.sub(lambda found: f"{found[1]}{name}-", body).replace("xlink:href", "href")
    body = _COLOUR.sub(lambda found: f"var({VARIABLES[found[0].lower()]})", body)
    body = _PATH.sub(lambda found: _LONG.sub(r"\1", found[0]), body)
    body = _FONT.sub(lambda found: f"font-size: {found[1]}px", body)
    opening = (
        f'<svg class="figure" role="img" viewBox="{head[1]}" xmlns="http://www.w3.org/2000/svg"'
        f'{words} aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(drawing.title)}</title>'
        f'<desc id="{name}-d">{escape(drawing.description)}</desc>'
    )
    return Markup(opening + body.strip())  # escaped above, and by the library
