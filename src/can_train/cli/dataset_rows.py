"""Stored datasets as documents and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from can_train.dataset.manifest import DatasetRef, load_manifest
from can_train.errors import CanTrainError
from can_train.tables import TableColumn, TableRow

COLUMNS: Final = (
    TableColumn(title="dataset"),
    TableColumn(title="modality", drop=1),
    TableColumn(title="training frames", right=True),
    TableColumn(title="files", right=True, drop=2),
    TableColumn(title="test frames", right=True),
    TableColumn(title="files", right=True, drop=2),
    TableColumn(title="scenarios", right=True, drop=3),
)

MANIFEST: Final = "dataset.json"


def stored_datasets(data_root: Path) -> Iterator[DatasetRef]:
    """Every dataset under the data root, damaged ones among them."""
    for path in sorted(data_root.glob(f"*/*/{MANIFEST}")):
        yield DatasetRef(modality=path.parts[-3], dataset=path.parts[-2])


def dataset_document(data_root: Path, ref: DatasetRef) -> dict[str, object]:
    """What a dataset holds; `problem` says what is wrong with its manifest."""
    known: dict[str, object] = {"modality": ref.modality, "dataset": ref.dataset}
    known["folder"] = str(ref.folder(data_root))
    try:
        manifest = load_manifest(data_root, ref.modality, ref.dataset)
    except CanTrainError as error:
        return {**known, "problem": str(error)}
    return {
        **known,
        "training_frames": sum(recording.frames for recording in manifest.train),
        "training_files": len(manifest.train),
        "test_frames": sum(recording.frames for recording in manifest.test),
        "test_files": len(manifest.test),
        "scenarios": len({recording.scenario for recording in manifest.test}),
        "problem": None,
    }


def dataset_row(document: dict[str, object]) -> TableRow:
    """A row under `COLUMNS`."""
    names = ("training_frames", "training_files", "test_frames", "test_files", "scenarios")
    numbers = (f"{document[name]:,}" if name in document else "" for name in names)
    problem = document["problem"]
    return TableRow(
        cells=(str(document["dataset"]), str(document["modality"]), *numbers),
        style="red" if problem else "",
        notes=(str(problem),) if problem else (),
    )
