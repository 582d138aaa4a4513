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
from typing import Any, Final, Literal, Protocol, TypeVar, cast

import numba
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

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
Given = TypeVar("Given")


def compiled(
    *, inline: bool = False, reassociates: bool = False, divides: bool = False
) -> Callable[[F], F]:
    """Decorates a function that is compiled, kept on disk, and runs without the GIL.

    Args:
        inline: It becomes a part of those that call it.
        reassociates: Sums may be added up in another order, several terms at once.
        divides: A division by zero gives what the processor says. Else it is an error, and no loop
            with a division becomes vector instructions.
    """
    inlined: Literal["always", "never"] = "always" if inline else "never"
    relaxed = {"reassoc", "contract", "nsz"} if reassociates else False
    decorate: Any = numba.njit(
        cache=True,
        nogil=True,
        inline=inlined,
        fastmath=relaxed,
        error_model="numpy" if divides else "python",
    )
    return cast(Callable[[F], F], decorate)


def _borrow(typing_context: Any, kind: Any) -> Any:
    if not _is_borrowable(kind):
        raise TypingError(f"{kind} can't be borrowed")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owner(context, builder, kind, arguments[0])

    return kind(kind), generate


def _is_borrowable(kind: Any) -> bool:
    members = _members(kind)
    if members is not None:
        return all(map(_is_borrowable, members))
    return isinstance(kind, types.Array | types.Number | types.Boolean)


def _members(kind: Any) -> list[Any] | None:
    return list(kind.types) if isinstance(kind, types.BaseTuple) else None  # type: ignore[attr-defined]


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    members = _members(kind)
    if members is not None:
        parts = [
            _without_owner(context, builder, member, builder.extract_value(value, number))
            for number, member in enumerate(members)
        ]
        return context.make_tuple(builder, kind, parts)
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = array.meminfo.type(None)
        array.parent = array.parent.type(None)
        return array._getvalue()
    return value


class _Borrow(Protocol):
    def __call__(self, given: Given, /) -> Given: ...


borrowed: Final = cast(_Borrow, intrinsic(_borrow))
"""In a compiled function: the same array, or tuple of arrays and numbers, that nobody counts.

For the head of a function with a hot loop: each view of a counted array, such as a row, is counted
twice, by atomic instructions that cost more than most of what a frame needs. Only the caller keeps
the memory alive, so nothing borrowed may be returned; what the function itself makes is given back
behind its last use, which a borrowed one isn't.
"""


def folder_for(sources: Iterable[Path]) -> Path:
    """Where functions are kept that are made of this file and the Python files below `sources`."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
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
