"""Functions that are compiled by numba, and where they are kept.

numba looks at a function's own file alone. Constants of other modules and the functions that it
calls are compiled into it: with a column moved in `graphs/features.py` it would go on writing to
the old one. So compiled functions lie in a folder that is named by all sources they are made of:
below `$NUMBA_CACHE_DIR`, absent: in the package. Where that can't be written numba takes a folder
of the user's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

import numba

_PACKAGE: Final = Path(__file__).parent
SOURCES: Final = (
    _PACKAGE / "dataset" / "synth",
    _PACKAGE / "detectors" / "kernels",
    _PACKAGE / "frames",
    _PACKAGE / "graphs",
    _PACKAGE / "vehicle",
)
"""Folders of all compiled functions, and of the constants and functions that they use."""

F = TypeVar("F", bound=Callable[..., Any])


def compiled(*, inline: bool = False, reassociates: bool = False) -> Callable[[F], F]:
    """Decorates a function that is compiled, kept on disk, and runs without the GIL.

    Args:
        inline: It becomes a part of those that call it.
        reassociates: Sums may be added up in another order, several terms at once.
    """
    inlined: Literal["always", "never"] = "always" if inline else "never"
    relaxed = {"reassoc", "contract", "nsz"} if reassociates else False
    decorate: Any = numba.njit(cache=True, nogil=True, inline=inlined, fastmath=relaxed)
    return cast(Callable[[F], F], decorate)


def folder_for(sources: Iterable[Path]) -> Path:
    """Where functions are kept that are made of the Python files below `sources`."""
    digest = hashlib.sha256()
    for folder in sources:
        for path in sorted(folder.rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(
                f"{folder.name}/{path.relative_to(folder).as_posix()} {content}\n".encode()
            )
    given = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(given) if given else _PACKAGE / "__pycache__"
    return base / f"compiled-{digest.hexdigest()[:16]}"


vars(numba.config)["CACHE_DIR"] = str(folder_for(SOURCES))
