"""Lists of blocks in MF4 files that never end, and channels outside of their records."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.mdf_blocks import require_sound

HEADER, GROUP, INNER, CHANNEL = 64, 200, 300, 400
Links = dict[int, tuple[int, ...]]
WHOLE: Links = {
    HEADER: (GROUP, 0, 0, 0, 0),
    GROUP: (0, INNER, 0),
    INNER: (0, CHANNEL),
    CHANNEL: (0,),
}


def write(folder: Path, links: Links) -> Path:
    """A file with these links of blocks, by their addresses."""
    data = bytearray(1000)
    for at, own in {**WHOLE, **links}.items():
        struct.pack_into(f"<4s4xQQ{len(own)}Q", data, at, b"##XX", 24, len(own), *own)
    path = folder / "log.mf4"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("links", [{}, {GROUP: (1 << 40, 1 << 63, 0)}, {CHANNEL: (990,)}])
def test_lists_that_end_in_the_file_or_behind_it(tmp_path: Path, links: Links) -> None:
    require_sound(write(tmp_path, links))


@pytest.mark.parametrize(
    "links",
    [
        {GROUP: (GROUP, 0, 0)},
        {GROUP: (INNER, 0, 0), INNER: (GROUP, 0)},
        {INNER: (CHANNEL, 0), CHANNEL: (INNER, 0)},
        {CHANNEL: (CHANNEL,)},
        {HEADER: (0, 0, 0, 500, 0), 500: (500,)},
    ],
)
def test_list_that_leads_back_is_refused(tmp_path: Path, links: Links) -> None:
    with pytest.raises(DataError, match=r"the list of blocks at \d+ never ends"):
        require_sound(write(tmp_path, links))


def write_channel(folder: Path, *, kind: int = 0, bit: int = 0, byte: int, bits: int) -> Path:
    """A file with a channel within another one; records have 10 bytes and 2 for what is invalid."""
    path = write(folder, {INNER: (0, CHANNEL), CHANNEL: (0, 500), 500: (0, 0)})
    data = bytearray(path.read_bytes())
    struct.pack_into("<4s", data, 500, b"##CN")
    struct.pack_into("<QQHHIII", data, INNER + 24 + 16, 1, 1, 0, 0, 0, 10, 2)
    struct.pack_into("<BBBBII", data, 500 + 24 + 16, kind, 0, 0, bit, byte, bits)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "bit", "byte", "bits"),
    [(0, 0, 11, 8), (0, 4, 11, 4), (3, 0, 1 << 31, 8), (0, 0, 0, 96)],
)
def test_channels_within_their_record(
    tmp_path: Path, kind: int, bit: int, byte: int, bits: int
) -> None:
    require_sound(write_channel(tmp_path, kind=kind, bit=bit, byte=byte, bits=bits))


@pytest.mark.parametrize(
    ("bit", "byte", "bits"), [(0, 12, 8), (5, 11, 4), (0, 1 << 29, 8), (0, 0, (1 << 32) - 1)]
)
def test_a_channel_outside_of_its_record_is_refused(
    tmp_path: Path, bit: int, byte: int, bits: int
) -> None:
    with pytest.raises(DataError, match="the channel at 500 lies outside of its record"):
        require_sound(write_channel(tmp_path, bit=bit, byte=byte, bits=bits))


@pytest.mark.parametrize(
    ("records", "flags", "record", "refused"),
    [
        (3, 0, 84, False),
        (12_000, 0, 84, False),  # as squeezed as can be
        (13_000, 0, 84, True),
        (0x1_0000_0001, 0, 84, True),
        (0x1_0000_0001, 0, 0, True),  # what isn't recorded is numbered, too
        (900_000, 1, 84, False),  # of no fixed length
        (1_100_000, 1, 84, True),
    ],
)
def test_more_records_than_the_file_has_room_for_are_refused(
    tmp_path: Path, records: int, flags: int, record: int, refused: bool
) -> None:
    path = write(tmp_path, {})
    data = bytearray(path.read_bytes())
    struct.pack_into("<QQHHIII", data, INNER + 24 + 16, 1, records, flags, 0, 0, record, 0)
    path.write_bytes(data)
    if refused:
        with pytest.raises(
            DataError, match=rf"has {records:,} records, more than the file can hold"
        ):
            require_sound(path)
    else:
        require_sound(path)


def write_data(folder: Path, records: int, magic: bytes, blocks: dict[int, bytes]) -> Path:
    """A file with records of 10 bytes in one group, whose data begin at 600."""
    path = write(folder, {GROUP: (0, INNER, 600)})
    data = bytearray(path.read_bytes())
    data[: len(magic)] = magic
    struct.pack_into("<QQHHIII", data, INNER + 24 + 16, 1, records, 0, 0, 0, 10, 0)
    for at, block in blocks.items():
        data[at : at + len(block)] = block
    path.write_bytes(data)
    return path


def plain(records: int) -> bytes:
    return struct.pack("<4s4xQQ", b"##DT", 24 + 10 * records, 0)


def zipped(records: int) -> bytes:
    return struct.pack("<4s4xQQ2sBxIQQ", b"##DZ", 90, 0, b"DT", 0, 0, 10 * records, 42)


def listed(*links: int) -> bytes:
    return struct.pack(f"<4s4xQQ{len(links)}Q", b"##DL", 99, len(links), *links)


FINAL, NOT_FINAL = b"MDF     ", b"UnFinMF "
KINDS = {
    "plain": {600: plain(4)},
    "zipped": {600: zipped(4)},
    "list": {600: listed(0, 700, 800), 700: plain(1), 800: zipped(3)},
    "lists": {600: listed(900, 700), 700: plain(1), 900: listed(0, 800), 800: zipped(3)},
    "head": {
        600: struct.pack("<4s4xQQQ", b"##HL", 40, 1, 650),
        650: listed(0, 700),
        700: zipped(4),
    },
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("records", [0, 3, 5])
def test_a_group_has_as_many_records_as_its_data_hold(
    tmp_path: Path, kind: str, records: int
) -> None:
    require_sound(write_data(tmp_path, 4, FINAL, KINDS[kind]))
    with pytest.raises(
        DataError, match=rf"has {records} records, its data are 4\)\. Copy it again"
    ):
        require_sound(write_data(tmp_path, records, FINAL, KINDS[kind]))
    # Nobody has counted what an unfinished log holds.
    require_sound(write_data(tmp_path, records, NOT_FINAL, KINDS[kind]))


@pytest.mark.parametrize(
    "blocks",
    [
        {600: b"##XX"},
        {600: listed(0, 1 << 62)},
        {600: struct.pack("<4s4xQQ", b"##DL", 99, 1 << 63)},
        {600: struct.pack("<4s4xQQQ", b"##HL", 40, 1, 600)},
        {600: listed(0, 700), 700: listed(0, 600)},
    ],
)
def test_data_that_are_not_understood_are_left_to_the_library(
    tmp_path: Path, blocks: dict[int, bytes]
) -> None:
    require_sound(write_data(tmp_path, 4, FINAL, blocks))
