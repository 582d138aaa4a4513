"""Labelled recordings that were never imported, as further scenarios of an evaluation.

Their frames and graphs are kept in a temporary folder: neither dataset nor run is touched.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from can_train.dataset.discovery import SourceFile, source_file
from can_train.dataset.intake import recording_of_bus
from can_train.dataset.labels import LabelledResult, Labels, is_label_file
from can_train.dataset.leakage import repeated_shares
from can_train.dataset.reading import read_labelled, timed_buses
from can_train.dataset.request import AS_FOUND, Reading
from can_train.dataset.windows import DatasetWindows
from can_train.errors import CanTrainError, DataError, raise_all
from can_train.evaluation.places import Place, scenario_places
from can_train.frames.found import found_files
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import store_frames
from can_train.graphs.store import open_store

logger = logging.getLogger("can_train")

OUTSIDE: Final = "recordings"
"""Scenarios of such recordings begin with it, so that they never meet those of a dataset."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Labelled:
    """A recording and its frames."""

    recording: Recording
    frames: Frames


@contextlib.contextmanager
def outside_places(
    folder: Path | None, inputs: DatasetWindows, reading: Reading = AS_FOUND
) -> Iterator[list[Place]]:
    """The scenarios of a folder; they are there until the block ends.

    Sub-folders (and flat names) in the can-train-and-test layout are scenarios of their own, all
    other recordings in the folder are one. What repeats training frames is told by a warning.

    Args:
        folder: The folder; None: no scenarios.
        inputs: The dataset that the evaluated run was trained on.
        reading: How the recordings are read.

    Raises:
        DataError: Recordings can't be read, have no labels, or are all shorter than a window.
    """
    if folder is None:
        yield []
        return
    read = _read_all(folder, reading)
    window = inputs.store.spec.window
    long_enough = [each for each in read if len(each.frames) >= window]
    if not long_enough:
        raise DataError(
            f"--recordings {folder}: none of its recordings holds a full window of {window} "
            f"frames. Give longer recordings"
        )
    _warn_of_leakage(long_enough, inputs)
    with tempfile.TemporaryDirectory(prefix="can-train-") as temporary:
        root = Path(temporary)
        for each in read:
            digest = each.recording.digest
            store_frames(root / "frames" / digest, each.frames, digest)
        recordings = [each.recording for each in read]
        store = open_store(root, recordings, inputs.store.spec)
        yield list(scenario_places(root, store))


def _read_all(folder: Path, reading: Reading) -> list[_Labelled]:
    """Every recording of the folder, by scenario and name.

    Raises:
        DataError: All problems at once.
    """
    files = _files(folder, reading)
    labels = Labels(reading.labels, files)
    problems: list[CanTrainError] = []
    read: list[_Labelled] = []
    for file in files:
        try:
            read += _read(file, reading, labels)
        except DataError as problem:
            problems.append(problem)
    raise_all(problems)
    return read


def _files(folder: Path, reading: Reading) -> list[SourceFile]:
    """Its recordings, by scenario and name."""
    if not folder.is_dir():
        raise DataError(f"--recordings {folder}: no such folder. Give a folder with recordings")
    found = found_files([folder], any_format=reading.any_file)
    for path in found.left_out:
        logger.info("left out: %s: of no known format", path)
    own = f"{OUTSIDE}/{folder.resolve().name}"
    files = (
        source_file(path, folder, own)
        for path in found.files
        if not is_label_file(path, reading.labels)
    )
    return sorted(files, key=lambda file: (file.scenario, file.name))


def _read(file: SourceFile, reading: Reading, labels: Labels) -> list[_Labelled]:
    """Each bus of one file.

    Raises:
        DataError: It can't be read, or its labels are missing or wrong.
    """
    labelled = read_labelled(file, reading, labels, logger.info)
    _check_labels(file, labelled, reading)
    return [
        _Labelled(
            recording=recording_of_bus(file, labelled, bus, OUTSIDE),
            frames=bus.frames,
        )
        for bus in timed_buses(file.path, labelled.result, reading, logger.info)
    ]


def _check_labels(file: SourceFile, labelled: LabelledResult, reading: Reading) -> None:
    """Those of an attack-free scenario need no labels."""
    result = labelled.result
    if file.labels == "needed" and not (result.labelled or reading.accept_unlabelled):
        raise DataError(
            f"{file.path}: {result.format} without labels, so it can't be evaluated. Name them "
            f"with --labels, or show what is found in it: can-train score RUN {file.path}; benign "
            f"recordings may lie in a sub-folder train_01_attack_free, and attacks that leave "
            f"nothing to label are taken with --accept-unlabelled"
        )
    if file.labels == "benign" and result.frames.label.any():
        raise DataError(
            f"{file.path}: {int(result.frames.label.sum())} frames are labelled as attacks, in an "
            f"attack-free scenario. Move it to another sub-folder, such as test_01_attacks"
        )


def _warn_of_leakage(read: list[_Labelled], inputs: DatasetWindows) -> None:
    training = inputs.manifest.train
    frames = [each.frames for each in read]
    shares = repeated_shares(inputs.folder, training, frames, inputs.store.spec)
    for number in np.flatnonzero(shares).tolist():
        recording = read[number].recording
        logger.warning(
            "%s/%s: %.1f %% of its windows are also in the training recordings of %s, so its "
            "figures don't tell how new traffic is judged",
            recording.scenario,
            recording.name,
            100 * shares[number],
            inputs.manifest.dataset,
        )
