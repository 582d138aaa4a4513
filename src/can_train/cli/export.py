"""`can-train data export`: write a prepared dataset as files."""

from __future__ import annotations

import argparse
from typing import Final, TypeAlias

from can_train.cli.dataset_options import add_dataset_options, data_root_of, write_line
from can_train.cli.values import folder_path

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_FORMATS: Final = ("candump", "csv", "parquet", "asc", "blf")


def add_export(commands: Subparsers) -> None:
    """Adds `data export`."""
    parser = commands.add_parser(
        "export",
        help="write a prepared dataset as files",
        description=(
            "Write every recording of a prepared dataset as a file. candump, csv and parquet are "
            "read back bit for bit; asc and blf need python-can. Labels are written beside "
            "formats that carry none."
        ),
        epilog=(
            "example: can-train data export --modality automotive --dataset mycar "
            "--format candump --out mycar_logs"
        ),
    )
    add_dataset_options(parser, dataset_needed=True)
    parser.add_argument("--format", choices=_FORMATS, required=True, help="what to write")
    parser.add_argument(
        "--out", type=folder_path, metavar="DIR", required=True, help="new folder for the files"
    )


def export(args: argparse.Namespace) -> None:
    """Writes the files, and says how to read them back."""
    from can_train.dataset.export import FORMATS, LABELS, export_dataset
    from can_train.dataset.manifest import DatasetRef

    ref = DatasetRef(modality=args.modality, dataset=args.dataset)
    export_dataset(data_root_of(args), ref, args.format, args.out, write_line)
    labels = "" if FORMATS[args.format].labelled else f" --labels {args.out / LABELS}"
    write_line(
        f"read them back: can-train data prepare --modality {args.modality} "
        f"--dataset {args.dataset}_again --source {args.out}{labels}"
    )
