"""Loading what a command computes with, without looking for garbage in it (stdlib only).

torch, scikit-learn and numba make half a million objects that stay until the process ends. Python
looks through all of them for garbage while they are loaded, now and then afterwards, and at the
end: a second of `evaluate` in all.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class _Process:
    """State of this process."""

    is_a_command = False


def runs_one_command() -> None:
    """Notes that all there is in this process belongs to one command."""
    _Process.is_a_command = True


@contextmanager
def loading() -> Iterator[None]:
    """For imports: in a command's own process, what is there behind the block counts as kept.

    In anybody else's process nothing changes: the objects there aren't ours to keep.
    """
    if not _Process.is_a_command or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
