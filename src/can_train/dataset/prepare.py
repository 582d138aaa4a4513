"""Imports recordings into `data/<modality>/<dataset>/`: each distinct one once.

Frames go to `frames/<digest>/`, each whole or absent; `dataset.json` follows last. A killed import
leaves either the old dataset or none; the next one takes its whole files over and clears the rest.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import filelock

from can_train.config.dataset_name import name_problem
from can_train.dataset.discovery import FoundSources, SourceFile, find_files
from can_train.dataset.id_sets import other_vehicles
from can_train.dataset.importing import forget_imported, import_files
from can_train.dataset.intake import with_attacks_or_accepted
from can_train.dataset.labels import Labels, is_label_file
from can_train.dataset.manifest import (
    DatasetManifest,
    LeftOut,
    dataset_dir,
    load_manifest,
    manifest_json,
)
from can_train.dataset.published import labels_of, published_files, scenario_folder
from can_train.dataset.request import PrepareRequest
from can_train.errors import ConfigError, DataError
from can_train.files import PARTIAL, lock, write_text
from can_train.frames.recording import Recording

__all__ = ["PrepareRequest", "prepare_dataset", "summary"]

_LOG = logging.getLogger(__name__)


def prepare_dataset(
    request: PrepareRequest,
    *,
    report: Callable[[str], None] = _LOG.info,
    progress: Callable[[int], Callable[[int], None]] = lambda total: lambda done: None,
) -> DatasetManifest:
    """Imports a dataset; the same content again changes nothing.

    Args:
        request: What to import.
        report: Takes each line worth telling, left-out duplicates and the summary among them.
        progress: Takes the bytes of all files, and gives what takes those of each that is done.

    Raises:
        DataError: No recordings found, one can't be read, or the name holds other content.
        ConfigError: The name can't be that of a folder.
    """
    problem = name_problem(request.dataset)
    if problem:
        raise ConfigError(f"--dataset: {problem}")
    found = _found(request)
    wanted = request.reading.labels or labels_of(request.dataset, request.source)
    files = [file for file in found.files if not is_label_file(file.path, wanted)]
    labels = Labels(wanted, files)
    for line in found.not_read:
        if not line.startswith(f"{request.reading.labels}:"):
            report(f"not read: {line}")
    for part in found.missing:
        report(f"missing of {request.dataset}: {part}")
    folder = dataset_dir(request.data_root, request.modality, request.dataset)
    with _locked(folder):
        before = _stored(request)
        kept = before
        try:
            seen = import_files(files, request, labels, report, progress(total_bytes(files)))
            manifest = _manifest(request, [each.recording for each in seen])
            if before is None or before.digest == manifest.digest or request.force:
                kept = _commit(folder, before, manifest)
            else:
                raise DataError(
                    f"dataset {request.dataset} already holds other recordings "
                    f"({_counts(before)}; now {_counts(manifest)}){_kept_runs(before, manifest)}. "
                    f"Choose another --dataset name, or replace it with --force"
                )
        except KeyboardInterrupt:
            report("stopped: the same command goes on with the files that aren't imported yet")
            raise
        except BaseException:
            _clear(folder, kept)
            raise
        _clear(folder, kept)
    for line in (*other_vehicles(seen), *_notes(manifest)):
        report(line)
    report(summary(manifest) + _change(before, manifest))
    return kept or manifest


def _found(request: PrepareRequest) -> FoundSources:
    """Files to import: scenario folders, a published dataset, or own recordings."""
    source = request.source
    if source is not None and source.is_dir():
        source = scenario_folder(request.dataset, source)
        published = published_files(request.dataset, source)
        if published is not None:
            return published
    return find_files(source, request.benign, request.attack, request.test)


def total_bytes(files: Iterable[SourceFile]) -> int:
    """Size of all files."""
    return sum(file.path.stat().st_size for file in files)


def _notes(manifest: DatasetManifest) -> Iterator[str]:
    """What is told of single recordings."""
    for out in manifest.left_out:
        yield f"left out: {out.scenario}/{out.name}: same frames as {out.same_as}"
    for recording in manifest.recordings:
        name = f"{recording.scenario}/{recording.name}"
        if recording.labels_say_nothing:
            yield f"{name}: an attack that is labelled nowhere; no window of it is trained on"
        elif not recording.is_train and recording.attack_frames == 0:
            yield f"{name}: no frame is labelled as an attack; its windows count as benign"


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


def _manifest(request: PrepareRequest, recordings: list[Recording]) -> DatasetManifest:
    """Keeps the first of each training recording, and none that is also a test recording."""
    first = {r.digest: r for r in reversed(recordings) if r.is_train}
    first.update({r.digest: r for r in reversed(recordings) if not r.is_train})
    kept = with_attacks_or_accepted(
        (r for r in recordings if not r.is_train or first[r.digest] is r),
        accept_unlabelled=request.reading.accept_unlabelled,
    )
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
    """Removes partial files, notes, and frames that no manifest names."""
    forget_imported(folder)
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
