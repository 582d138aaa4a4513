"""The formats of recordings: each a file beside this one that declares a `Format`.

A file that `$CAN_TRAIN_PLUGINS` names may declare more. Nothing else has to know a format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from can_train.errors import DataError, did_you_mean
from can_train.frames.options import Advance, no_advance
from can_train.frames.options import ReadOptions as ReadOptions
from can_train.frames.result import ReadResult
from can_train.frames.text.reading import BYTE_ORDER_MARK
from can_train.frames.unpacking import plain_file, start_of
from can_train.plugins import by_name, declared

TABLE: Final = "table"
"""Name of the format whose columns `--columns` names."""

_BYTES_LOOKED_AT: Final = 65536
_LINES_LOOKED_AT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How a file begins.

    Attributes:
        start: Its first bytes, without a byte order mark.
        lines: The first lines of the sample, by which a format is recognised.
    """

    start: bytes
    lines: tuple[str, ...]

    @property
    def sample(self) -> tuple[str, ...]:
        """The whole lines in `start` that aren't blank, without blanks around them."""
        return _whole_lines(self.start)


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
    path: str | Path,
    *,
    format: str | None = None,
    lenient: float = 0.0,
    columns: Mapping[str, str] | None = None,
    advance: Advance = no_advance,
) -> ReadResult:
    """Reads one recording.

    Args:
        path: The file.
        format: Name of its format; absent: recognised by content.
        lenient: Share of a text's lines that may be malformed: they are left out and counted.
        columns: Columns of a table by role, such as `{"time": "t", "id": "2", "data": "4-11"}`:
            names, or numbers from 1; absent: by their names and content.
        advance: Takes bytes of the file as they are read, of a large text at least.

    Raises:
        DataError: The file isn't a recording of a known format, or is malformed.
        ConfigError: The known formats can't be told.
    """
    path = Path(path)
    named = format_named(format or TABLE) if format or columns else None
    head = head_of(path)
    chosen = named or recognise(head)
    if chosen is None:
        raise DataError(
            f"{path}: not a recording of a known format; it starts with "
            f"{list(head.lines[:1])!r:.80}. Known: {', '.join(formats())}. "
            f"Name one with --format, or take the file away"
        )
    options = ReadOptions(lenient=lenient, columns=columns or {}, advance=advance)
    with plain_file(path) as plain:
        if plain == path:
            return chosen.read(path, options)
        return _read_unpacked(chosen, path, plain, options)


def _read_unpacked(chosen: Format, path: Path, plain: Path, options: ReadOptions) -> ReadResult:
    """What `plain` holds, in messages under the name of the file it was unpacked from."""
    share = path.stat().st_size / max(plain.stat().st_size, 1)
    packed = replace(options, advance=lambda size: options.advance(int(size * share)))
    try:
        result = chosen.read(plain, packed)
    except DataError as error:
        raise DataError(str(error).replace(str(plain), str(path))) from error
    problems = tuple(text.replace(str(plain), str(path)) for text in result.first_problems)
    return replace(result, first_problems=problems)


def format_named(name: str) -> Format:
    """The format that `--format` names.

    Raises:
        DataError: There is none of that name.
    """
    known = formats()
    if name not in known:
        raise DataError(
            f"--format {name}: no such format{did_you_mean(name, known) or '.'} "
            f"Known: {', '.join(known)}"
        )
    return known[name]


def recognise(head: Head) -> Format | None:
    """Format of a file that starts with `head`, or None."""
    best: tuple[int, Format] | None = None
    for each in formats().values():
        line = each.sniff(head)
        # The first of equals stays, so `order` decides between formats that claim one line.
        if line is not None and (best is None or line < best[0]):
            best = line, each
        if line == 0:
            break  # no line is earlier
    return best[1] if best else None


def head_of(path: Path) -> Head:
    """How a file begins.

    Raises:
        DataError: It can't be read, or is empty.
    """
    start = start_of(path, _BYTES_LOOKED_AT)
    if not start:
        raise DataError(f"{path}: the file is empty. Leave it out of the source folder")
    start = start.removeprefix(BYTE_ORDER_MARK)
    return Head(start=start, lines=_whole_lines(start, _LINES_LOOKED_AT))


def _whole_lines(start: bytes, most: int | None = None) -> tuple[str, ...]:
    """The first `most` whole lines, or all."""
    # Not splitlines(): it would also end lines at characters that only a binary file holds.
    stripped = map(str.strip, start.decode("utf-8", "replace").split("\n"))
    lines = tuple(islice(filter(None, stripped), None if most is None else most + 1))
    # A text of two bytes per character gives half as many here.
    cut = len(start) > _BYTES_LOOKED_AT // 4 and not start.endswith(b"\n") and len(lines) > 1
    is_last = most is None or len(lines) <= most
    return lines[:-1] if cut and is_last else lines[:most]
