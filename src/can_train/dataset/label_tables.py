"""Reads labels that stand in a file of their own: CSV, JSON, and the metadata of ROAD."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.errors import DataError
from can_train.frames.absent import absent
from can_train.frames.text.roles import ATTACK_WORDS, BENIGN_WORDS

ROAD_METADATA: Final = "capture_metadata.json"
"""ROAD's own file of labels; one lies in each of its folders."""

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "start": ("start", "start_s", "begin", "from"),
    "end": ("end", "end_s", "stop", "to"),
    "frame": ("frame", "index", "row"),
    "label": ("label", "attack"),
    "id": ("id", "arbitration_id", "can_id"),
    "kind": ("kind", "attack_kind", "type"),
    "file": ("file", "recording", "name"),
}
_ALLOWED: Final = (
    "A table of labels has the columns start and end (seconds), or frame (from 0), or label (0 or "
    "1, a row for each frame), and may have id (hexadecimal), kind and file"
)
_DELIMITERS: Final = (",", ";", "\t")
_ANY_ID: Final = "X"
"""ROAD writes X for every hex digit that may be any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One row of a table of labels: an interval, a frame, or the label of the next frame.

    Attributes:
        where: File and row, for messages.
        start_s: Begin of an interval, the end included; None: the row is about one frame.
        end_s: Its end.
        frame: Number of an attack frame, from 0.
        label: Label of the frame whose place in the recording is the row's.
        arbitration_id: Number of the only ID that is attacked; None: every one.
        pattern: Hex digits of the injected payload, X for any; empty: any payload.
        word: A label's word where it is a kind of attack.
        kind: Kind of attack.
        file: Recording that the row is about; empty: there is only one.
        from_first_frame: Whether an interval counts from the first frame in any case.
    """

    where: str
    start_s: float | None = None
    end_s: float | None = None
    frame: int | None = None
    label: int | None = None
    arbitration_id: int | None = None
    pattern: str = ""
    word: str = ""
    kind: str = ""
    file: str = ""
    from_first_frame: bool = False


def read_label_table(path: Path) -> tuple[LabelRow, ...]:
    """The rows of a CSV with a header, or of a JSON list of objects.

    Raises:
        DataError: It can't be read, or a row says nothing about frames.
    """
    if not path.exists():
        raise DataError(f"--labels {path}: {absent(path, 'file')} {_ALLOWED}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        records = _json(text) if path.suffix.lower() == ".json" else list(_csv(text))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"--labels {path}: no table of labels ({error}). {_ALLOWED}") from error
    if not records:
        raise DataError(f"--labels {path}: holds no rows. {_ALLOWED}")
    rows = tuple(_row(f"{path}: row {number}", each) for number, each in enumerate(records, 1))
    kinds = sorted({row.word for row in rows} - {""})
    if kinds and not any(row.label == 0 for row in rows):
        raise DataError(
            f"--labels {path}: labels {', '.join(kinds[:3])} and no word for benign frames "
            f"({', '.join(BENIGN_WORDS[:5])}, …). {_ALLOWED}"
        )
    return rows


def read_road(path: Path) -> dict[str, LabelRow]:
    """ROAD's injections by name of the recording; what has no interval is left out.

    Raises:
        DataError: Not that file.
    """
    try:
        found: Mapping[str, Mapping[str, object]] = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: _road_row(f"{path}: {name}", name, entry)
            for name, entry in found.items()
            if entry.get("injection_interval")
        }
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path}: not ROAD's {ROAD_METADATA} ({error})") from error


def _road_row(where: str, name: str, entry: Mapping[str, object]) -> LabelRow:
    interval = entry["injection_interval"]
    if not isinstance(interval, Sequence) or len(interval) != 2:
        raise ValueError(f"injection_interval of {name} is no pair")
    wanted = str(entry.get("injection_id") or _ANY_ID)
    any_id = wanted.upper().startswith(_ANY_ID)
    return LabelRow(
        where=where,
        start_s=float(interval[0]),
        end_s=float(interval[1]),
        arbitration_id=None if any_id else int(wanted, 16),
        pattern=str(entry.get("injection_data_str") or ""),
        file=name,
        from_first_frame=True,
    )


def _csv(text: str) -> Iterable[dict[str, object]]:
    lines = text.splitlines()
    between = max(_DELIMITERS, key=lines[0].count) if lines else _DELIMITERS[0]
    for row in csv.DictReader(lines, delimiter=between):
        yield {str(name).strip(): (value or "").strip() for name, value in row.items()}


def _json(text: str) -> list[dict[str, object]]:
    found = json.loads(text)
    if isinstance(found, dict):
        return [{"file": file, **row} for file, rows in found.items() for row in rows]
    return [dict(row) for row in found]


def _row(where: str, record: Mapping[str, object]) -> LabelRow:
    known = {name.lower(): value for name, value in record.items() if value not in ("", None)}
    given = {
        role: next((known[name] for name in names if name in known), None)
        for role, names in _COLUMNS.items()
    }
    kinds = [given["start"] is not None, given["frame"] is not None, given["label"] is not None]
    if sum(kinds) != 1 or (given["start"] is None) != (given["end"] is None):
        raise DataError(f"--labels {where}: {dict(record)} doesn't say what it labels. {_ALLOWED}")
    word = "" if given["label"] is None else str(given["label"]).lower()
    kind = str(given["label"]) if _is_kind(word) else ""
    try:
        return LabelRow(
            where=where,
            start_s=_number(given["start"]),
            end_s=_number(given["end"]),
            frame=_whole(given["frame"]),
            label=_label(word),
            arbitration_id=_id(given["id"]),
            word=kind,
            kind=str(given["kind"] or kind),
            file=str(given["file"] or ""),
        )
    except ValueError as error:
        raise DataError(f"--labels {where}: {error}. {_ALLOWED}") from error


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def _label(word: str) -> int | None:
    """0 or 1; a word other than those of ordinary frames is an attack's."""
    if not word:
        return None
    if word in BENIGN_WORDS:
        return 0
    if word in ATTACK_WORDS or _is_kind(word):
        return 1
    raise ValueError(f"label is {word!r}, neither 0 nor 1")


def _is_kind(word: str) -> bool:
    return word[:1].isalpha() and word not in {*BENIGN_WORDS, *ATTACK_WORDS}


def _id(value: object) -> int | None:
    """A number as it is, a text in hexadecimal."""
    if value is None or isinstance(value, int):
        return value
    return int(str(value), 16)
