"""What goes on while a command works for more than a moment: on stderr, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Tell: TypeAlias = Callable[[str], None]


@contextmanager
def waiting(first: str) -> Iterator[Tell]:
    """Shows what is being done: a moving line with the time on a terminal, a line each elsewhere.

    Whoever logs to stderr within the block should begin so within it: then lines don't mix.

    Args:
        first: What is done first.

    Yields:
        Tells what is done next.
    """
    if not sys.stderr.isatty():
        _line(first)
        yield _line
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*words, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(first, total=None)
        yield lambda text: shown.update(task, description=text)


def _line(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
