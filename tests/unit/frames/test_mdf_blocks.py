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
