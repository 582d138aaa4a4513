"""Recordings that are compressed, or whose text isn't UTF-8 with line feeds: as plain files.

Nothing is held in memory: what a file holds flows through a decoder into a temporary file.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Protocol, cast

from can_train.errors import DataError
from can_train.frames.absent import absent
from can_train.frames.extras import extra

_CHUNK: Final = 1 << 20
_SHORT: Final = 65536
_GZIP, _XZ, _BZIP2 = b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh"
_ZSTANDARD, _ZIP = b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_MAC_FOLDER: Final = "__MACOSX/"
_SUFFIXES: Final = frozenset({".gz", ".xz", ".bz2", ".zst", ".zip"})
_DAMAGE: Final = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError,
                  NotImplementedError, ValueError, LookupError)  # fmt: skip


class _Recode(Protocol):
    """Turns a piece of a text into one of UTF-8 with line feeds."""

    def __call__(self, piece: bytes, *, final: bool) -> bytes:
        """The piece, and the last one if `final`."""


def start_of(path: Path, count: int) -> bytes:
    """The first bytes of what a file holds.

    Args:
        path: The file.
        count: How many bytes are wanted.

    Raises:
        DataError: It can't be read, or is damaged.
    """
    try:
        with _unpacked(path) as stream:
            start = _filled(stream, count)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    recode = _recoding(start)
    return start if recode is None else recode(start, final=False)


@contextlib.contextmanager
def plain_file(path: Path) -> Iterator[Path]:
    """What a file holds, as a file: itself, or a temporary one while the context lasts.

    Args:
        path: The file.

    Raises:
        DataError: It is damaged, or holds several files.
    """
    try:
        with _unpacked(path) as stream:
            recode = _recoding(_filled(stream, _SHORT))
        packed = _is_packed(path)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if recode is None and not packed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="can-train-") as folder:
        plain = Path(folder) / (path.stem if path.suffix.lower() in _SUFFIXES else path.name)
        try:
            _write(path, plain, recode)
        except _DAMAGE as error:
            raise _damaged(path, error) from error
        yield plain


def _write(path: Path, plain: Path, recode: _Recode | None) -> None:
    with _unpacked(path) as stream, plain.open("wb") as target:
        while piece := stream.read(_CHUNK):
            target.write(piece if recode is None else recode(piece, final=False))
        if recode is not None:
            target.write(recode(b"", final=True))


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6).startswith((_GZIP, _XZ, _BZIP2, _ZSTANDARD, _ZIP))


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """A file's content, decompressed as it is read."""
    with path.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith(_GZIP):
            with gzip.open(file) as stream:
                yield cast(IO[bytes], stream)
        elif magic.startswith(_XZ):
            with lzma.open(file) as stream:
                yield cast(IO[bytes], stream)
        elif magic.startswith(_BZIP2):
            with bz2.open(file) as stream:
                yield cast(IO[bytes], stream)
        elif magic.startswith(_ZSTANDARD):
            decoder = extra("zstandard", path, "Zstandard (.zst)").ZstdDecompressor()
            with decoder.stream_reader(file, read_across_frames=True) as stream:
                yield stream
        elif magic.startswith(_ZIP):
            with zipfile.ZipFile(file) as archive, archive.open(_only_member(path, archive)) as one:
                yield one
        else:
            yield file


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith(_MAC_FOLDER)
    ]
    if len(members) != 1:
        raise DataError(
            f"{path}: an archive of {len(members)} files. Unpack it, and name the folder"
        )
    return members[0]


def _filled(stream: IO[bytes], count: int) -> bytes:
    """The first bytes of a stream that gives fewer at a time."""
    start = b""
    while len(start) < count and (piece := stream.read(count - len(start))):
        start += piece
    return start


def _recoding(start: bytes) -> _Recode | None:
    """How a text that begins so becomes UTF-8 with line feeds; None if it is that, or no text."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _from_utf16("utf-16")
    even, odd = start[0:400:2], start[1:400:2]
    if len(odd) > 8 and not any(odd) and all(even):
        return _from_utf16("utf-16-le")
    if len(odd) > 8 and not any(even) and all(odd):
        return _from_utf16("utf-16-be")
    if b"\r" in start and b"\n" not in start and b"\0" not in start:
        return _with_line_feeds
    return None


def _from_utf16(encoding: str) -> _Recode:
    decoder = codecs.getincrementaldecoder(encoding)("replace")

    def recode(piece: bytes, *, final: bool) -> bytes:
        return decoder.decode(piece, final).encode("utf-8", "replace")

    return recode


def _with_line_feeds(piece: bytes, *, final: bool) -> bytes:
    """For texts of old systems, whose lines end with a carriage return alone."""
    return piece.replace(b"\r", b"\n")


def _damaged(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: {absent(path, 'file')} Name a recording, or a folder of them")
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{path}: can't be read ({error.strerror})")
    what = f"{type(error).__name__}: {error}"
    return DataError(f"{path}: cut or damaged, can't be unpacked ({what}). Copy it again")
