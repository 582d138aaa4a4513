"""One file on its way to whoever needs it: labels, clock and buses."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.dataset.reading import sniffed
from can_train.dataset.request import AS_FOUND, Reading
from can_train.errors import DataError


def test_sniffing_tells_what_is_odd_about_time_and_buses(tmp_path: Path) -> None:
    path = tmp_path / "drive.log"
    stamps = [k / 100 + (60 if k >= 50 else 0) for k in range(100)]
    path.write_text("".join(f"({t:.2f}) can{k % 2} 123#00\n" for k, t in enumerate(stamps)))
    lines = list(sniffed(path, AS_FOUND))
    assert lines[0].startswith("candump: 100 frames, 1 ID (0 extended), buses can0, can1")
    assert lines[-1] == "2 buses, a recording each: can0 (50 frames), can1 (50 frames). One " + (
        "alone: --bus NAME"
    )
    assert any("the clock jumps: +60.020 s at frame 25" in line for line in lines)
    assert "buses" not in list(sniffed(path, Reading(bus="can1")))[-1]
    path.write_text("".join(f"({k * 500.0}) can0 12{k % 7}#00\n" for k in range(100)))
    shown = sniffed(path, AS_FOUND)
    assert next(shown).startswith("candump: 100 frames")
    with pytest.raises(DataError, match="read it with --time-unit us"):
        list(shown)
    assert len(list(sniffed(path, Reading(time_unit="us")))) == 1
