"""What to say of a file or folder that isn't there (stdlib only)."""

from __future__ import annotations

from pathlib import Path

from can_train.errors import did_you_mean


def absent(path: Path, what: str) -> str:
    """`no such folder in …`, with the name beside it that is nearest.

    Args:
        path: What was named.
        what: What it should be: a file, a folder.
    """
    above = path.absolute().parent
    if not above.is_dir():
        return f"no such {what}: there is no folder {above}."
    beside = (entry.name for entry in above.iterdir())
    return f"no such {what} in {above}{did_you_mean(path.name, beside) or '.'}"
