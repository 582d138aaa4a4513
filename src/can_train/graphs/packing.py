"""Writes a packed store: recordings become graphs on all cores, and are written in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.files import sha256_of, writing_folder
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import verified_frames
from can_train.graphs.ahead import built_ahead
from can_train.graphs.columns import STORED, PackedGraphs
from can_train.graphs.identity import WindowSpec

T = TypeVar("T")

META: Final = "meta.json"
MADE: Final = "made.json"
MARKS: Final = "marks.npy"
"""Files of a store beside its columns; the last two only where recordings were made."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MadeRecording:
    """A recording that isn't stored as frames.

    Attributes:
        recording: What it is; its digest is one of the maker's.
        frames: Its frames.
        marks: A number that its maker gives each window, from the windows' first frames [B].
    """

    recording: Recording
    frames: Frames
    marks: Callable[[NDArray[np.int64]], NDArray[np.int8]]


class Maker(Protocol):
    """Makes recordings that are stored as graphs alone."""

    @property
    def digests(self) -> Sequence[str]:
        """What decides each of them."""

    def recordings(self) -> Iterator[MadeRecording]:
        """All of them, in this order."""


def pack_store(
    folder: Path,
    path: Path,
    recordings: Sequence[Recording],
    spec: WindowSpec,
    maker: Maker | None,
) -> bool:
    """Writes the store beside `path` and renames it; the first of several builders wins.

    Returns:
        Whether it was this one, so that every byte at `path` was hashed on the way there.
    """
    try:
        with writing_folder(path) as partial:
            with _Writer(partial) as writer:
                _pack(recordings, lambda each: verified_frames(folder, each), spec, writer)
                if maker is not None:
                    _pack_made(maker, spec, writer)
            if not writer.windows:
                raise DataError(
                    f"{folder}: no recording holds a full window of {spec.window} frames. "
                    f"Use a smaller --window (at least 2)"
                )
            (partial / META).write_text(writer.meta(), encoding="utf-8")
            written = partial.stat().st_ino
        return path.stat().st_ino == written
    except OSError as error:
        raise DataError(f"{path}: can't be stored ({error.strerror})") from error


def _pack(
    sources: Iterable[T], frames_of: Callable[[T], Frames], spec: WindowSpec, writer: _Writer
) -> list[tuple[T, NDArray[np.int64]]]:
    """Writes the graphs of each source; gives them with the first frame of each window [B]."""
    found = []
    with built_ahead(sources, frames_of, spec) as built:
        for source, chunks in built:
            starts = [np.zeros(0, np.int64)]
            for graphs in chunks:
                writer.add(graphs)
                starts.append(graphs.start)
            writer.recordings += 1
            found.append((source, np.concatenate(starts)))
    return found


def _pack_made(maker: Maker, spec: WindowSpec, writer: _Writer) -> None:
    """Writes what the maker makes, and beside the columns what it is."""
    rows, marks = [], [np.zeros(0, np.int8)]
    for made in maker.recordings():
        ((_, starts),) = _pack([made], lambda each: each.frames, spec, writer)
        marks.append(made.marks(starts))
        rows.append(asdict(made.recording))
    (writer.folder / MADE).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    np.save(writer.folder / MARKS, np.concatenate(marks).astype(np.int8))


class _Writer:
    """Appends chunks of graphs to one raw file per column, hashing on the way."""

    def __init__(self, folder: Path) -> None:
        self._files = {column.name: (folder / column.name).open("wb") for column in STORED}
        self._hashes = {column.name: hashlib.sha256() for column in STORED}
        self._counts = {column.name: 0 for column in STORED}
        self.folder = folder
        self.windows = self.recordings = 0

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(self, graphs: PackedGraphs) -> None:
        """Appends graphs of the next recording."""
        self.windows += len(graphs)
        for column in STORED:
            data = np.ascontiguousarray(column.of(graphs, self.recordings), dtype=column.dtype)
            self._files[column.name].write(data.data)
            self._hashes[column.name].update(data.data)
            self._counts[column.name] += len(data)

    def meta(self) -> str:
        """Rows of each column and hash of each file, as JSON."""
        hashes = {name: running.hexdigest() for name, running in self._hashes.items()}
        hashes |= {
            path.name: sha256_of(path) for path in self.folder.iterdir() if path.name not in hashes
        }
        return json.dumps({"counts": self._counts, "sha256": hashes}, indent=1, sort_keys=True)
