"""The command that was typed, for whoever wants to give it again (stdlib only)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


class _Typed:
    """State of this process."""

    words: tuple[str, ...] = ()


def remember_command(words: Sequence[str]) -> None:
    """Notes the words of the command line, without the program's name."""
    _Typed.words = tuple(words)


def typed_command() -> str | None:
    """The command line, to be pasted into a shell; None where none was noted."""
    return shlex.join(["can-train", *_Typed.words]) if _Typed.words else None
