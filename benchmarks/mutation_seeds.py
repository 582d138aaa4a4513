"""What spoilt inputs begin as: sample recordings of each format, cut to some KB."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from can_train.dataset.export import FORMATS
from can_train.frames.frame import EXTENDED_FLAG, Frames

READERS: Final[Mapping[str, str]] = {
    "parquet": ".parquet", "table": ".csv", "can-train-and-test": ".csv", "hcrl": ".txt",
    "otids": ".txt", "candump": ".log", "candump-console": ".txt", "trc": ".trc", "crtd": ".txt",
    "busmaster": ".log", "carbus": ".trc", "asc": ".asc", "blf": ".blf", "mf4": ".mf4",
    "sqlite": ".db", "pcap": ".pcap", "packed": "", "labels": ".csv",
}  # fmt: skip
"""Readers, and how their files end: `packed` unpacks, `labels` reads tables of labels."""

SAMPLES: Final = Path(__file__).parents[1] / "tests/unit/frames/samples.txt"
_MOST_LINES: Final = 40
_MOST_BYTES: Final = 32_768
_SOME: Final = 8
_SOCKETCAN: Final = 227


def seeds_of(reader: str, recordings: Path) -> list[bytes]:
    """Whole inputs of a reader, before anything is spoilt."""
    made = {"packed": _packed, "labels": _labels, "pcap": _pcap}
    if reader in made:
        return list(made[reader]())
    if reader in ("parquet", "sqlite"):
        return [_written(reader)]
    return list(_samples(reader, recordings))


def frames() -> Frames:
    """Thirty frames, some of them extended, attacked or empty."""
    count = 30
    k = np.arange(count)
    dlc = (k % 9).astype(np.uint8)
    payload = (k[:, None] * np.arange(8) % 256).astype(np.uint8)
    payload[np.arange(8) >= dlc[:, None]] = 0
    wide = np.where(k % 7 == 0, int(EXTENDED_FLAG) | 0x1000, 0)
    return Frames(
        timestamp=1.5e9 + k / 100,
        arbitration_id=(0x100 + k % 5 | wide).astype(np.uint32),
        dlc=dlc,
        payload=payload,
        label=(k % 11 == 0).astype(np.uint8),
    )


def _samples(reader: str, recordings: Path) -> Iterator[bytes]:
    """The smallest samples that are recognised as the format."""
    rows = (line.split(" | ") for line in SAMPLES.read_text("utf-8").splitlines())
    paths = [recordings / name for name, format, *_ in rows if format == reader]
    for path in sorted(paths, key=lambda path: path.stat().st_size)[:_SOME]:
        data = path.read_bytes()
        if b"\0" in data[:1000]:
            if len(data) <= _MOST_BYTES:
                yield data
        else:
            yield b"\n".join(data.split(b"\n")[:_MOST_LINES])


def _written(reader: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{READERS[reader]}"
        FORMATS["parquet" if reader == "parquet" else "asc"].write(path, frames())
        return path.read_bytes()


def _pcap() -> Iterator[bytes]:
    """SocketCAN packets in both byte orders."""
    for order in "<>":
        head = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _SOCKETCAN)
        packets = []
        for k in range(12):
            data = struct.pack(">IB3x", 0x100 + k | (1 << 31 if k % 5 == 0 else 0), 8) + bytes(8)
            packets.append(struct.pack(order + "IIII", 1500, k, len(data), len(data)) + data)
        yield head + b"".join(packets)


def _packed() -> Iterator[bytes]:
    text = b"".join(b"(%d.5) can0 1A%d#0011\n" % (k, k % 9) for k in range(40))
    yield from (gzip.compress(text), bz2.compress(text), lzma.compress(text))
    yield text.decode().encode("utf-16")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("drive.log", text)
    yield file.getvalue()


def _labels() -> Iterator[bytes]:
    yield b"start,end,id,kind\n1.0,2.0,1A0,dos\n3.0,4.5,,fuzzing\n"
    yield b"frame;file\n3;drive\n17;drive\n"
    yield b"label\n0\n1\n0\n"
    rows = [{"start": 1.0, "end": 2.0, "id": 416, "kind": "dos"}, {"start": 3, "end": 4}]
    yield json.dumps(rows).encode()
    yield json.dumps({"drive": rows}).encode()
    road = {"injection_id": "0x39E", "injection_interval": [0.3, 0.4], "injection_data_str": "XX0F"}
    yield json.dumps({"attack_1": road, "attack_2": {"injection_interval": None}}).encode()
