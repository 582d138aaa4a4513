"""Folders whose bytes were looked at once, and are trusted as long as nothing touched them.

A stamp holds size, inode, and times of modification and of change of every file. The system sets
the time of change itself, so a file that is written, replaced, copied or whose time of modification
is put back loses it, and its bytes are looked at again. What a disk turns without anybody writing
isn't seen while the stamp stands; without the file `verified.json` everything is looked at.

A process that has just written a folder, and hashed its bytes on the way, needn't look at them
again: it remembers the same facts without a stamp, for itself alone.
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Final

from can_train.files import sealed, write_json

STAMP: Final = "verified.json"

SETTLED_S: Final = 2.0
"""A file has to be that old to be trusted: clocks of file systems are coarse, so one that changes
again at once may keep its times."""

_LOG: Final = logging.getLogger(__name__)
_WRITTEN: Final[dict[Path, dict[str, list[int]]]] = {}
_NANOSECONDS: Final = 1_000_000_000


def is_stamped(folder: Path) -> bool:
    """Whether every file of `folder` is as it was when its bytes were looked at."""
    try:
        document = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return bool(document == sealed({"files": _facts(folder)}))
    except (OSError, ValueError):
        return False


def note_written(folder: Path) -> None:
    """Notes that this process has written and hashed what is in `folder`."""
    _WRITTEN[folder.absolute()] = _facts(folder)


def is_written(folder: Path) -> bool:
    """Whether every file of `folder` is as this process has written it."""
    return _WRITTEN.get(folder.absolute()) == _facts(folder)


def stamp(folder: Path) -> None:
    """Notes that the bytes of all files of `folder` were looked at, unless one is too young.

    Where nothing can be written, they are looked at each time.
    """
    files = _facts(folder)
    newest_s = max((times[-1] for times in files.values()), default=0) / _NANOSECONDS
    if time.time() - newest_s < SETTLED_S:
        return
    try:
        write_json(folder / STAMP, sealed({"files": files}))
    except OSError as error:
        _LOG.debug("%s: can't be stamped (%s)", folder, error.strerror)


def _facts(folder: Path) -> dict[str, list[int]]:
    """Size, inode, and times of modification and change of every file but the stamp."""
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name != STAMP and entry.is_file():
                now = entry.stat()
                found[entry.name] = [now.st_size, now.st_ino, now.st_mtime_ns, now.st_ctime_ns]
    return found
