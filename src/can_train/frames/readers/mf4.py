"""MF4 (ASAM MDF 4): CAN bus logging, such as that of CANedge loggers, decoded by asammdf."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError, counted
from can_train.frames.extras import DAMAGE, extra
from can_train.frames.frame import EXTENDED_FLAG, MAX_STANDARD_ID, Frames
from can_train.frames.mdf_blocks import require_sound
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult, require_frames
from can_train.frames.text.reading import CLASSIC_BYTES, FD_BYTES

if TYPE_CHECKING:
    from asammdf import MDF

_MAGICS: Final = (b"MDF     ", b"UnFinMF ")
_DATA, _REMOTE, _ERROR = "CAN_DataFrame", "CAN_RemoteFrame", "CAN_ErrorFrame"
"""Names that ASAM's bus logging gives to the kinds of frames."""


def sniff(head: Head) -> int | None:
    """0 if the file starts as MDF files do, finalised or not."""
    return 0 if head.start.startswith(_MAGICS) else None


def read(path: Path, _options: ReadOptions) -> ReadResult:
    """Reads one recording, all buses of it by time.

    Raises:
        DataError: asammdf isn't installed, or the file is damaged or holds no CAN frames.
    """
    library = extra("asammdf", path, "the format mf4")
    require_sound(path)
    for version in (library.blocks.mdf_v3.MDF3, library.blocks.mdf_v4.MDF4):
        version.__del__ = _end
    for module in (library.mdf, library.blocks.mdf_v4):
        module.print = _unsaid
    try:
        with _told(path), library.MDF(path) as mdf:
            parts = [_part(mdf, group, name) for group, name in _groups(mdf, (_DATA, _REMOTE))]
            errors, remote = (
                sum(_count(mdf, group) for group, _ in _groups(mdf, (kind,)))
                for kind in (_ERROR, _REMOTE)
            )
    except _damage(library) as error:
        raise DataError(
            f"{path}: not a whole MF4 file ({type(error).__name__}: {error}). Copy it again"
        ) from error
    require_frames(path, sum(len(frames) for frames, _ in parts))
    frames, bus = _by_time(parts)
    numbers, index = np.unique(bus, return_inverse=True)
    return ReadResult(
        frames=frames,
        format=FORMAT.name,
        labelled=False,
        error_frames=errors,
        remote_frames=remote,
        bus=index.astype(np.uint8),
        bus_names=tuple(str(number) for number in numbers.tolist()),
    )


def _end(mdf: MDF) -> None:
    """Closes a file at the end of its life; asammdf's own way complains of one never opened."""
    with contextlib.suppress(Exception):
        mdf.close()


def _unsaid(*_: object, **__: object) -> None:
    """Stands for `print` in asammdf, which prints a traceback before it raises."""


class _Collector(logging.Handler):
    """Keeps the first lines of errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        lines = record.getMessage().splitlines() or [""]
        self.said.append(f"{type(error).__name__}: {error}" if error else lines[0])


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What asammdf only logs, and goes on without the frames that it couldn't read, is an error.

    Raises:
        DataError: It logged one.
    """
    told, collector = logging.getLogger("asammdf"), _Collector()
    before = told.handlers, told.propagate, told.level
    told.handlers, told.propagate = [collector], False
    told.setLevel(logging.ERROR)
    try:
        yield
    finally:
        told.handlers, told.propagate = before[:2]
        told.setLevel(before[2])
    if collector.said:
        raise DataError(f"{path}: not a whole MF4 file ({collector.said[0]}). Copy it again")


def _damage(library: ModuleType) -> tuple[type[Exception], ...]:
    """What asammdf raises on damaged files; the decompressors that it takes have their own."""
    own = (("isal.isal_zlib", "error"), ("zstd", "Error"))
    theirs = [getattr(sys.modules[name], error) for name, error in own if name in sys.modules]
    return (*DAMAGE, RuntimeError, library.blocks.utils.MdfException, *theirs)


def _groups(mdf: MDF, names: tuple[str, ...]) -> list[tuple[int, str]]:
    """Groups of channels that hold frames of these kinds."""
    groups: list[Any] = mdf.groups
    return [
        (k, channel.name)
        for k, group in enumerate(groups)
        for channel in group.channels
        if channel.name in names and _count(mdf, k)
    ]


def _count(mdf: MDF, group: int) -> int:
    return int(mdf.groups[group].channel_group.cycles_nr)


def _part(mdf: MDF, group: int, name: str) -> tuple[Frames, NDArray[np.uint8]]:
    """Frames of one group, and the bus of each."""
    signal = mdf.get(name, group=group)
    column: dict[str, NDArray[Any]] = {
        field.removeprefix(f"{name}."): signal.samples[field]
        for field in signal.samples.dtype.names
    }
    start = mdf.header.start_time
    begin = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
    ids = column["ID"].astype(np.uint32) & ~EXTENDED_FLAG
    extended = column["IDE"].astype(np.bool_) if "IDE" in column else ids > MAX_STANDARD_ID
    count = len(ids)
    no_bytes = np.zeros((count, CLASSIC_BYTES), np.uint8)
    data = column["DataBytes"] if name == _DATA else no_bytes
    dlc = column["DataLength"].astype(np.uint8) if name == _DATA else np.zeros(count, np.uint8)
    frames = Frames(
        timestamp=signal.timestamps + begin,
        arbitration_id=np.where(extended, ids | EXTENDED_FLAG, ids).astype(np.uint32),
        dlc=dlc,
        payload=_payload(data, dlc),
        label=np.zeros(count, np.uint8),
    )
    return frames, column.get("BusChannel", dlc * 0).astype(np.uint8)


def _payload(data: NDArray[np.uint8], dlc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Zero-padded payloads [N, 8 or 64] of bytes [N, P].

    Raises:
        ValueError: A frame is longer than its bytes, or than any may be.
    """
    if (most := int(dlc.max(initial=0))) > min(FD_BYTES, data.shape[1]):
        raise ValueError(f"a frame of {counted(most, 'byte')} in {data.shape[1]}")
    width = FD_BYTES if dlc.max(initial=0) > CLASSIC_BYTES else CLASSIC_BYTES
    payload = np.zeros((len(dlc), width), np.uint8)
    kept = min(width, data.shape[1])
    payload[:, :kept] = data[:, :kept]
    payload[np.arange(width) >= dlc[:, None]] = 0
    return payload


def _by_time(
    parts: list[tuple[Frames, NDArray[np.uint8]]],
) -> tuple[Frames, NDArray[np.uint8]]:
    """All frames in the order of their times, those of one group in their own where equal."""
    width = max(frames.payload.shape[1] for frames, _ in parts)
    order = np.argsort(np.concatenate([f.timestamp for f, _ in parts]), kind="stable")
    joined = Frames(
        timestamp=np.concatenate([f.timestamp for f, _ in parts])[order],
        arbitration_id=np.concatenate([f.arbitration_id for f, _ in parts])[order],
        dlc=np.concatenate([f.dlc for f, _ in parts])[order],
        payload=np.concatenate([f.widened(width).payload for f, _ in parts])[order],
        label=np.zeros(len(order), np.uint8),
    )
    return joined, np.concatenate([bus for _, bus in parts])[order]


FORMAT: Final = Format(
    name="mf4",
    title="MF4 (ASAM MDF 4) with CAN bus logging, by asammdf",
    extensions=(".mf4",),
    sniff=sniff,
    read=read,
    order=52,
)
