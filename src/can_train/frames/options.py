"""How a recording is to be read (stdlib only)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Advance: TypeAlias = Callable[[int], None]


def no_advance(size: int) -> None:
    """For whom nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a recording is to be read.

    Attributes:
        lenient: Share of a text's lines that may be malformed: they are left out and counted.
        columns: Columns of a table by their role, as `--columns` has them.
        advance: Takes bytes of the file as they are read.
    """

    lenient: float = 0.0
    columns: Mapping[str, str] = field(default_factory=dict)
    advance: Advance = no_advance
