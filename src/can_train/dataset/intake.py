"""Takes one file into a dataset: reads it, questions its labels, stores its frames."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from can_train.dataset.discovery import SourceFile, attack_kind_of, vehicle_of
from can_train.dataset.id_sets import SeenIds, seen_ids
from can_train.dataset.labels import LabelledResult, Labels
from can_train.dataset.manifest import dataset_dir
from can_train.dataset.reading import Report, read_labelled, timed_buses
from can_train.dataset.request import PrepareRequest
from can_train.errors import DataError
from can_train.frames.buses import Bus
from can_train.frames.options import Advance
from can_train.frames.recording import Recording
from can_train.frames.result import ReadResult
from can_train.frames.spilling import spilling_into
from can_train.frames.store import store_frames
from can_train.frames.timing import recorded_s

_STORING: Final = threading.Lock()
"""Files that are imported side by side may hold the same frames, which lie in one place."""

_BENIGN_NAMES: Final = ("attack-free", "attack_free", "benign", "normal")
"""How published sets call a recording without attacks that lies beside those with attacks."""


def import_file(
    file: SourceFile, request: PrepareRequest, labels: Labels, report: Report, advance: Advance
) -> list[SeenIds]:
    """Reads one file and stores its frames: a recording, or one for each bus.

    Args:
        file: The file.
        request: How it is to be read, and where its frames go.
        labels: Labels that stand in files of their own.
        report: Takes each line worth telling.
        advance: Takes bytes of a large file as they are read.

    Raises:
        DataError: It can't be read, its time means nothing, or its labels aren't those of the
            folder that it lies in.
    """
    with spilling_into(dataset_dir(request.data_root, request.modality, request.dataset)):
        labelled = read_labelled(file, request.reading, labels, report, advance)
    _check_labels(file, labelled.result, accept_unlabelled=request.reading.accept_unlabelled)
    return [
        _store(file, request, labelled, bus)
        for bus in timed_buses(file.path, labelled.result, request.reading, report)
    ]


def _store(
    file: SourceFile, request: PrepareRequest, labelled: LabelledResult, bus: Bus
) -> SeenIds:
    recording = recording_of_bus(file, labelled, bus, request.dataset)
    folder = dataset_dir(request.data_root, request.modality, request.dataset)
    with _STORING:
        store_frames(folder / "frames" / recording.digest, bus.frames, recording.digest)
    return seen_ids(recording, bus.frames)


def recording_of_bus(
    file: SourceFile, labelled: LabelledResult, bus: Bus, dataset: str
) -> Recording:
    """What is known about one bus of a file.

    Args:
        file: Where it came from.
        labelled: All that the file holds.
        bus: The bus, with at least one frame.
        dataset: Stands for the vehicle where the file's name tells none.
    """
    recording = recording_of(file, bus, dataset)
    silent = recording.attack_frames == 0 and (
        (file.labels == "needed" and not labelled.result.labelled)
        or bool(labelled.result.frames.label.any())
    )
    return replace(
        recording,
        name=bus.named(file.name),
        attack_kind=labelled.kind if labelled.kind and not silent else recording.attack_kind,
        # Traffic beside an attack, on another bus or without labels, is no benign traffic.
        accepted_unlabelled=silent,
    )


def recording_of(file: SourceFile, bus: Bus, dataset: str) -> Recording:
    """What is known about a recording from its file and its frames.

    Args:
        file: Where it came from.
        bus: All its frames, at least one.
        dataset: Stands for the vehicle where the file's name tells none.
    """
    frames = bus.frames
    attacks = int(np.count_nonzero(frames.label))
    own_name = file.name.rpartition("/")[2]
    return Recording(
        scenario=file.scenario,
        name=file.name,
        digest=frames.digest(),
        frames=len(frames),
        attack_frames=attacks,
        start_s=float(frames.timestamp[0]),
        duration_s=bus.clock.recorded_s if bus.clock else recorded_s(frames.timestamp),
        attack_kind=attack_kind_of(own_name) if attacks else "none",
        vehicle=vehicle_of(own_name, file.scenario, dataset),
        source=file.source,
    )


def with_attacks_or_accepted(
    recordings: Iterable[Recording], *, accept_unlabelled: bool
) -> tuple[Recording, ...]:
    """Recordings, of which those that should hold attacks and hold none are marked as accepted.

    Args:
        recordings: Recordings of a dataset, without duplicates.
        accept_unlabelled: Take an attack that is labelled nowhere, but not as benign traffic.

    Raises:
        DataError: There is one, and it isn't to be accepted.
    """
    known = tuple(recordings)
    silent = {id(r) for r in known if _lacks_its_attack(r)}
    if silent and not accept_unlabelled:
        raise DataError("\n".join([*_told(r for r in known if id(r) in silent), _WITHOUT_ATTACK]))
    return tuple(replace(r, accepted_unlabelled=True) if id(r) in silent else r for r in known)


_WITHOUT_ATTACK: Final = (
    "Such frames would be trained on as benign. Name the labels with --labels, move a recording "
    "without attacks to --benign (train_01_attack_free/), or take an attack that leaves nothing "
    "to label, such as suppressed frames, with --accept-unlabelled: it is never trained on"
)


def _told(recordings: Iterable[Recording]) -> Iterator[str]:
    for recording in recordings:
        yield (
            f"{recording.scenario}/{recording.name}: none of its {recording.frames:,} frames is "
            f"labelled as an attack, among recordings with attacks ({recording.source})"
        )


def _lacks_its_attack(recording: Recording) -> bool:
    """Whether a training recording lies among attacks, holds none, and nothing says why."""
    return (
        recording.is_train
        and "attack_free" not in recording.scenario
        and recording.attack_frames == 0
        and not recording.labels_say_nothing
        and not recording.name.lower().startswith(_BENIGN_NAMES)
    )


def _check_labels(file: SourceFile, result: ReadResult, *, accept_unlabelled: bool) -> None:
    if file.labels == "needed" and not result.labelled and not accept_unlabelled:
        raise DataError(
            f"{file.path}: {result.format} without labels, in a folder of recordings with "
            f"attacks. Every frame needs a label there: name a file of them with --labels. "
            f"Unlabelled recordings go to --benign; an attack that can't be labelled is taken "
            f"with --accept-unlabelled"
        )
    if file.labels == "benign" and result.frames.label.any():
        attacks = int(result.frames.label.sum())
        raise DataError(
            f"{file.path}: {attacks:,} of {len(result.frames):,} frames are labelled as attacks, "
            f"in a folder of benign recordings. Move it to --attack"
        )
