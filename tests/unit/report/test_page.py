"""A page is one file that loads nothing, and shows whatever it is given as text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from matplotlib.figure import Figure

from can_train.report.document import (
    Cell,
    Commands,
    Facts,
    Folded,
    Heading,
    Note,
    Notes,
    Page,
    PageSection,
    PageTable,
    Picture,
    Slider,
    Stop,
    TableLine,
    Tile,
    visible,
)
from can_train.report.figures.style import Canvas, Drawing
from can_train.report.page import html_of

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>'\"&"


def _draw(canvas: Canvas) -> Figure:
    figure, axes = canvas.figure(1.5)
    axes.plot([0, 1], [1, 0], label=HOSTILE)
    axes.set_title(HOSTILE)
    return figure


def page(text: str = HOSTILE) -> Page:
    picture = Picture(
        drawing=Drawing(name="one", title=text, description=text, draw=_draw), caption=text
    )
    table = PageTable(
        name=text,
        caption=text,
        headings=(Heading(title=text, hint=text), Heading(title="n")),
        lines=(
            TableLine(cells=(Cell(text=text, note=text),), tone="head"),
            TableLine(cells=(Cell(text=text), Cell(text=text, value=0.1, note=text))),
        ),
    )
    slider = Slider(
        name="s", label=text, at=1, terms=(text,),
        picture=replace(picture, drawing=replace(picture.drawing, name="two")),
        stops=(Stop(words=(text,), x=0.1, y=0.2), Stop(words=("b",), x=0.3, y=0.4)),
    )  # fmt: skip
    blocks = (
        table, picture, slider, Note(text=text, commands=(text,)), Notes(texts=(text,)),
        Commands(lines=(text,)), Facts(pairs=((text, text),)),
        Folded(summary=text, blocks=(Note(text=text),)),
    )  # fmt: skip
    return Page(
        kind="run",
        title=text,
        lead=(("What", text),),
        tiles=(Tile(value=text, label=text, note=text),),
        sections=(PageSection(name="a", title=text, lead=text, blocks=blocks),),
    )


class Elements(HTMLParser):
    """Counts elements, and attributes that run or load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.live: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.live += [n for n, v in attrs if n.startswith("on") or n == "src"]
        self.live += [v for n, v in attrs if n == "href" and v and not v.startswith("#")]


def test_hostile_texts_stay_text() -> None:
    found = Elements(html_of(page()))
    plain = Elements(html_of(page(re.sub(r"[^ _]", "x", HOSTILE))))  # as many words
    assert found.count == plain.count
    assert found.count["script"] == 1
    assert "img" not in found.count
    assert not found.live


def test_no_script_runs_but_the_one_of_the_page_and_nothing_is_loaded() -> None:
    text = html_of(page())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy is not None
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert (
        policy[1]
        .replace("&#39;", "'")
        .startswith(f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}';")
    )
    outside = re.findall(r"https?://[^\s\"'<]+", text)
    assert set(outside) <= {"http://www.w3.org/2000/svg"}


def test_the_same_page_gives_the_same_bytes() -> None:
    assert html_of(page()) == html_of(page())


def test_control_characters_are_shown_and_not_written() -> None:
    assert (
        visible("a\x00b\x1b[31m\n") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[31m\n"
    )
    assert "\x07" not in html_of(page("bell \x07"))


def test_every_figure_can_be_asked_for_by_its_name() -> None:
    assert list(page().drawings()) == ["one", "two"]
