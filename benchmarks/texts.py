"""Long recordings as text, for measuring how they are read: written piece by piece, by columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Piece: TypeAlias = tuple[Bytes, NDArray[np.bool_]]
"""Characters of M lines side by side [M, C], and which of them are there."""

Part: TypeAlias = bytes | Bytes | Piece

PIECE_FRAMES: Final = 1 << 18
_LOWER: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_UPPER: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_START_S: Final = 1_478_191_030
_IDS: Final = 40
_ATTACKS: Final = 0.02
_FULL: Final = 0.8
"""Share of the frames with eight bytes."""


class Traffic:
    """The next frames of a bus of 2,000 frames per second, seeded."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._ids = np.sort(self._random.choice(0x7FF, _IDS, replace=False)) + 1
        self._microseconds = 0

    def frames(self, count: int) -> dict[str, NDArray[np.int64]]:
        """Columns of the next `count` frames: time, id, dlc, payload, label."""
        draw = self._random
        time = self._microseconds + np.cumsum(draw.integers(100, 900, count))
        self._microseconds = int(time[-1])
        dlc = np.where(draw.random(count) < _FULL, 8, draw.integers(0, 8, count))
        return {
            "time": time,
            "id": draw.choice(self._ids, count),
            "dlc": dlc,
            "payload": draw.integers(0, 256, (count, 8)),
            "label": (draw.random(count) < _ATTACKS).astype(np.int64),
        }


def _number(values: NDArray[np.int64], digits: int) -> Bytes:
    """Decimal digits [M, digits]."""
    powers = 10 ** np.arange(digits - 1, -1, -1)
    return (values[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _hex(values: NDArray[np.int64], digits: int, table: Bytes) -> Bytes:
    shifts = 4 * np.arange(digits - 1, -1, -1)
    return table[values[:, None] >> shifts & 15]


def _line(parts: Sequence[Part], count: int) -> bytes:
    """All lines, of parts that stand beside each other."""
    texts: list[Bytes] = []
    there: list[NDArray[np.bool_]] = []
    for part in parts:
        if isinstance(part, bytes):
            part = np.broadcast_to(np.frombuffer(part, np.uint8), (count, len(part)))
        text, mask = part if isinstance(part, tuple) else (part, np.ones(part.shape, np.bool_))
        texts.append(text)
        there.append(mask)
    return np.hstack(texts)[np.hstack(there)].tobytes()


def _time(frames: dict[str, NDArray[np.int64]]) -> tuple[Bytes, bytes, Bytes]:
    seconds = _START_S + frames["time"] // 10**6
    return _number(seconds, 10), b".", _number(frames["time"] % 10**6, 6)


def _bytes(frames: dict[str, NDArray[np.int64]], table: Bytes, before: bytes = b"") -> Piece:
    """Two digits for each byte of the payloads, each behind `before`."""
    count = len(frames["dlc"])
    width = len(before) + 2
    text = np.empty((count, 8, width), np.uint8)
    text[:, :, : len(before)] = np.frombuffer(before, np.uint8)
    text[:, :, -2] = table[frames["payload"] >> 4]
    text[:, :, -1] = table[frames["payload"] & 15]
    there = np.repeat(np.arange(8) < frames["dlc"][:, None], width, axis=1)
    return text.reshape(count, -1), there


def _flag(frames: dict[str, NDArray[np.int64]], words: bytes) -> Bytes:
    return np.frombuffer(words, np.uint8)[frames["label"]][:, None]


def candump(frames: dict[str, NDArray[np.int64]]) -> bytes:
    """`(1478191030.067627) can0 112#FF0015`."""
    parts: list[Part] = [
        b"(",
        *_time(frames),
        b") can0 ",
        _hex(frames["id"], 3, _UPPER),
        b"#",
        _bytes(frames, _UPPER),
        b"\n",
    ]
    return _line(parts, len(frames["id"]))


def can_train_and_test(frames: dict[str, NDArray[np.int64]]) -> bytes:
    """`1478191030.067627,112,FF0015,0`."""
    parts: list[Part] = [
        *_time(frames),
        b",",
        _hex(frames["id"], 3, _UPPER),
        b",",
        _bytes(frames, _UPPER),
        b",",
        _flag(frames, b"01"),
        b"\n",
    ]
    return _line(parts, len(frames["id"]))


def car_hacking(frames: dict[str, NDArray[np.int64]]) -> bytes:
    """`1478191030.067627,0112,3,ff,00,15,R`: no header."""
    parts: list[Part] = [
        *_time(frames),
        b",",
        _hex(frames["id"], 4, _LOWER),
        b",",
        _number(frames["dlc"], 1),
        _bytes(frames, _LOWER, b","),
        b",",
        _flag(frames, b"RT"),
        b"\n",
    ]
    return _line(parts, len(frames["id"]))


def otids(frames: dict[str, NDArray[np.int64]]) -> bytes:
    """`Timestamp: 1478191030.067627        ID: 0112    000    DLC: 3    ff 00 15`."""
    parts: list[Part] = [
        b"Timestamp: ",
        *_time(frames),
        b"        ID: ",
        _hex(frames["id"], 4, _LOWER),
        b"    000    DLC: ",
        _number(frames["dlc"], 1),
        b"   ",
        _bytes(frames, _LOWER, b" "),
        b"\n",
    ]
    return _line(parts, len(frames["id"]))


FORMS: Final[dict[str, tuple[Callable[[dict[str, NDArray[np.int64]]], bytes], bytes]]] = {
    "candump": (candump, b""),
    "can-train-and-test": (can_train_and_test, b"timestamp,arbitration_id,data_field,attack\n"),
    "hcrl": (car_hacking, b""),
    "table": (
        car_hacking,
        b"Timestamp,ID,DLC," + b",".join(b"DATA%d" % k for k in range(8)) + b",Flag\n",
    ),
    "otids": (otids, b""),
}
"""Text of some frames, and what stands before the first, by the format that reads it."""


def pieces(form: str, count: int) -> Iterator[bytes]:
    """A recording of `count` frames in a form."""
    text, header = FORMS[form]
    traffic = Traffic()
    yield header
    for begin in range(0, count, PIECE_FRAMES):
        yield text(traffic.frames(min(PIECE_FRAMES, count - begin)))


def write_text(path: Path, form: str, count: int) -> None:
    """Writes a recording of `count` frames."""
    with path.open("wb") as file:
        file.writelines(pieces(form, count))
