"""Writes the tables of docs/performance.md from the stored figures (stdlib only).

python -m benchmarks.tables
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.rows import Row, read_rows

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "performance.md"
FIGURES: Final = ROOT / "benchmarks" / "results" / "figures.csv"
MACHINE: Final = FIGURES.with_name("machine.json")
HEAD: Final = (
    "| | unit | median | reference | | ratio | quartiles |",
    "|---|---|---|---|---|---|---|",
)
_PLACE: Final = re.compile(r"(<!-- figures: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_HUNDRED: Final = 100


def main() -> None:
    """Renews the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page_of(text, read_rows(FIGURES), machine()), encoding="utf-8")


def machine() -> dict[str, str]:
    """Where the stored figures were measured."""
    found: dict[str, str] = json.loads(MACHINE.read_text(encoding="utf-8"))
    return found


def page_of(text: str, rows: Sequence[Row], where: dict[str, str]) -> str:
    """The page with its tables of `rows`: between `<!-- figures: PART -->` and `<!-- end -->`."""
    return _PLACE.sub(lambda found: found[1] + _filled(found[2], rows, where) + found[3], text)


def parts_of(text: str) -> set[str]:
    """Tables that the page has a place for."""
    return {found[2] for found in _PLACE.finditer(text)}


def _filled(part: str, rows: Sequence[Row], where: dict[str, str]) -> str:
    if part == "machine":
        return "".join(f"* {name}: {value}\n" for name, value in where.items())
    lines = [_line(row) for row in rows if row.part == part]
    return "\n".join((*HEAD, *lines)) + "\n"


def _line(row: Row) -> str:
    cells = (
        row.what, row.unit, _figure(row.value), row.beside, _figure(row.reference),
        _figure(row.ratio), f"{_figure(row.low)}, {_figure(row.high)}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _HUNDRED else f"{value:.3g}"


if __name__ == "__main__":
    main()
