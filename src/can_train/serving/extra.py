"""Whether the packages of the page are there (stdlib only)."""

from __future__ import annotations

import importlib.util
from typing import Final

from can_train.errors import PreflightError

INSTALL: Final = "can-train env --install live"
"""Installs them."""

PACKAGES: Final = ("starlette", "uvicorn")


def require_page() -> None:
    """Refuses to serve where something is missing; nothing is imported for it.

    Raises:
        PreflightError: It is.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PreflightError(
            f"serve needs packages that aren't installed ({', '.join(missing)}). Get them, once: "
            f"{INSTALL}"
        )
