"""What a finished run made, by sha256: recorded when it ends, checked whenever it is used."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from can_train.errors import ArtifactError, raise_all
from can_train.files import sha256_of
from can_train.runs.layout import (
    artifact_path,
    frozen_configs,
    identity_of,
    summary_path,
)
from can_train.runs.state import end_running, read_status
from can_train.runs.summary import read_validation

MAKE_AGAIN: Final = (
    "Restore it, or make the run again beside this one: the training command with --force"
)


def finish(run: Path) -> None:
    """Marks the run as finished, with the sha256 of what it made."""
    words = identity_of(run)
    made = [
        artifact_path(run, words.model, words.model_size),
        summary_path(run),
        *frozen_configs(run),
    ]
    hashes = {path.relative_to(run).as_posix(): sha256_of(path) for path in made}
    end_running(run, "finished", exit_code=0, made=hashes)


def check_made(run: Path) -> None:
    """Whether everything that a finished run made is what it made; other runs aren't looked at.

    Of a run that recorded no hashes (before there were any) the artifact is checked by the one in
    `summary.json`.

    Raises:
        ArtifactError: A file is missing or another one.
    """
    status = read_status(run)
    if status is not None and status.state == "finished":
        raise_all(list(_altered(run, status.made or _recorded_before(run))))


def check_whole(checkpoint: Path) -> None:
    """Whether every byte of a checkpoint is what was written; torch doesn't compare checksums.

    Raises:
        ArtifactError: It is damaged.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ArtifactError(f"{checkpoint}: damaged checkpoint ({error}). {MAKE_AGAIN}") from error
    if damaged is not None:
        raise ArtifactError(f"{checkpoint}: damaged checkpoint ({damaged}). {MAKE_AGAIN}")


def _altered(run: Path, made: Mapping[str, str]) -> Iterator[ArtifactError]:
    for name, recorded in made.items():
        path = run / name
        if not path.is_file():
            yield ArtifactError(f"{path}: missing although run {run.name} finished. {MAKE_AGAIN}")
        elif (found := sha256_of(path)) != recorded:
            yield ArtifactError(
                f"{path}: sha256 is {found[:12]}, run {run.name} recorded {recorded[:12]}: "
                f"truncated, changed, or of another run. {MAKE_AGAIN}"
            )


def _recorded_before(run: Path) -> dict[str, str]:
    words = identity_of(run)
    path = artifact_path(run, words.model, words.model_size)
    return {path.relative_to(run).as_posix(): read_validation(run).artifact_sha256}
