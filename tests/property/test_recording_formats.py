"""Frames written as tables and words are read back; inputs that are spoilt never crash a reader."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.frames.readers.registry import formats
from tests.draws import examples
from tests.property.test_text_recordings import (
    FLAG,
    Row,
    digits,
    extended,
    frames_of,
    number,
    payloads,
    rows,
    short_extended,
    standard,
)

any_id = st.one_of(standard, extended, short_extended)
GVRET_BYTES = ",".join(f"D{k + 1}" for k in range(8))


def is_wide(row: Row) -> bool:
    return bool(row[1] & FLAG)


def python_can(row: Row) -> str:
    stamp, number_, data, _ = row
    text = base64.b64encode(data).decode()
    return f"{number(stamp)},{hex(number_ & ~FLAG)},{int(is_wide(row))},0,0,{len(data)},{text}"


def challenge(row: Row) -> str:
    stamp, _, data, label = row
    kind = "Flooding" if label else "Normal"
    cells = (number(stamp), digits(row[1]), str(len(data)), data.hex(" ").upper(), kind)
    return ",".join((*cells[:4], "Attack" if label else "Normal", kind))


def gvret(row: Row) -> str:
    stamp, number_, data, _ = row
    cells = [f"{b:02X}" for b in data.ljust(8, b"\0")]
    wide = "true" if is_wide(row) else "false"
    whole = f"{round(stamp * 1e6)},{number_ & ~FLAG:08X},{wide},Rx,0,{len(data)}"
    return ",".join((whole, *cells))


def own(row: Row) -> str:
    stamp, number_, data, label = row
    wide = "ext" if is_wide(row) else "std"
    comma = number(stamp).replace(".", ",")
    return f'"{comma}";"0x{number_ & ~FLAG:x}";"{wide}";"{data.hex("-")}";"{"RT"[label]}"'


def console(row: Row) -> str:
    data = row[2].hex(" ").upper()
    return f" ({number(row[0])})  can0  {digits(row[1])}   [{len(row[2])}]  {data}"


def crtd(row: Row) -> str:
    kind = "R29" if is_wide(row) else "R11"
    return f"{number(row[0])} {kind} {row[1] & ~FLAG:08X} {row[2].hex(' ')}"


def trc(row: Row) -> str:
    identity = f"{row[1] & ~FLAG:08X}" if is_wide(row) else f"{row[1]:04X}"
    data = row[2].hex(" ").upper()
    return f"1 {number(row[0])} DT 1 {identity} Rx - {len(row[2])} {data}"


TRC_HEAD = ";$FILEVERSION=2.1\n;$COLUMNS=N,O,T,B,I,d,R,L,D"
WRITTEN: dict[str, tuple[str, str, Callable[[Row], str], bool, float]] = {
    "python-can": ("table", "timestamp,arbitration_id,extended,remote,error,dlc,data", python_can,
                   False, 1.0),
    "challenge": ("table", "Timestamp,Arbitration_ID,DLC,Data,Class,SubClass", challenge, True,
                  1.0),
    "gvret": ("table", f"Time Stamp,ID,Extended,Dir,Bus,LEN,{GVRET_BYTES}", gvret, False, 1e6),
    "own": ("table", "time;id;ext;payload;flag", own, True, 1.0),
    "console": ("candump-console", "# console", console, False, 1.0),
    "crtd": ("crtd", "0.0 CXX remark", crtd, False, 1.0),
    "trc": ("trc", TRC_HEAD, trc, False, 1e3),
}  # fmt: skip


def expected(rows: list[Row], labelled: bool, units: float) -> Frames:
    stamped = [(float(number(t)), i, p, a) for t, i, p, a in rows]
    if units == 1e6:
        stamped = [(round(t * 1e6) / 1e6, i, p, a) for t, i, p, a in stamped]
    elif units == 1e3:
        stamped = [(t / 1e3, i, p, a) for t, i, p, a in stamped]
    return frames_of(stamped, labelled=labelled)


def in_file(content: bytes, format: str | None, *, lenient: bool = False) -> Frames:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_bytes(content)
        return read_recording(path, format=format, lenient=lenient).frames


@pytest.mark.parametrize("name", WRITTEN)
@examples(15)
@given(drawn=rows(any_id, payloads))
def test_what_is_written_is_read_back(name: str, drawn: list[Row]) -> None:
    format, head, line, labelled, units = WRITTEN[name]
    if name == "challenge":
        # No column says which IDs are extended: only their size does.
        drawn = [(t, i if i & ~FLAG > 0x7FF else i & ~FLAG, p, a) for t, i, p, a in drawn]
    drawn = [*drawn, (1.5, 0x7A5, bytes(8), 0)]
    found = in_file("\n".join((head, *map(line, drawn))).encode(), None)
    assert found.digest() == expected(drawn, labelled, units).digest(), format


SEEDS = [
    "\n".join((head, *(line((k / 8, 0x123 + k, bytes(range(k % 9)), k % 2)) for k in range(12))))
    for _, head, line, _, _ in WRITTEN.values()
]


@pytest.mark.parametrize("format", [None, *formats()])
@examples(12)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 20), st.binary(max_size=6)), max_size=8
    ),
    lenient=st.booleans(),
)
def test_spoilt_inputs_are_read_or_refused(
    format: str | None, seed: str, edits: list[tuple[int, int, bytes]], lenient: bool
) -> None:
    content = bytearray(seed.encode())
    for at, length, new in edits:
        content[at : at + length] = new
    try:
        frames = in_file(bytes(content), format, lenient=lenient)
    except DataError as error:
        assert str(error)
    else:
        assert len(frames) > 0
        assert np.isfinite(frames.timestamp).all()
        assert (frames.dlc <= frames.payload.shape[1]).all()
