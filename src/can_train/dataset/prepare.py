"""Imports recordings into `data/<modality>/<dataset>/`: each distinct one once.

Frames go to `frames/<digest>/`, each whole or absent; `dataset.json` follows last. A killed import
leaves either the old dataset or none, and its leavings are cleared by the next.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np

from can_train.config.dataset_name import name_problem
from can_train.dataset.discovery import SourceFile, attack_kind_of, find_files, vehicle_of
from can_train.dataset.manifest import (
    DatasetManifest,
    LeftOut,
    dataset_dir,
    load_manifest,
    manifest_json,
)
from can_train.errors import ConfigError, DataError
from can_train.files import PARTIAL, lock, write_text
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.frames.recording import Recording
from can_train.frames.result import ReadResult
from can_train.frames.store import store_frames

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRequest:
    """What to import, and under which name.

    Attributes:
        modality: Application domain.
        dataset: Name of the dataset.
        data_root: Folder of all datasets.
        source: Folder with scenario folders or flat `<scenario>__<file>` names.
        benign: Folder (or file) of own recordings without attacks, instead of `source`.
        attack: Folder (or file) of own labelled recordings with attacks.
        test: Folder (or file) of own labelled recordings that are only reported.
        format: Format of all files; absent: recognised by content.
        lenient: Leave malformed lines out and count them.
        force: Replace a dataset of the same name with other content.
    """

    modality: str
    dataset: str
    data_root: Path
    source: Path | None = None
    benign: Path | None = None
    attack: Path | None = None
    test: Path | None = None
    format: str | None = None
    lenient: bool = False
    force: bool = False


def prepare_dataset(
    request: PrepareRequest, *, report: Callable[[str], None] = _LOG.info
) -> DatasetManifest:
    """Imports a dataset; the same content again changes nothing.

    Args:
        request: What to import.
        report: Takes each line worth telling, left-out duplicates and the summary among them.

    Raises:
        DataError: No recordings found, one can't be read, or the name holds other content.
        ConfigError: The name can't be that of a folder.
    """
    problem = name_problem(request.dataset)
    if problem:
        raise ConfigError(f"--dataset: {problem}")
    files = find_files(request.source, request.benign, request.attack, request.test)
    folder = dataset_dir(request.data_root, request.modality, request.dataset)
    with _locked(folder):
        before = _stored(request)
        kept = before
        try:
            recordings = [_import(file, request, folder, report) for file in files]
            manifest = _manifest(request, recordings)
            if before is None or before.digest == manifest.digest or request.force:
                kept = _commit(folder, before, manifest)
            else:
                raise DataError(
                    f"dataset {request.dataset} already holds other recordings "
                    f"({_counts(before)}; now {_counts(manifest)}){_kept_runs(before, manifest)}. "
                    f"Choose another --dataset name, or replace it with --force"
                )
        finally:
            _clear(folder, kept)
    for out in manifest.left_out:
        report(f"left out: {out.scenario}/{out.name}: same frames as {out.same_as}")
    report(summary(manifest) + _change(before, manifest))
    return kept or manifest


def summary(manifest: DatasetManifest) -> str:
    """One line: what the dataset holds and what was left out."""
    train, test = _distinct(manifest.train), _distinct(manifest.test)
    text = (
        f"{manifest.dataset}: {sum(r.frames for r in train):,} distinct training frames in "
        f"{_number(len(train), 'file')}, "
        f"{_number(len(manifest.left_out), 'duplicate file')} left out"
    )
    if test:
        scenarios = len({r.scenario for r in manifest.test})
        text += (
            f", {sum(r.frames for r in test):,} test frames in {_number(len(test), 'file')} of "
            f"{_number(scenarios, 'scenario')}"
        )
    return text


def _kept_runs(before: DatasetManifest, now: DatasetManifest) -> str:
    """For the refusal: whether replacing makes finished runs unusable."""
    same = before.training_digest == now.training_digest
    return "; only test files differ, so finished runs would stay usable" if same else ""


def _change(before: DatasetManifest | None, now: DatasetManifest) -> str:
    """What an import did to a dataset that was there."""
    if before is None:
        return ""
    if before.digest == now.digest:
        return " (unchanged)"
    if before.training_digest == now.training_digest:
        return " (only test files changed: finished runs stay usable)"
    return " (training files changed: runs of before can't be evaluated on them)"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _distinct(recordings: Iterable[Recording]) -> list[Recording]:
    return list({r.digest: r for r in recordings}.values())


def _counts(manifest: DatasetManifest) -> str:
    frames = sum(r.frames for r in _distinct(manifest.recordings))
    return f"{frames:,} frames in {_number(len(manifest.recordings), 'file')}"


def _import(
    file: SourceFile, request: PrepareRequest, folder: Path, report: Callable[[str], None]
) -> Recording:
    result = read_recording(file.path, format=request.format, lenient=request.lenient)
    _check_labels(file, result)
    if result.skipped:
        report("\n".join(result.first_problems))
        report(f"{file.path}: {result.skipped} malformed lines left out")
    if result.error_frames:
        report(f"{file.path}: {result.error_frames} bus-error lines left out")
    frames = result.frames
    digest = frames.digest()
    store_frames(folder / "frames" / digest, frames, digest)
    return recording_of(file, frames, digest, request.dataset)


def recording_of(file: SourceFile, frames: Frames, digest: str, dataset: str) -> Recording:
    """What is known about a recording from its file and its frames.

    Args:
        file: Where it came from.
        frames: All its frames, at least one.
        digest: Their digest.
        dataset: Stands for the vehicle where the file's name tells none.
    """
    attacks = int(np.count_nonzero(frames.label))
    return Recording(
        scenario=file.scenario,
        name=file.name,
        digest=digest,
        frames=len(frames),
        attack_frames=attacks,
        start_s=float(frames.timestamp[0]),
        duration_s=float(frames.timestamp.max() - frames.timestamp.min()),
        attack_kind=attack_kind_of(file.name) if attacks else "none",
        vehicle=vehicle_of(file.name, file.scenario, dataset),
        source=file.source,
    )


def _check_labels(file: SourceFile, result: ReadResult) -> None:
    if file.labels == "needed" and not result.labelled:
        raise DataError(
            f"{file.path}: {result.format} without labels, in a folder of recordings with "
            f"attacks. Every frame needs a label there; unlabelled recordings go to --benign"
        )
    if file.labels == "benign" and result.frames.label.any():
        raise DataError(
            f"{file.path}: {int(result.frames.label.sum())} frames are labelled as attacks, in a "
            f"folder of benign recordings. Move it to --attack"
        )


def _manifest(request: PrepareRequest, recordings: list[Recording]) -> DatasetManifest:
    """Keeps the first of each training recording, and none that is also a test recording."""
    first = {r.digest: r for r in reversed(recordings) if r.is_train}
    first.update({r.digest: r for r in reversed(recordings) if not r.is_train})
    kept = tuple(r for r in recordings if not r.is_train or first[r.digest] is r)
    left_out = tuple(
        LeftOut(
            scenario=r.scenario,
            name=r.name,
            same_as=f"{first[r.digest].scenario}/{first[r.digest].name}",
        )
        for r in recordings
        if r.is_train and first[r.digest] is not r
    )
    if not any(r.is_train for r in kept):
        raise DataError(
            f"dataset {request.dataset} would have no training recording. Needed: at least one "
            f"file in a train_ scenario that isn't also a test recording"
        )
    return DatasetManifest(
        modality=request.modality, dataset=request.dataset, recordings=kept, left_out=left_out
    )


def _stored(request: PrepareRequest) -> DatasetManifest | None:
    """The dataset as it is now; a damaged one is an error unless it is to be replaced."""
    folder = dataset_dir(request.data_root, request.modality, request.dataset)
    if not (folder / "dataset.json").is_file():
        return None
    try:
        return load_manifest(request.data_root, request.modality, request.dataset)
    except DataError:
        if request.force:
            return None
        raise


def _commit(
    folder: Path, before: DatasetManifest | None, manifest: DatasetManifest
) -> DatasetManifest:
    if before is not None and before.digest == manifest.digest:
        return before
    if before is not None:
        manifest = manifest.replacing(before)
    write_text(folder / "dataset.json", manifest_json(manifest))
    return manifest


def _clear(folder: Path, kept: DatasetManifest | None) -> None:
    """Removes partial files, and frames that no manifest names."""
    wanted = {r.digest for r in kept.recordings} if kept else set()
    for path in folder.glob(f"{PARTIAL}*"):
        path.unlink()
    for path in folder.glob("frames/*"):
        if path.name not in wanted:
            shutil.rmtree(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One import of a dataset at a time; the lock ends with the process."""
    # Only taking the lock may time out: the block below must not be taken for it.
    try:
        held = lock(folder / ".prepare.lock").acquire(blocking=False)
    except filelock.Timeout as error:
        raise DataError(
            f"{folder}: another data prepare is at work there. Wait until it has ended"
        ) from error
    try:
        with held:
            yield
    finally:
        _drop_empty(folder)


def _drop_empty(folder: Path) -> None:
    """Removes the folder of an import that failed, if it holds nothing but its lock."""
    names = {path.name for path in folder.iterdir()}
    if names <= {".prepare.lock", "frames"} and not any(folder.glob("frames/*")):
        shutil.rmtree(folder)
