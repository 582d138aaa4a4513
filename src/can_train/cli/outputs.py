"""Files that a command is asked to write: refused at once where they can't be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from can_train.errors import PreflightError


def require_writable(option: str, path: Path, *, folder: bool = False) -> None:
    """Refuses a file, or a folder of files, that can't be written, before the work for it is done.

    Args:
        option: The option that names it.
        path: The file or folder. No folder is made but the one that is named.
        folder: Whether it is to be a folder.

    Raises:
        PreflightError: It can't be written.
    """
    if path.is_dir() and not folder:
        raise _unwritable(option, path, "it is a folder")
    above = path.absolute() if folder and path.exists() else path.absolute().parent
    if not above.is_dir():
        why = "is no folder" if above.exists() else "doesn't exist"
        raise _unwritable(option, path, f"{above} {why}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise _unwritable(option, path, f"{above} is write-protected")


@contextmanager
def writing_for(option: str, path: Path) -> Iterator[None]:
    """Names the option where writing fails after all.

    Raises:
        PreflightError: It did.
    """
    try:
        yield
    except OSError as error:
        raise _unwritable(option, path, error.strerror or str(error)) from error


def _unwritable(option: str, path: Path, why: str) -> PreflightError:
    return PreflightError(f"{option} {path}: can't be written ({why}). Give another place")
