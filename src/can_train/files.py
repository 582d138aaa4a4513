"""Files and folders that are whole or absent, locks, and hashes (stdlib and filelock only).

This is the only place that writes atomically. Everything is written beside its target under a
hidden name that begins with `.partial-`, brought to the disk, and renamed: a reader sees the old
content or the new one, whenever the writer is killed. What a killed writer leaves bears that name.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from can_train.errors import ArtifactError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PARTIAL: Final = ".partial-"
"""How everything begins that isn't whole yet."""

_WRITE_RANGE: Final = 2
"""`SYNC_FILE_RANGE_WRITE`: begin to write, and don't wait."""

SHORT_HASH: Final = 12
"""Letters of a hash in names."""

SEAL: Final = "sha256"
OWN_SEAL: Final = "content_sha256"
"""Key of the seal of documents in which `sha256` is the hash of another file."""


def partial_name(target: Path) -> Path:
    """A name beside `target` that nobody else uses, for what isn't whole yet."""
    return target.with_name(f"{PARTIAL}{target.name}-{os.getpid()}-{secrets.token_hex(4)}")


@contextlib.contextmanager
def writing(path: Path, mode: int = 0o644, *, synced: bool = True) -> Iterator[IO[bytes]]:
    """A binary stream whose content becomes `path` when the block ends without an error.

    Args:
        path: The file; its folder is made when missing.
        mode: Permission bits of the file.
        synced: Whether it is brought to the disk first. Else it may be empty after a power cut,
            so only for what can be missed, and is read with that in mind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = partial_name(path)
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            if synced:
                os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, mode: int = 0o644, *, synced: bool = True) -> None:
    """Writes `text` as UTF-8, whole or not at all (see `writing`)."""
    with writing(path, mode, synced=synced) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: Path, document: object) -> None:
    """Writes a document as indented JSON with sorted keys, whole or not at all."""
    write_text(path, json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n")


def copy_file(source: Path, target: Path) -> None:
    """Makes `target` a copy of the content of `source`, whole or not at all."""
    with source.open("rb") as reading, writing(target) as stream:
        shutil.copyfileobj(reading, stream)


@contextlib.contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """A folder that takes the name `path` when the block ends without an error.

    Where another process made `path` in the meantime, its folder stays and this one is dropped:
    folders are addressed by their content.

    Raises:
        OSError: The folder can't be made or renamed.
    """
    temporary = partial_name(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        sync([file for file in temporary.iterdir() if file.is_file()])
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def link_exclusively(path: Path, text: str) -> bool:
    """Creates `path` with `text` in one step; False if it exists, whose content then stays."""
    temporary = partial_name(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def point_link(link: Path, target: str) -> None:
    """Makes `link` a symbolic link to the folder `target`, replacing what it pointed to."""
    temporary = partial_name(link)
    temporary.symlink_to(target, target_is_directory=True)
    try:
        temporary.replace(link)
    finally:
        temporary.unlink(missing_ok=True)


def sync(paths: Sequence[Path]) -> None:
    """Brings the content of files to the disk.

    Where the system can begin with all of them before it waits for one, the first wait is nearly
    the only one: their sizes and places lie side by side and are written at once.
    """
    with contextlib.ExitStack() as stack:
        descriptors = []
        for path in paths:
            descriptors.append(os.open(path, os.O_RDONLY))
            stack.callback(os.close, descriptors[-1])
        begin = _begin_to_write()
        if begin is not None:
            for descriptor in descriptors:
                begin(descriptor, 0, 0, _WRITE_RANGE)
        for descriptor in descriptors:
            os.fsync(descriptor)


@functools.cache
def _begin_to_write() -> Callable[[int, int, int, int], int] | None:
    """`sync_file_range(2)`, which only Linux has: brings nothing to an end, so `fsync` follows."""
    import ctypes

    try:
        function = getattr(ctypes.CDLL(None), "sync_file_range", None)
    except OSError:  # a Python that loads no libraries
        return None
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return function


def lock(path: Path) -> BaseFileLock:
    """An exclusive lock between processes, used as a context; it ends with its process.

    `acquire(blocking=False)` raises `filelock.Timeout` where another process holds it.

    Args:
        path: Its file; the folder is made when missing.
    """
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def read_object(path: Path, way_out: str = "Remove it and run again") -> dict[str, object]:
    """The JSON object in `path`.

    Args:
        path: The file.
        way_out: What to do if it holds something else.

    Raises:
        ArtifactError: The file holds no JSON object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{path}: not JSON ({error}). {way_out}") from error
    if not isinstance(document, dict):
        raise ArtifactError(f"{path}: expected a JSON object. {way_out}")
    return document


def sealed(document: Mapping[str, object], key: str = SEAL) -> dict[str, object]:
    """The document with the sha256 of its content as its last key."""
    return {**document, key: _content_sha256(document)}


def unsealed(
    path: Path,
    document: Mapping[str, Any],
    key: str = SEAL,
    way_out: str = "Restore it, or give the command that made it again",
) -> dict[str, Any]:
    """A document without its seal, after a look whether it is what was written.

    One that was written before there were seals is taken as it is.

    Args:
        path: Its file, for the message.
        document: What the file holds.
        key: Where its seal stands.
        way_out: What to do if it was changed.

    Raises:
        ArtifactError: It was changed.
    """
    content = {name: value for name, value in document.items() if name != key}
    if document.get(key, found := _content_sha256(content)) != found:
        raise ArtifactError(f"{path}: changed since it was written. {way_out}")
    return content


def _content_sha256(document: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode("ascii")).hexdigest()


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal.

    Raises:
        ArtifactError: The file can't be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path}: can't be read ({error.strerror})") from error
