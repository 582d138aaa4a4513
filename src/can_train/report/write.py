"""Reports as files: a page, or one figure of it for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.errors import ConfigError, did_you_mean
from can_train.files import write_text, writing
from can_train.report.document import Page
from can_train.report.figures.style import PaperFormat, paper_bytes
from can_train.report.page import html_of

HTML: Final = "html"


def write_page(page: Page, path: Path) -> None:
    """Writes a page as one HTML file, whole or not at all."""
    write_text(path, html_of(page))


def write_figure(page: Page, name: str, kind: PaperFormat, path: Path) -> None:
    """Writes one figure of a page for paper, whole or not at all.

    Raises:
        ConfigError: The page has no such figure.
    """
    drawings = page.drawings()
    if name not in drawings:
        have = ", ".join(drawings) or "none"
        raise ConfigError(
            f"--figure {name}: not in this report{did_you_mean(name, drawings) or '.'} "
            f"It has: {have}"
        )
    content = paper_bytes(drawings[name], kind)
    with writing(path) as stream:
        stream.write(content)
