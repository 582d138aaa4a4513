"""Reads a recording of any known format, recognised by its content."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from can_train.errors import DataError, did_you_mean
from can_train.frames.readers.grammars import (
    ARBITRATION_ID,
    DATA_FIELD,
    IGNORED,
    LABEL,
    TIMESTAMP,
)
from can_train.frames.readers.parquet import MAGIC, read_parquet
from can_train.frames.readers.result import ReadResult
from can_train.frames.readers.text import (
    BYTE_ORDER_MARK,
    CANDUMP,
    CSV,
    HCRL,
    TextLayout,
    read_text,
)

FORMATS: Final = ("parquet", "can-train-and-test", "hcrl", "candump")
"""`hcrl` is both the survival TXT and the car-hacking CSV."""

_ROLES: Final = {
    "timestamp": TIMESTAMP,
    "arbitration_id": ARBITRATION_ID,
    "data_field": DATA_FIELD,
    "attack": LABEL,
}
_HEADER: Final = ",".join(_ROLES)
_HEADLESS: Final = re.compile(r"\d+(\.\d+)?,[0-9A-Fa-f]{3,8},([0-9A-Fa-f]{2})*\s*,[01]")
_HCRL: Final = re.compile(r"\d+\.\d+,\s*[0-9A-Fa-f]{3,8},\s*[0-8](,.*)?")
_HCRL_FLAG: Final = re.compile(r".*,\s*(R|T|Normal|Attack)[\s,]*")
_CANDUMP: Final = re.compile(r"\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]{3,8}#.*")
_BLANKS: Final = b" \t\r\n"
_BYTES_LOOKED_AT: Final = 65536
_LINES_LOOKED_AT: Final = 20


def read_recording(path: Path, *, format: str | None = None, lenient: bool = False) -> ReadResult:
    """Reads one recording.

    Args:
        path: The file.
        format: One of `FORMATS`; absent: recognised by content.
        lenient: Leave malformed lines of a text out and count them.

    Raises:
        DataError: The file isn't a recording of a known format, or is malformed.
    """
    if format is not None and format not in FORMATS:
        raise DataError(
            f"--format {format}: no such format{did_you_mean(format, FORMATS)}. "
            f"Known: {', '.join(FORMATS)}"
        )
    head = _head(path)
    lines = _lines(head)
    name = format or recognise(head)
    if name is None:
        raise DataError(
            f"{path}: not a recording of a known format; it starts with {lines[:1]!r:.80}. "
            f"Known: {', '.join(FORMATS)}. Name one with --format, or take the file away"
        )
    if name == "parquet":
        return read_parquet(path)
    layout = _csv_layout(path, head) if name == "can-train-and-test" else _layout(name, lines)
    return read_text(path, layout, lenient=lenient)


def recognise(head: bytes) -> str | None:
    """Name of the format of a file that starts with the bytes `head`, or None."""
    if head.startswith(MAGIC):
        return "parquet"
    lines = _lines(head)
    if lines and (_is_header(lines[0]) or _HEADLESS.fullmatch(lines[0])):
        return "can-train-and-test"
    for line in lines:
        if _CANDUMP.fullmatch(line):
            return "candump"
        if _HCRL.fullmatch(line):
            return "hcrl"
    return None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(_BYTES_LOOKED_AT)
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror})") from error
    if not head:
        raise DataError(f"{path}: the file is empty. Leave it out of the source folder")
    return head.removeprefix(BYTE_ORDER_MARK)


def _lines(head: bytes) -> list[str]:
    """First lines that aren't blank, without blanks around them."""
    text = head.decode("utf-8", "replace")
    lines = [line.strip() for line in text.split("\n")]
    return [line for line in lines if line][:_LINES_LOOKED_AT]


def _names(line: str) -> list[str]:
    return [name.strip().strip('"') for name in line.split(",")]


def _is_header(line: str) -> bool:
    return {"timestamp", "arbitration_id", "data_field"} <= set(_names(line))


def _layout(name: str, lines: list[str]) -> TextLayout:
    if name == "candump":
        return TextLayout(name=name, grammar=CANDUMP, roles=(0,), labelled=False)
    sample = next((line for line in lines if _HCRL.fullmatch(line)), "")
    flags = not sample or _HCRL_FLAG.fullmatch(sample) is not None
    return TextLayout(name=name, grammar=HCRL, roles=(int(flags),), labelled=flags)


def _csv_layout(path: Path, head: bytes) -> TextLayout:
    before = len(head) - len(head.lstrip(_BLANKS))
    line = _lines(head)[0] if head.strip(_BLANKS) else ""
    number = head[:before].count(b"\n") + 1
    if not _is_header(line):
        raise DataError(
            f"{path}:{number}: no header. A can-train-and-test CSV starts with the line {_HEADER}; "
            f"attack may be missing, and the order is free. Put it in front"
        )
    columns = _names(line)
    repeated = sorted({column for column in columns if columns.count(column) > 1} & set(_ROLES))
    if repeated:
        raise DataError(f"{path}:{number}: column {', '.join(repeated)} stands twice. Keep one")
    return TextLayout(
        name="can-train-and-test",
        grammar=CSV,
        roles=tuple(_ROLES.get(column, IGNORED) for column in columns),
        labelled="attack" in columns,
        header_lines=number,
    )
