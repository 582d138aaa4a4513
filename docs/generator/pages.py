"""The generated pages: name of the file to what gives its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs.generator.commands import commands_page
from docs.generator.files import files_page
from docs.generator.settings import settings_page

FOLDER: Final = Path(__file__).resolve().parents[1] / "reference"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands.md": commands_page,
    "settings.md": settings_page,
    "files.md": files_page,
}
