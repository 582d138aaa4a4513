"""Files of a synthetic dataset, line by line."""

from __future__ import annotations

import re
from pathlib import Path

from can_train.dataset.synth import generate
from can_train.dataset.synth.csv_file import START_S
from can_train.dataset.synth.dataset import FILES, record

LINE = re.compile(rb"\d{10}\.\d{6},[0-7][0-9A-F]{2},([0-9A-F]{2}){0,8},[01]")


def test_lines_follow_the_layout_and_hold_the_recorded_frames(tmp_path: Path):
    for planned, path in zip(FILES, generate(tmp_path, scale=0.05), strict=True):
        header, *lines = path.read_bytes().split(b"\n")
        assert header == b"timestamp,arbitration_id,data_field,attack"
        assert lines.pop() == b""
        assert all(LINE.fullmatch(line) for line in lines)
        cells = [line.decode().split(",") for line in lines]
        traffic = record(planned, scale=0.05)
        assert [round((float(c[0]) - START_S) * 1e6) for c in cells] == traffic.time_us.tolist()
        assert [int(c[1], 16) for c in cells] == traffic.arbitration_id.tolist()
        payload = [bytes(row[:n]) for row, n in zip(traffic.payload, traffic.dlc, strict=True)]
        assert [bytes.fromhex(c[2]) for c in cells] == payload
        assert [int(c[3]) for c in cells] == traffic.label.tolist()
        assert any(c[2] == "" for c in cells), "no frame without payload"
