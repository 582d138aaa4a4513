"""Frames written in any text grammar are read back bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.options import ReadOptions
from can_train.frames.readers import (
    can_train_and_test,
    candump,
    console,
    hcrl,
    otids,
    read_recording,
    table,
    trc,
)
from can_train.frames.text.canonical import LONGEST
from can_train.frames.text.lines import REMARK
from can_train.frames.text.reading import TextLayout, read_text
from tests.draws import examples

FLAG = int(EXTENDED_FLAG)
standard = st.integers(0, 0x7FF)
extended = st.integers(0x800, 0x1FFF_FFFF).map(lambda value: value | FLAG)
short_extended = st.integers(0, 0x7FF).map(lambda value: value | FLAG)
seconds = st.one_of(
    st.floats(0, 4e9, allow_nan=False),
    st.floats(1.6e9, 1.8e9, allow_nan=False),
    st.integers(0, 2 * 10**15).map(lambda value: value / 10**6),
)
payloads = st.binary(max_size=8)
fd_payloads = st.one_of(payloads, *(st.binary(min_size=n, max_size=n) for n in (12, 24, 48, 64)))
Row = tuple[float, int, bytes, int]


def rows(
    ids: st.SearchStrategy[int], data: st.SearchStrategy[bytes]
) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.tuples(seconds, ids, data, st.integers(0, 1)), min_size=1, max_size=40)


def digits(arbitration_id: int) -> str:
    return f"{arbitration_id & ~FLAG:08X}" if arbitration_id & FLAG else f"{arbitration_id:03X}"


def number(value: float) -> str:
    """Shortest text without an exponent, as the recorders write it."""
    return np.format_float_positional(value, trim="0")


def frames_of(rows: list[Row], width: int = 8, labelled: bool = True) -> Frames:
    return Frames(
        timestamp=np.array([row[0] for row in rows]),
        arbitration_id=np.array([row[1] for row in rows], np.uint32),
        dlc=np.array([len(row[2]) for row in rows], np.uint8),
        payload=np.array([list(row[2].ljust(width, b"\0")) for row in rows], np.uint8),
        label=np.array([row[3] * labelled for row in rows], np.uint8),
    )


def assert_reads(lines: list[str], expected: Frames, format: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_text("\n".join(lines))
        result = read_recording(path, format=format)
    assert result.format == format
    assert result.frames.digest() == expected.digest()


@given(rows(st.one_of(standard, extended), payloads))
def test_can_train_and_test(rows: list[Row]) -> None:
    lines = [f"{number(t)},{digits(i)},{p.hex().upper()},{a}" for t, i, p, a in rows]
    header = "timestamp,arbitration_id,data_field,attack"
    assert_reads([header, *lines], frames_of(rows), "can-train-and-test")


@given(rows(st.one_of(standard, extended), payloads), st.sampled_from(["RT", "NA"]))
def test_hcrl(rows: list[Row], words: str) -> None:
    flags = ["R", "T"] if words == "RT" else ["Normal", "Attack"]
    lines = [
        ",".join([number(t), digits(i), str(len(p)), *(f"{b:02x}" for b in p), flags[a]])
        for t, i, p, a in rows
    ]
    assert_reads(lines, frames_of(rows), "hcrl")


@given(rows(st.one_of(standard, extended, short_extended), payloads))
def test_candump(rows: list[Row]) -> None:
    lines = [f"({number(t)}) can0 {digits(i)}#{p.hex().upper()}" for t, i, p, _ in rows]
    assert_reads(lines, frames_of(rows, labelled=False), "candump")


@given(rows(st.one_of(standard, extended), fd_payloads))
def test_candump_with_can_fd(rows: list[Row]) -> None:
    lines = [f"({number(t)}) can0 {digits(i)}##1{p.hex().upper()}" for t, i, p, _ in rows]
    assert_reads(lines, frames_of(rows, width=64, labelled=False), "candump")


@given(st.lists(st.from_regex(r"[0-9]{1,22}(\.[0-9]{0,24})?", fullmatch=True), min_size=1))
@examples(300)
def test_timestamps_are_those_of_float(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_text("\n".join(f"({text}) can0 112#" for text in texts))
        found = read_recording(path, format="candump").frames.timestamp
    assert found.tolist() == [float(text) for text in texts]


def usual_and_odd(draw: st.DrawFn, form: str) -> bytes:
    """Lines as recorders write them, and some that were changed in one place."""
    lines = []
    for time, number, data, label in draw(rows(st.one_of(standard, extended), payloads)):
        line = FORMS[form](f"{time:.6f}", digits(number), data, label)
        if draw(st.booleans()):
            at, byte = draw(st.integers(0, len(line))), draw(st.sampled_from(ODD_BYTES))
            line = line[:at] + byte + line[at + draw(st.integers(0, 1)) :]
        lines.append(line + draw(st.sampled_from([b"\n", b"\n", b"\r\n", b" \n", b"\n\n"])))
    return b"".join(lines)


ODD_BYTES = [bytes([byte]) for byte in b'0129afFgGR#_.,: \t\r\n"\x00\x80\xffT()[]-+e']
FORMS: dict[str, Callable[[str, str, bytes, int], bytes]] = {
    "candump": lambda t, i, p, a: f"({t}) can{a} {i}#{p.hex().upper()}".encode(),
    "labelled candump": lambda t, i, p, a: f"({t}) vcan0 {i}#{p.hex()} {a}".encode(),
    "can-train-and-test": lambda t, i, p, a: f"{t},{i},{p.hex().upper()},{a}".encode(),
    "car-hacking": lambda t, i, p, a: ",".join(
        [t, i, str(len(p)), *(f"{b:02x}" for b in p), "RT"[a]]
    ).encode(),
    "table": lambda t, i, p, a: ",".join(
        ["7", t, i, str(len(p)), *(f"{b:02x}" for b in p), *[""] * (8 - len(p)), "RT"[a]]
    ).encode(),
    "short rows": lambda t, i, p, a: ",".join(
        ["7", t, i, str(len(p)), *(f"{b:02x}" for b in p), "01"[a]]
    ).encode(),
    "table of one payload": lambda t, i, p, a: f"{t};{i};{p.hex()};{a};{a}".encode(),
    "OTIDS": lambda t, i, p, a: (
        f"Timestamp: {t}        ID: {i}    000    DLC: {len(p)}    {p.hex(' ')}".encode()
    ),
    "console": lambda t, i, p, a: (
        f" ({t})  can{a}  {i}   [{len(p)}]  {p.hex(' ').upper()}".encode()
    ),
    "TRC": lambda t, i, p, a: f"7) {t} {a} Rx {i} - {len(p)} {p.hex(' ').upper()}".encode(),
    "HCRL without flags": lambda t, i, p, a: (
        f"{t},{i},{len(p)}," + " ".join(f"{b:02X}" for b in p)
    ).encode(),
}
BYTES_HEADER = b"row,Timestamp,ID,DLC,D0,D1,D2,D3,D4,D5,D6,D7,Flag\n"


def table_layout(path: Path) -> TextLayout:
    return table.layout_of(table.understood(path, {}))


LAYOUTS = {
    "candump": (candump.layout_of, b"(1.5) can0 123#00\n"),
    "labelled candump": (candump.layout_of, b"(1.5) can0 123#00 1\n"),
    "can-train-and-test": (
        can_train_and_test.layout_of,
        b"timestamp,arbitration_id,data_field,attack\n",
    ),
    "car-hacking": (hcrl.layout_of, b"1.5,0123,1,00,R\n"),
    "table": (table_layout, BYTES_HEADER + b"0,1.5,01AF,1,af,,,,,,,,R\n"),
    "short rows": (table_layout, BYTES_HEADER + b"0,1.5,01AF,1,af,0\n"),
    "table of one payload": (table_layout, b"time;id;data;attack;label\n1.5;1AF;af;0;0\n"),
    "OTIDS": (otids.layout_of, b"Timestamp: 1.5  ID: 0123  000  DLC: 1  00\n"),
    "console": (console.layout_of, b" (1.5)  can0  123   [1]  00\n"),
    "TRC": (trc.layout_of, b";$FILEVERSION=1.3\n1) 500.0 1 Rx 0123 - 1 00\n"),
    "HCRL without flags": (hcrl.layout_of, b"1.5,0123,1,00\n"),
}


def told(path: Path, layout: TextLayout) -> tuple[object, ...] | str:
    try:
        result = read_text(path, layout, ReadOptions(lenient=1.0))
    except DataError as error:
        return str(error)
    bus = None if result.bus is None else result.bus.tolist()
    frames = result.frames.digest()
    rest = (result.skipped, result.error_frames, result.remote_frames)
    return frames, bus, result.bus_names, result.first_problems, *rest


@pytest.mark.parametrize("form", list(FORMS))
@given(st.data())
@examples(100)
def test_the_fast_pass_reads_what_the_parser_reads(form: str, data: st.DataObject) -> None:
    layout_of, begin = LAYOUTS[form]
    # Behind the last of the usual lines stand enough bytes for the fast pass to look at it.
    text = begin + data.draw(st.composite(usual_and_odd)(form)) + b"\n" * LONGEST
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_bytes(begin)  # the layout is that of the usual lines, whatever else is drawn
        layout = layout_of(path)
        assert layout.scan is not None
        path.write_bytes(text)
        assert told(path, layout) == told(path, replace(layout, scan=None))


@pytest.mark.parametrize(
    "form",
    [
        "candump",
        "can-train-and-test",
        "car-hacking",
        "table",
        "short rows",
        "OTIDS",
        "console",
        "TRC",
    ],
)
def test_the_fast_pass_takes_the_usual_lines(form: str, tmp_path: Path) -> None:
    layout_of, begin = LAYOUTS[form]
    path = tmp_path / "recording"
    line = FORMS[form]("1478191030.067627", "1F3", b"\x01\xaf", 1)
    path.write_bytes(begin + (line + b"\n") * 50)

    def refuse(data: NDArray[np.uint8], lines: NDArray[np.void], _: NDArray[np.uint8]) -> None:
        assert (data[lines["start"]] == ord(";")).all(), "a usual line was left to the parser"
        lines["code"] = REMARK

    # The lines at the end of a text are never taken: nothing may be read behind it.
    layout = replace(layout_of(path), parse=refuse)
    path.write_bytes(begin + (line + b"\n") * 50 + b"\n" * LONGEST)
    assert len(read_text(path, layout, ReadOptions()).frames) >= 50
