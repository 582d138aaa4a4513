"""A page as one HTML file: its own style, its own script, and nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from can_train import __version__
from can_train.report.document import Page, visible
from can_train.report.figures.style import Drawing, page_svg

_ROOM: Final = "can_train.report"
_TEMPLATES: Final = "templates"
SCRIPTS: Final = ("report.js", "zoom.js")


def html_of(page: Page) -> str:
    """The whole file; the same page gives the same bytes."""
    style, script = _part("report.css"), "".join(map(_part, SCRIPTS)).strip()
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            version=__version__,
            style=Markup(style),  # ours
            script=Markup(script),  # ours
            policy=_policy(script),
        )
    )
    return visible(text)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_ROOM, _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["svg"] = _svg
    environment.filters["breaks"] = _breaks
    return environment


def _svg(drawing: Drawing) -> Markup:
    return page_svg(drawing)


def _breaks(text: str) -> Markup:
    """Text whose lines may also break behind an underscore."""
    return Markup(str(escape(text)).replace("_", "_<wbr>"))  # escaped first


def _policy(script: str) -> str:
    """Nothing may be loaded, and no script runs but the one that belongs to the page."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _part(name: str) -> str:
    return resources.files(_ROOM).joinpath(_TEMPLATES, name).read_text(encoding="utf-8")
