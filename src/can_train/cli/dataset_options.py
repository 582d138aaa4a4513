"""Options of every `data` command, and what they say."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from can_train.cli.values import dataset_name, folder_path
from can_train.vocab import MODALITIES


def add_dataset_options(parser: argparse.ArgumentParser, *, dataset_needed: bool) -> None:
    """Adds `--modality`, `--dataset` and `--data-root`."""
    parser.add_argument("--modality", choices=MODALITIES, required=True, help="application domain")
    parser.add_argument(
        "--dataset",
        type=dataset_name,
        required=dataset_needed,
        metavar="NAME",
        help="name of the dataset under the data root",
    )
    parser.add_argument(
        "--data-root",
        type=folder_path,
        metavar="DIR",
        help="folder of all datasets (default: data beside the launcher)",
    )


def data_root_of(args: argparse.Namespace) -> Path:
    """Folder of all datasets that was asked for."""
    if args.data_root is not None:
        return Path(args.data_root)
    return Path(os.environ.get("CAN_TRAIN_HOME", ".")) / "data"


def write_line(line: str) -> None:
    """Writes a line of results."""
    sys.stdout.write(line + "\n")
