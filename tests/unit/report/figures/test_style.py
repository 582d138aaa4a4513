"""Figures: the same bytes each time, in the colours of the page, with a text alternative."""

from __future__ import annotations

import io
import re
from typing import get_args
from xml.etree import ElementTree

import pytest
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from can_train.report.figures.style import (
    OWN,
    VARIABLES,
    Canvas,
    Drawing,
    PaperFormat,
    drawing_name,
    page_svg,
    paper_bytes,
    settle,
)

HOSTILE = "<script>alert('$x$')</script> & \"more\""


def _draw(canvas: Canvas) -> Figure:
    figure, axes = canvas.figure(2.0)
    axes.plot([0, 1], [0, 1], color=OWN, label=HOSTILE)
    axes.set_title(HOSTILE)
    return figure


def drawing(name: str = "one") -> Drawing:
    return Drawing(name=name, title=HOSTILE, description=f"says {HOSTILE}", draw=_draw)


@pytest.mark.parametrize("kind", get_args(PaperFormat))
def test_a_paper_figure_has_the_same_bytes_each_time(kind: PaperFormat) -> None:
    first, again = paper_bytes(drawing(), kind), paper_bytes(drawing(), kind)
    assert first == again
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])


def test_axes_settle_where_saving_puts_them() -> None:
    saved, settled = _draw(Canvas(width_in=5.0)), _draw(Canvas(width_in=5.0))
    before = settled.axes[0].get_position().bounds
    saved.savefig(io.BytesIO(), format="svg")
    settle(settled)
    assert settled.axes[0].get_position().bounds == saved.axes[0].get_position().bounds != before


def test_a_figure_of_the_page_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Axes] = []
    draw = Axes.draw

    def counted(axes: Axes, renderer: RendererBase) -> None:
        drawn.append(axes)
        draw(axes, renderer)

    monkeypatch.setattr(Axes, "draw", counted)
    page_svg(drawing())
    assert len(drawn) == 1


def test_a_paper_figure_is_as_wide_as_a_column() -> None:
    root = ElementTree.fromstring(paper_bytes(drawing(), "svg"))
    assert root.attrib["width"] == "252pt"


def test_on_the_page_colours_are_variables_and_texts_are_texts() -> None:
    svg = str(page_svg(drawing()))
    assert f"var({VARIABLES[OWN]})" in svg
    assert not [colour for colour in VARIABLES if colour in svg.lower()]
    root = ElementTree.fromstring(svg)
    texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert HOSTILE in texts


def test_a_figure_says_what_it_shows() -> None:
    root = ElementTree.fromstring(str(page_svg(drawing())))
    assert root.attrib["role"] == "img"
    by_id = {each.attrib["id"]: each.text for each in root.iter() if "id" in each.attrib}
    told = [by_id[name] for name in root.attrib["aria-labelledby"].split()]
    assert told == [HOSTILE, f"says {HOSTILE}"]


def test_two_figures_of_a_page_share_no_id() -> None:
    ids = [re.findall(r'\bid="([^"]+)"', str(page_svg(drawing(name)))) for name in ("a", "b")]
    assert len(ids[0]) == len(set(ids[0])) > 5
    assert not set(ids[0]) & set(ids[1])


def test_every_reference_inside_a_figure_leads_somewhere() -> None:
    svg = str(page_svg(drawing()))
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    wanted = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)
    assert wanted
    assert {first or second for first, second in wanted} <= ids


def test_names_of_figures_can_be_typed() -> None:
    assert drawing_name("margin", "test_01", "a b/<c>.csv") == "margin-test_01-a-b-c-.csv"
