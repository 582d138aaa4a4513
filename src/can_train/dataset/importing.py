"""Imports many files: two at a time, and where it was stopped it goes on file by file.

What was found in a file is noted below `.importing/` as soon as its frames are stored, under a name
that covers the file as it lies there and how it is read. Notes aren't brought to the disk:
where a power cut left none, or an empty one, the file is read once more.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from can_train import __version__
from can_train.dataset.discovery import SourceFile
from can_train.dataset.id_sets import SeenIds
from can_train.dataset.intake import import_file
from can_train.dataset.labels import Labels
from can_train.dataset.manifest import dataset_dir
from can_train.dataset.request import PrepareRequest
from can_train.files import write_text
from can_train.frames.options import Advance
from can_train.frames.recording import Recording

AT_ONCE: Final = 2
"""Files in work at a time: reading takes one core."""

_NOTES: Final = ".importing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """What was found in one file.

    Attributes:
        seen: Its recordings and their IDs.
        lines: What is to be told of it.
        bytes_left: Bytes of the file that weren't told yet as read.
        again: Whether it was imported before and not read again.
    """

    seen: tuple[SeenIds, ...]
    lines: tuple[str, ...]
    bytes_left: int
    again: bool = False


def import_files(
    files: Sequence[SourceFile],
    request: PrepareRequest,
    labels: Labels,
    report: Callable[[str], None],
    advance: Advance,
) -> list[SeenIds]:
    """Reads files and stores their frames.

    Args:
        files: The files.
        request: How they are to be read, and where their frames go.
        labels: Labels that stand in files of their own.
        report: Takes each line worth telling, in the order of the files.
        advance: Takes bytes that were read, from several threads; in the end those of all files.

    Raises:
        DataError: The first file that can't be imported.
    """
    seen: list[SeenIds] = []
    again = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(_import, file, request, labels, advance) for file in files]
        try:
            for future in waiting:
                found = future.result()
                for line in found.lines:
                    report(line)
                seen += found.seen
                again += found.again
                advance(found.bytes_left)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if again:
        report(f"{again} of {len(files)} files were imported before the stop and not read again")
    return seen


def forget_imported(folder: Path) -> None:
    """Removes the notes of an import that has ended."""
    shutil.rmtree(folder / _NOTES, ignore_errors=True)


def _import(
    file: SourceFile, request: PrepareRequest, labels: Labels, advance: Advance
) -> ImportedFile:
    left = file.path.stat().st_size

    def advance_within(size: int) -> None:
        nonlocal left
        size = min(size, left)
        left -= size
        advance(size)

    folder = dataset_dir(request.data_root, request.modality, request.dataset)
    note = folder / _NOTES / f"{_key(file, request)}.json"
    before = _noted(note, folder, left)
    if before is not None:
        return before
    lines: list[str] = []
    seen = import_file(file, request, labels, lines.append, advance_within)
    document = {
        "recordings": [asdict(each.recording) for each in seen],
        "ids": [sorted(each.ids) for each in seen],
        "lines": lines,
    }
    write_text(note, json.dumps(document), synced=False)
    return ImportedFile(seen=tuple(seen), lines=tuple(lines), bytes_left=left)


def _noted(note: Path, folder: Path, size: int) -> ImportedFile | None:
    """What was found before, if its frames are still there."""
    try:
        document = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none, or what a power cut left of one
        return None
    recordings = [Recording(**row) for row in document["recordings"]]
    if not all((folder / "frames" / recording.digest).is_dir() for recording in recordings):
        return None
    return ImportedFile(
        seen=tuple(
            SeenIds(recording=recording, ids=frozenset(ids))
            for recording, ids in zip(recordings, document["ids"], strict=True)
        ),
        lines=tuple(document["lines"]),
        bytes_left=size,
        again=True,
    )


def _key(file: SourceFile, request: PrepareRequest) -> str:
    """Covers the file, the table of its labels, and how both are read."""
    paths = [file.path]
    table = request.reading.labels
    if table is not None and Path(table).exists():
        paths += [Path(table), *sorted(Path(table).rglob("*"))]
    reading = asdict(request.reading)
    place = (__version__, request.dataset, file.scenario, file.name, file.labels)
    stats = [(str(path.resolve()), path.stat()) for path in paths]
    parts = [place, reading, *((path, found.st_size, found.st_mtime_ns) for path, found in stats)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
