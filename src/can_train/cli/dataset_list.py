"""`can-train data list`: the datasets that are stored."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from can_train.cli.options import add_root_options, roots_of
from can_train.dataset.manifest import DatasetRef, load_manifest
from can_train.errors import CanTrainError, DataError
from can_train.tables import TableColumn, TableRow, write_table
from can_train.vocab import MODALITIES

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

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


def add_list(commands: Subparsers) -> None:
    """Adds `list` to the commands of `data`."""
    parser = commands.add_parser(
        "list",
        help="show the datasets that are stored",
        description="Show the datasets under the data root, and what they hold.",
        epilog="example: can-train data list --modality automotive",
    )
    parser.add_argument("--modality", choices=MODALITIES, help="only of this domain")
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    add_root_options(parser, "data")


def list_datasets(args: argparse.Namespace) -> int:
    """Shows the stored datasets; 5 if one of them is damaged."""
    root = roots_of(args).data
    refs = [ref for ref in stored_datasets(root) if args.modality in {None, ref.modality}]
    documents = [dataset_document(root, ref) for ref in refs]
    if args.json:
        sys.stdout.write(json.dumps(documents, indent=1) + "\n")
    elif documents:
        write_table(sys.stdout, COLUMNS, map(dataset_row, documents))
    else:
        sys.stdout.write(f"no datasets under {root}. Make one: can-train demo\n")
    damaged = any(document["problem"] for document in documents)
    return DataError.exit_code if damaged else 0


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
