"""Packages that only some formats need, and how to get them."""

from __future__ import annotations

import importlib
import sqlite3
import struct
import zlib
from pathlib import Path
from types import ModuleType
from typing import Final

from can_train.errors import DataError

DAMAGE: Final = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError,
                 MemoryError, NameError, OSError, TypeError, ValueError, sqlite3.Error,
                 struct.error, zlib.error)  # fmt: skip
"""What such packages raise where a file is cut or isn't what it says."""

INSTALL: Final = "can-train env --install formats"
"""Installs them all."""


def extra(module: str, path: Path, what: str) -> ModuleType:
    """A module that may be missing.

    Args:
        module: Its name.
        path: The recording that needs it.
        what: What it is needed for.

    Raises:
        DataError: It isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise DataError(
            f"{path}: {what} needs packages that aren't installed ({error.name}). Get them, once: "
            f"{INSTALL}"
        ) from error
