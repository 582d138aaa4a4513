"""What a stored dataset holds, and the digests that identify its parts (stdlib only).

Both planes read it: the control plane to freeze digests into a config without importing
numpy, the compute plane to find the frames.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from can_train.errors import DataError, PreflightError
from can_train.frames.recording import Recording
from can_train.graphs.identity import STORE_VERSION

SCHEMA_VERSION: Final = 1
SPLIT_VERSION: Final = 1
"""Raised whenever the rule that assigns windows to sides changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRef:
    """Which dataset: that name of that modality."""

    modality: str
    dataset: str

    def folder(self, data_root: Path) -> Path:
        """Where it is stored."""
        return data_root / self.modality / self.dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A recording that was not stored because its frames are those of another one."""

    scenario: str
    name: str
    same_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetManifest:
    """Contents of `data/<modality>/<dataset>/dataset.json`.

    Attributes:
        modality: Application domain.
        dataset: Its name.
        recordings: All distinct recordings.
        left_out: Recordings that weren't stored.
        identities: By training digest: the digest that the whole dataset had when those training
            recordings were first stored here. Runs go by it, so test files may change under them.
    """

    modality: str
    dataset: str
    recordings: tuple[Recording, ...]
    left_out: tuple[LeftOut, ...] = ()
    identities: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> DatasetRef:
        """Which dataset it is of."""
        return DatasetRef(modality=self.modality, dataset=self.dataset)

    @property
    def digest(self) -> str:
        """sha256 over scenario, name and frames digest of every recording."""
        return _sha256("dataset", SCHEMA_VERSION, _rows(self.recordings))

    @property
    def training_digest(self) -> str:
        """The same over the training recordings alone; labels are part of a frames digest."""
        return _sha256("training", SCHEMA_VERSION, _rows(self.train))

    @property
    def identity(self) -> str:
        """What a run freezes as its dataset: `digest`, as long as no test file has changed.

        Where only test files changed it stays that of before. So runs, splits, graphs and teachers
        made on the same training recordings stay what they are.
        """
        return self.identities.get(self.training_digest, self.digest)

    def known_as(self, identity: str, training_digest: str | None) -> DatasetManifest:
        """This manifest under the identity that a run froze, if its training recordings are those.

        They may have been imported elsewhere, or anew, beside other test files.
        """
        if training_digest != self.training_digest:
            return self
        return replace(self, identities={**self.identities, training_digest: identity})

    def replacing(self, before: DatasetManifest) -> DatasetManifest:
        """This manifest in the place of `before`, which runs may have been trained on."""
        known = {**before.identities, before.training_digest: before.identity}
        return replace(self, identities=known)

    @property
    def train(self) -> tuple[Recording, ...]:
        """Recordings of the training scenarios, in stored order."""
        return tuple(r for r in self.recordings if r.is_train)

    @property
    def test(self) -> tuple[Recording, ...]:
        """Recordings of the official test scenarios, in stored order."""
        return tuple(r for r in self.recordings if not r.is_train)


def dataset_dir(data_root: Path, modality: str, dataset: str) -> Path:
    """Folder of one stored dataset."""
    return data_root / modality / dataset


def load_manifest(data_root: Path, modality: str, dataset: str) -> DatasetManifest:
    """Reads `dataset.json`.

    Raises:
        PreflightError: The dataset was never prepared.
        DataError: The file isn't a manifest of this version.
    """
    path = dataset_dir(data_root, modality, dataset) / "dataset.json"
    prepare = f"can-train data prepare --modality {modality} --dataset {dataset} --source DIR"
    if not path.is_file():
        known = sorted(p.parent.name for p in data_root.glob(f"{modality}/*/dataset.json"))
        have = f" (prepared there: {', '.join(known)})" if known else ""
        raise PreflightError(
            f"dataset {dataset} isn't prepared under {data_root}/{modality}{have}. "
            f"Prepare it first: {prepare}"
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema_version"] != SCHEMA_VERSION:
            raise DataError(
                f"{path}: schema version {raw['schema_version']}, this version reads "
                f"{SCHEMA_VERSION}. Prepare it again: {prepare}"
            )
        manifest = DatasetManifest(
            modality=raw["modality"],
            dataset=raw["dataset"],
            recordings=tuple(Recording(**row) for row in raw["recordings"]),
            left_out=tuple(LeftOut(**row) for row in raw["left_out"]),
            identities=dict(raw.get("identities", {})),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a dataset manifest ({error}). Prepare it again: {prepare}"
        ) from error
    if raw["digest"] != manifest.digest:
        raise DataError(f"{path}: digest and contents don't agree. Prepare it again: {prepare}")
    return manifest


def manifest_json(manifest: DatasetManifest) -> str:
    """Text of `dataset.json` for `manifest`."""
    digests = {"digest": manifest.digest, "training_digest": manifest.training_digest}
    document = {"schema_version": SCHEMA_VERSION, **digests, **asdict(manifest)}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def split_digest(identity: str, name: str, window: int) -> str:
    """Identity of a split of graphs: what its rule and the graphs' numbers depend on.

    Runs freeze it, so a run on graphs of another code version is another run.

    Args:
        identity: `DatasetManifest.identity`.
        name: Name of the split.
        window: Frames per window.
    """
    return _sha256("split", SPLIT_VERSION, STORE_VERSION, identity, name, window)


def _rows(recordings: Iterable[Recording]) -> list[tuple[str, ...]]:
    return sorted(_row(r) for r in recordings)


def _row(recording: Recording) -> tuple[str, ...]:
    """What identifies a recording: an attack that is labelled nowhere isn't benign traffic."""
    row = (recording.scenario, recording.name, recording.digest)
    return (*row, "unlabelled attack") if recording.accepted_unlabelled else row


def _sha256(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
