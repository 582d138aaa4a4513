"""Every page has its place in the site; whether links lead somewhere is asked by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from tests.docs.test_examples import ROOT

DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))


def pages_of(nav: object) -> Iterator[str]:
    """Pages in the order in which the site shows them."""
    match nav:
        case str(page):
            yield page
        case list(items):
            for item in items:
                yield from pages_of(item)
        case dict(sections):
            for item in sections.values():
                yield from pages_of(item)


def test_every_page_has_one_place_in_the_site() -> None:
    there = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
    assert sorted(pages_of(SITE["nav"])) == there


def test_what_leads_nowhere_is_an_error() -> None:
    assert SITE["strict"] is True
    assert set(SITE["validation"].values()) == {"warn"}
    assert "make lint docs test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_pages_ask_no_other_server() -> None:
    assert SITE["theme"]["font"] is False
    assert not [name for name in ("extra_css", "extra_javascript") if name in SITE]
