"""A bar of an import on a terminal: bytes done, rate and time left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TextIO

Advance = Callable[[int], None]


@contextlib.contextmanager
def import_bar(stream: TextIO) -> Iterator[Callable[[int], Advance]]:
    """Gives what takes the bytes of all files, which gives what takes those of one that is done.

    Args:
        stream: Where the bar is shown if it is a terminal.
    """
    if not stream.isatty():
        yield lambda total: lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Rate

    columns = (BarColumn(), DownloadColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:

        def begin(total: int) -> Advance:
            task = bars.add_task("import", total=total)
            return lambda done: bars.advance(task, done)

        yield begin
