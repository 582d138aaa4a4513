"""What is known about one recording of a dataset (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

COLUMN_NAMES: Final = ("timestamp", "arbitration_id", "dlc", "payload", "label")
"""Columns of frames, each in a file of its own."""


def column_file(folder: Path, name: str) -> Path:
    """File of one column of the frames in `folder`."""
    return folder / f"{name}.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One distinct recording (file) of a dataset.

    Attributes:
        scenario: `train_01_attack_free`, `test_01_known_vehicle_known_attack`, ...
        name: File name without suffix, such as `DoS-kia`.
        digest: sha256 of the frames; also the name of the folder that holds them.
        frames: Number of frames.
        attack_frames: Number of frames labelled 1.
        start_s: Timestamp of the first frame.
        duration_s: Seconds in which frames came: pauses and jumps of the clock don't count.
        attack_kind: Kind of attack from the file name (`DoS`), `none` when nothing is labelled.
        vehicle: Vehicle from the file name (`kia`), or the dataset's name if it tells none.
        source: Path of the file it was imported from, relative to the source folder.
        accepted_unlabelled: Whether it was taken as an attack that is labelled nowhere.
    """

    scenario: str
    name: str
    digest: str
    frames: int
    attack_frames: int
    start_s: float
    duration_s: float
    attack_kind: str
    vehicle: str
    source: str
    accepted_unlabelled: bool = False

    @property
    def labels_say_nothing(self) -> bool:
        """Whether it is an attack that left nothing to label, such as frames suppressed."""
        suppressed = "suppress" in f"{self.scenario}/{self.name}".lower()
        return self.attack_frames == 0 and (self.accepted_unlabelled or suppressed)

    @property
    def is_train(self) -> bool:
        """Whether the recording belongs to a training scenario."""
        return self.scenario.startswith("train")
