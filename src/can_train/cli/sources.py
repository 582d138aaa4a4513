"""Where `detect` and `serve` get their frames."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.cli.reading import reading_of, reading_options
from can_train.errors import ConfigError, DataError

if TYPE_CHECKING:
    from can_train.frames.frame import Frames
    from can_train.streaming.bus import BusFrames

STDIN: Final = "-"
"""Names standard input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where frames come from.

    Attributes:
        name: As it was typed.
        blocks: The frames, piece by piece.
        width: Bytes of a payload.
        bus: The live bus, if it is one.
    """

    name: str
    blocks: Iterator[Frames]
    width: int
    bus: BusFrames | None = None

    @property
    def dropped(self) -> int:
        """Frames that had to go because scoring was too slow."""
        return 0 if self.bus is None else self.bus.dropped

    @property
    def left_out(self) -> int:
        """Frames of CAN FD on a bus that was opened without it."""
        return 0 if self.bus is None else self.bus.too_long

    def stop(self) -> None:
        """Closes the bus."""
        if self.bus is not None:
            self.bus.stop()


def check_source(args: argparse.Namespace, file: str | None) -> None:
    """Refuses options that don't belong to the source of frames.

    Args:
        args: What was typed.
        file: The recording, or `-`; None: a live bus.

    Raises:
        ConfigError: There are such.
    """
    recording = file not in (None, STDIN)
    typed = [option for option in reading_options(args) if option != "--bus"]
    if typed and not recording:
        raise ConfigError(
            f"{', '.join(typed)}: about a recording, and frames of standard input (lines of "
            f"candump -L) and of a live bus have one form. Leave it out, or name a FILE"
        )
    if args.fd and recording:
        raise ConfigError("--fd has no effect on a recording, which says so itself. Leave it out")
    if args.bus is not None and file == STDIN:
        raise ConfigError("--bus has no effect on standard input. Leave it out")


def tell(line: str) -> None:
    """Says something about the source."""
    sys.stderr.write(f"{line}\n")


def source_of(
    args: argparse.Namespace,
    file: str | None,
    speed: float | None,
    tell: Callable[[str], None] = tell,
) -> Source:
    """What was typed, opened.

    Args:
        args: What was typed.
        file: The recording, or `-`; None: a live bus.
        speed: How many times as fast as it was sent a recording is replayed; None: as fast as it
            is taken.
        tell: Takes each line worth telling.

    Raises:
        PreflightError: The bus can't be opened.
        DataError: The recording can't be read, or holds several buses.
    """
    if file is None:
        return _bus(args, tell)
    if file == STDIN:
        from can_train.streaming.lines import frames_of_lines

        width = 64 if args.fd else 8
        blocks = frames_of_lines(sys.stdin.fileno(), tell, width)
        return Source(name="standard input", blocks=blocks, width=width)
    from can_train.streaming.pacing import in_pieces, in_real_time

    frames = _recorded(args, Path(file), tell)
    blocks = in_pieces(frames) if speed is None else in_real_time(frames, speed)
    return Source(name=file, blocks=blocks, width=frames.payload.shape[1])


def _bus(args: argparse.Namespace, tell: Callable[[str], None]) -> Source:
    from can_train.streaming.bus import BusAddress, BusFrames

    bus = BusFrames(BusAddress.of(args.bus, fd=args.fd), tell)
    return Source(name=args.bus, blocks=bus.blocks(), width=64 if args.fd else 8, bus=bus)


def _recorded(args: argparse.Namespace, path: Path, tell: Callable[[str], None]) -> Frames:
    """The only bus of a recording, or the one that was named."""
    from can_train.dataset.discovery import lone_file
    from can_train.dataset.labels import Labels
    from can_train.dataset.reading import read_labelled, timed_buses

    reading, file = reading_of(args), lone_file(path)
    read = read_labelled(file, reading, Labels(None, [file]), tell).result
    buses = timed_buses(path, read, reading, tell)
    if len(buses) > 1:
        raise DataError(
            f"{path}: holds {len(buses)} buses, and a stream is of one. Name it: "
            f"--bus {buses[0].name}"
        )
    return buses[0].frames
