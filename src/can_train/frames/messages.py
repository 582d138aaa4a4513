"""Recordings that python-can decodes message by message, as columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.frames.extras import DAMAGE, extra
from can_train.frames.frame import EXTENDED_FLAG, MAX_EXTENDED_ID, Frames
from can_train.frames.options import ReadOptions
from can_train.frames.result import ReadResult, require_frames
from can_train.frames.text.reading import CLASSIC_BYTES, FD_BYTES

if TYPE_CHECKING:
    import can

Reader: TypeAlias = "type[can.io.generic.MessageReader]"
Opened: TypeAlias = Literal["text", "binary", "path"]
_EXTENDED: Final = int(EXTENDED_FLAG)


def read_messages(
    path: Path,
    options: ReadOptions,
    *,
    format: str,
    reader: str | Callable[[ModuleType], Reader],
    opened: Opened,
) -> ReadResult:
    """Reads one recording by a reader of python-can.

    Args:
        path: The file.
        options: `lenient` keeps what stands before the damage.
        format: Name of the format.
        reader: Class of `can.io`, such as `ASCReader`, or what makes one from python-can.
        opened: What it is given: the file opened as text or binary, or its path.

    Raises:
        DataError: python-can isn't installed, the file is damaged, or holds no frames.
    """
    library = extra("can", path, f"the format {format}")
    messages = _Messages()
    problems: tuple[str, ...] = ()
    try:
        made = getattr(library.io, reader) if isinstance(reader, str) else reader(library)
        messages.take(_decoded(made, path, opened))
    except (*DAMAGE, library.CanError, library.io.blf.BLFParseError) as error:
        problems = (
            f"{path}: damaged behind frame {len(messages.seconds)} "
            f"({type(error).__name__}: {error})",
        )
        if not options.lenient:
            raise DataError(
                f"{problems[0]}. Record or copy it again, or keep what stands before with --lenient"
            ) from error
    require_frames(path, len(messages.seconds))
    names = tuple(messages.buses)
    return ReadResult(
        frames=messages.frames(),
        format=format,
        labelled=False,
        skipped=len(problems),
        error_frames=messages.errors,
        remote_frames=messages.remote,
        first_problems=problems,
        bus=np.frombuffer(messages.bus, np.uint8) if any(names) else None,
        bus_names=names if any(names) else (),
    )


def _decoded(reader: Reader, path: Path, opened: Opened) -> Iterator[can.Message]:
    # Opened here: a reader that fails in its first line would leave the file open.
    with _source(path, opened) as source, reader(source) as messages:
        yield from messages


def _source(path: Path, opened: Opened) -> AbstractContextManager[Any]:
    if opened == "path":
        return nullcontext(path)
    if opened == "binary":
        return path.open("rb")
    return path.open(encoding="utf-8", errors="replace")


@dataclass(slots=True)
class _Messages:
    """Columns of the messages so far; `payload` holds their bytes one after the other."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    ids: array[int] = field(default_factory=lambda: array("L"))
    lengths: bytearray = field(default_factory=bytearray)
    payload: bytearray = field(default_factory=bytearray)
    bus: bytearray = field(default_factory=bytearray)
    buses: dict[str, int] = field(default_factory=dict)
    errors: int = 0
    remote: int = 0

    def take(self, messages: Iterator[can.Message]) -> None:
        """Adds messages; error and remote frames are counted."""
        for message in messages:
            if message.is_error_frame:
                self.errors += 1
                continue
            data = b"" if message.is_remote_frame else message.data
            channel = "" if message.channel is None else str(message.channel)
            _require_possible(message, data)
            identity = message.arbitration_id | _EXTENDED * message.is_extended_id
            self.seconds.append(message.timestamp)  # from here on nothing fails: columns stay even
            self.ids.append(identity)
            self.lengths.append(len(data))
            self.payload += data
            self.remote += message.is_remote_frame
            self.bus.append(min(self.buses.setdefault(channel, len(self.buses)), 255))

    def frames(self) -> Frames:
        """The frames; payloads are 64 bytes wide if any is longer than 8."""
        dlc = np.frombuffer(self.lengths, np.uint8)
        return Frames(
            timestamp=np.array(self.seconds, np.float64),
            arbitration_id=np.array(self.ids, np.uint32),
            dlc=dlc.copy(),
            payload=padded(np.frombuffer(self.payload, np.uint8), dlc),
            label=np.zeros(len(dlc), np.uint8),
        )


def _require_possible(message: can.Message, data: bytes | bytearray) -> None:
    """Python-can checks few of the numbers that it reads.

    Raises:
        ValueError: No frame has such numbers.
    """
    if not 0 <= message.arbitration_id <= MAX_EXTENDED_ID:
        raise ValueError(f"arbitration ID {message.arbitration_id:#x}")
    if len(data) > FD_BYTES:
        raise ValueError(f"{len(data)} payload bytes")
    if not math.isfinite(message.timestamp):
        raise ValueError(f"timestamp {message.timestamp}")


def padded(data: NDArray[np.uint8], dlc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Payloads [N, 8 or 64] of bytes that stand one after the other.

    Args:
        data: All bytes.
        dlc: How many of them each frame has [N].
    """
    width = FD_BYTES if dlc.max(initial=0) > CLASSIC_BYTES else CLASSIC_BYTES
    payload = np.zeros((len(dlc), width), np.uint8)
    payload[np.arange(width) < dlc[:, None]] = data
    return payload
