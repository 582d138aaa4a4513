"""What a page is made of: sections of blocks. A block says what it shows, a template how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from can_train.report.figures.style import Drawing

Tone = Literal["plain", "own", "control", "care", "head"]
"""How a row or a note looks."""

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it shows.
        value: The same number in full; None: it is none.
        note: What stands below it in small letters.
    """

    text: str
    value: float | int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Head of a column.

    Attributes:
        title: What stands there.
        number: Whether its cells are numbers.
        hint: What that means, where the title doesn't say it.
    """

    title: str
    number: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """One row of a table, a cell for each column; a head has one for all."""

    cells: tuple[Cell, ...]
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """A table.

    Attributes:
        caption: What it shows.
        headings: Its columns.
        lines: Its rows.
        name: What tells it from others on the page, for programs.
    """

    kind: ClassVar[str] = "table"
    caption: str
    headings: tuple[Heading, ...]
    lines: tuple[TableLine, ...]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure with what stands below it."""

    kind: ClassVar[str] = "picture"
    drawing: Drawing
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Pictures that stand beside each other where there is room."""

    kind: ClassVar[str] = "beside"
    pictures: tuple[Picture, ...]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark, with commands to type if there are any."""

    kind: ClassVar[str] = "note"
    text: str
    tone: Tone = "plain"
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Commands to be typed in turn."""

    kind: ClassVar[str] = "commands"
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Terms with what is known of them.

    Attributes:
        pairs: Term and text.
        wide: Whether the texts are long.
    """

    kind: ClassVar[str] = "facts"
    pairs: tuple[tuple[str, str], ...]
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """Several remarks as a list."""

    kind: ClassVar[str] = "notes"
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Blocks that are shown when they are asked for."""

    kind: ClassVar[str] = "folded"
    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place of a slider.

    Attributes:
        words: What holds there, by the slider's terms.
        x, y: Where its mark stands in the picture, as shares of width and height.
    """

    words: tuple[str, ...]
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A picture with a mark that a slider moves; without scripts its table says the same.

    Attributes:
        name: What tells it from others on the page.
        label: What the slider moves.
        picture: The picture.
        terms: What is told at each stop.
        stops: The stops in order.
        at: The stop where it begins.
    """

    kind: ClassVar[str] = "slider"
    name: str
    label: str
    picture: Picture
    terms: tuple[str, ...]
    stops: tuple[Stop, ...]
    at: int


Block = PageTable | Picture | SideBySide | Note | Notes | Commands | Facts | Folded | Slider


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSection:
    """A part of a page.

    Attributes:
        name: Its anchor.
        title: Its heading.
        lead: What one should know to read it.
        blocks: What it shows.
    """

    name: str
    title: str
    lead: str = ""
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number that comes first, with what it is."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole report.

    Attributes:
        kind: What it is about: run, plan, sweep, dataset or recording.
        title: Its name.
        lead: The sentences that it begins with, each with what it is about.
        tiles: The numbers that come first.
        sections: Its parts.
    """

    kind: str
    title: str
    lead: tuple[tuple[str, str], ...]
    tiles: tuple[Tile, ...] = ()
    sections: tuple[PageSection, ...]

    def drawings(self) -> dict[str, Drawing]:
        """Every figure by its name, in the order of the page."""
        found = (drawing for section in self.sections for drawing in _drawings(section.blocks))
        return {drawing.name: drawing for drawing in found}


def _drawings(blocks: Sequence[Block]) -> Iterator[Drawing]:
    for block in blocks:
        if isinstance(block, Picture):
            yield block.drawing
        elif isinstance(block, SideBySide):
            yield from (picture.drawing for picture in block.pictures)
        elif isinstance(block, Slider):
            yield block.picture.drawing
        elif isinstance(block, Folded):
            yield from _drawings(block.blocks)


def words(*texts: str) -> tuple[Cell, ...]:
    """Cells without numbers."""
    return tuple(Cell(text=text) for text in texts)


def visible(text: str) -> str:
    """Text whose control characters, which no document may hold, are shown as such."""
    return "".join(c if c.isprintable() or c in "\n\t" else _REPLACEMENT for c in text)
