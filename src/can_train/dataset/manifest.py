"""What a stored dataset holds, and the digests that identify its parts (stdlib only).

Both planes read it: the control plane to freeze digests into a config without importing
numpy, the compute plane to find the frames.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from can_train.errors import DataError, PreflightError
from can_train.frames.recording import Recording

SCHEMA_VERSION: Final = 1
SPLIT_VERSION: Final = 1
"""Raised whenever the rule that assigns windows to sides changes."""

STORE_VERSION: Final = 1
"""Raised whenever the numbers or the layout of a packed store change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A recording that was not stored because its frames are those of another one."""

    scenario: str
    name: str
    same_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetManifest:
    """Contents of `data/<modality>/<dataset>/dataset.json`."""

    modality: str
    dataset: str
    recordings: tuple[Recording, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 over scenario, name and frames digest of every recording."""
        rows = sorted((r.scenario, r.name, r.digest) for r in self.recordings)
        return _sha256("dataset", SCHEMA_VERSION, rows)

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
    document = {"schema_version": SCHEMA_VERSION, "digest": manifest.digest, **asdict(manifest)}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def split_digest(dataset_digest: str, name: str, window: int) -> str:
    """Identity of a split of graphs: what its rule and the graphs' numbers depend on.

    Runs freeze it, so a run on graphs of another code version is another run.
    """
    return _sha256("split", SPLIT_VERSION, STORE_VERSION, dataset_digest, name, window)


def store_key(recording_digests: tuple[str, ...], features: str, window: int, stride: int) -> str:
    """Content address of a packed store."""
    return _sha256("store", STORE_VERSION, list(recording_digests), features, window, stride)


def _sha256(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
