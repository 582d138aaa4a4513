"""The formats of recordings: each a file beside this one that declares a `Format`.

A file that `$CAN_TRAIN_PLUGINS` names may declare more. Nothing else has to know a format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.errors import DataError, did_you_mean
from can_train.frames.result import ReadResult
from can_train.frames.text.reading import BYTE_ORDER_MARK
from can_train.plugins import by_name, declared

_BYTES_LOOKED_AT: Final = 65536
_LINES_LOOKED_AT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How a file begins.

    Attributes:
        start: Its first bytes, without a byte order mark.
        lines: The first lines in them that aren't blank, without blanks around them.
    """

    start: bytes
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a recording is to be read.

    Attributes:
        lenient: Share of a text's lines that may be malformed: they are left out and counted.
    """

    lenient: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of recordings.

    Attributes:
        name: Its word for `--format`.
        title: What it looks like, in a few words.
        extensions: Usual ends of file names, such as `.csv`; recognition looks at content only.
        sniff: Number of the first line of a head that is of this format (0 for what is no text),
            or None. The earliest line decides, then `order`.
        read: Reads a whole file; raises `DataError` where it is malformed.
        order: Place in lists, and which of two wins.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    sniff: Callable[[Head], int | None]
    read: Callable[[Path, ReadOptions], ReadResult]
    order: int = 100


def formats() -> dict[str, Format]:
    """All formats by name, in their order.

    Raises:
        ConfigError: Two formats have one name, or a plugin can't be loaded.
    """
    found = sorted(declared(Format, "frames.readers"), key=lambda each: each.order)
    return by_name(found, "log formats")


def read_recording(
    path: str | Path, *, format: str | None = None, lenient: float = 0.0
) -> ReadResult:
    """Reads one recording.

    Args:
        path: The file.
        format: Name of its format; absent: recognised by content.
        lenient: Share of a text's lines that may be malformed: they are left out and counted.

    Raises:
        DataError: The file isn't a recording of a known format, or is malformed.
        ConfigError: The known formats can't be told.
    """
    path = Path(path)
    named = None if format is None else format_named(format)
    head = head_of(path)
    chosen = named or recognise(head)
    if chosen is None:
        raise DataError(
            f"{path}: not a recording of a known format; it starts with "
            f"{list(head.lines[:1])!r:.80}. Known: {', '.join(formats())}. "
            f"Name one with --format, or take the file away"
        )
    return chosen.read(path, ReadOptions(lenient=lenient))


def format_named(name: str) -> Format:
    """The format that `--format` names.

    Raises:
        DataError: There is none of that name.
    """
    known = formats()
    if name not in known:
        raise DataError(
            f"--format {name}: no such format{did_you_mean(name, known)}. Known: {', '.join(known)}"
        )
    return known[name]


def recognise(head: Head) -> Format | None:
    """Format of a file that starts with `head`, or None."""
    claims = [(each.sniff(head), each) for each in formats().values()]
    found = [(line, each) for line, each in claims if line is not None]
    # min() keeps the first of equals, so `order` decides between formats that claim one line.
    return min(found, key=lambda claim: claim[0])[1] if found else None


def head_of(path: Path) -> Head:
    """How a file begins.

    Raises:
        DataError: It can't be read, or is empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_BYTES_LOOKED_AT)
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror})") from error
    if not start:
        raise DataError(f"{path}: the file is empty. Leave it out of the source folder")
    start = start.removeprefix(BYTE_ORDER_MARK)
    # Not splitlines(): it would also end lines at characters that only a binary file holds.
    stripped = (line.strip() for line in start.decode("utf-8", "replace").split("\n"))
    lines = [line for line in stripped if line]
    return Head(start=start, lines=tuple(lines[:_LINES_LOOKED_AT]))
