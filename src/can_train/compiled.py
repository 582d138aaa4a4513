"""Where compiled functions are kept, so that none outlives the source that it was compiled from.

numba looks at a function's own file alone. Constants of other modules and the functions that it
calls are compiled into it: with a column moved in `graphs/features.py` it would go on writing to
the old one. So compiled functions lie in a folder that is named by all sources they are made of.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
SOURCES: Final = (_PACKAGE / "frames", _PACKAGE / "graphs")
"""Folders of all compiled functions, and of the constants and functions that they use."""


@cache
def keep_compiled_by_source() -> None:
    """Tells numba where to keep them; called before the first function is compiled.

    `$NUMBA_CACHE_DIR` says below which folder; absent: in the package. Where that can't be written
    numba takes a folder of the user's.
    """
    import numba

    given = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(given) if given else _PACKAGE / "__pycache__"
    vars(numba.config)["CACHE_DIR"] = str(base / f"compiled-{digest_of(SOURCES)[:16]}")


def digest_of(folders: Iterable[Path]) -> str:
    """sha256 of the Python sources below `folders`, by path and content."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(
                f"{folder.name}/{path.relative_to(folder).as_posix()} {content}\n".encode()
            )
    return digest.hexdigest()
