"""What several test modules begin with is made once per session, and copied to each."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from can_train.files import lock

VARIABLE = "CAN_TRAIN_TESTS_KEPT"
"""Names the folder of the session; all its processes see it."""


def begin() -> bool:
    """Makes the folder of the session; whether this is the process that does."""
    if VARIABLE in os.environ:
        return False
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="can-train-tests-")
    return True


def end() -> None:
    """Removes it."""
    shutil.rmtree(os.environ.pop(VARIABLE), ignore_errors=True)


def copy_of(name: str, target: Path, make: Callable[[Path], None]) -> None:
    """Copies a folder to `target`.

    Args:
        name: Of the folder: equal ones hold the same.
        target: Folder of a test module; files of it may be changed.
        make: Fills an empty folder; called by the first process that asks for the name.
    """
    folder = Path(os.environ[VARIABLE]) / hashlib.sha256(name.encode()).hexdigest()[:12]
    with lock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            half = Path(tempfile.mkdtemp(dir=folder.parent))
            make(half)
            half.rename(folder)
    shutil.copytree(folder, target, dirs_exist_ok=True, symlinks=True)
