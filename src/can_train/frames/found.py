"""Which files that a user named, or that lie in folders that he named, are recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from can_train.errors import DataError
from can_train.frames.readers.registry import head_of, recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """Recordings to read, each once.

    Attributes:
        files: Files that were named, and those of folders by path.
        left_out: Files of folders that are of no known format.
    """

    files: tuple[Path, ...]
    left_out: tuple[Path, ...]


def found_files(paths: Iterable[Path], *, any_format: bool = False) -> FoundFiles:
    """Files and, recursively, what lies in folders; hidden files of folders don't count.

    Whether a file that was named is a recording is left to reading it.

    Args:
        paths: Files and folders.
        any_format: Take every file of a folder, since its format was named.

    Raises:
        DataError: A folder holds no recording.
    """
    files: dict[Path, None] = {}
    left_out: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            files[path] = None
            continue
        inside = dict.fromkeys(_inside(path))
        taken = [file for file in inside if any_format or _may_be_recording(file)]
        if not taken:
            raise DataError(
                f"{path}: no recording of a known format in that folder. Name a file, or another "
                f"folder"
            )
        files |= dict.fromkeys(taken)
        left_out |= dict.fromkeys(file for file in inside if file not in taken)
    return FoundFiles(files=tuple(files), left_out=tuple(left_out))


def regular_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Files below a folder by path, and what isn't one: broken links, pipes, sockets.

    Args:
        folder: The folder; hidden files in it don't count.
    """
    files, odd = [], []
    for path in _visible(folder):
        if path.is_file():
            files.append(path)
        elif path.is_symlink() and not path.exists():
            odd.append(f"{path}: the link leads nowhere")
        elif not path.is_dir():
            odd.append(f"{path}: no regular file")
    return files, odd


def _visible(folder: Path) -> Iterator[Path]:
    """All below `folder` that isn't hidden, by path."""
    for path in sorted(folder.rglob("*")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _inside(folder: Path) -> Iterator[Path]:
    """Files below `folder`, by path."""
    yield from regular_files(folder)[0]


def _may_be_recording(path: Path) -> bool:
    """Whether its head is of a known format; what can't be read is told when it is read."""
    try:
        return recognise(head_of(path)) is not None
    except DataError:
        return True
