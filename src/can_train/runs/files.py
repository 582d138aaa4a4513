"""Files that are either whole or absent (stdlib only)."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path

from can_train.errors import ArtifactError


def write_atomic(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes `text` so that a reader sees the old file or the new one, never a part.

    Args:
        path: The file; its folder is made when missing.
        text: Contents, written as UTF-8.
        mode: Permission bits of the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with temporary.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_object(path: Path) -> dict[str, object]:
    """The JSON object in `path`.

    Raises:
        ArtifactError: The file holds no JSON object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{path}: not JSON ({error}). Remove it and run again.") from error
    if not isinstance(document, dict):
        raise ArtifactError(f"{path}: expected a JSON object. Remove it and run again.")
    return document


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
