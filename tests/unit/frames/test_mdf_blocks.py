"""Lists of blocks in MF4 files that never end."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.mdf_blocks import require_ends

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
    require_ends(write(tmp_path, links))


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
        require_ends(write(tmp_path, links))
