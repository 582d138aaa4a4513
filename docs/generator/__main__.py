"""Writes the pages of docs/reference/."""

from __future__ import annotations

import sys

from docs.generator.pages import FOLDER, PAGES


def main() -> None:
    """Writes every page, and names those that changed."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"renewed {path}\n")


if __name__ == "__main__":
    main()
