"""`can-train data`: import recordings, look at a dataset, make a synthetic one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.dataset_list import add_list, list_datasets
from can_train.cli.dataset_options import add_dataset_options, data_root_of, write_line
from can_train.cli.export import add_export, export
from can_train.cli.reading import (
    add_label_table_option,
    add_reading_options,
    add_unlabelled_option,
    reading_of,
)
from can_train.cli.sniffing import add_sniff, sniff
from can_train.cli.values import Number, SettingValue, file_or_folder, folder_path
from can_train.cli.waiting import waiting
from can_train.errors import ConfigError, counted
from can_train.vocab import FEATURE_SETS, MODALITIES_WITH_DATA

if TYPE_CHECKING:
    from can_train.dataset.prepare import PrepareRequest

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_SYNTHETIC = "synthetic"

_SCALE: Final = Number(least=0.05, most=1000)
"""As `dataset.synth` has it, which lies beside numpy."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `data` with its commands prepare, sniff, inspect, list, export and synth."""
    parser = subparsers.add_parser(
        "data",
        help="import recordings, look at a file or a dataset, write it, make a synthetic one",
        description=(
            "Import recordings, look at a file or a dataset, write it, make a synthetic one."
        ),
    )
    commands = parser.add_subparsers(dest="data_command", metavar="COMMAND", required=True)
    _add_prepare(commands)
    add_sniff(commands)
    _add_inspect(commands)
    add_export(commands)
    add_list(commands)
    _add_synth(commands)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen command; 0, since what goes wrong is raised."""
    if args.data_command == "list":
        return list_datasets(args)
    if args.modality not in MODALITIES_WITH_DATA:
        raise ConfigError(
            f"--modality {args.modality}: there are no readers for it yet. "
            f"Use: --modality {', '.join(MODALITIES_WITH_DATA)}"
        )
    commands = {
        "prepare": _prepare,
        "sniff": sniff,
        "inspect": _inspect,
        "export": export,
        "synth": _synth,
    }
    commands[args.data_command](args)
    return 0


def _add_prepare(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "prepare",
        help="import recordings into the data root",
        description=(
            "Import recordings: scenario folders or flat names with --source, or recordings of "
            "your own with --benign, --attack and --test. Each distinct recording is stored once."
        ),
        epilog=(
            "example: can-train data prepare --modality automotive --dataset mycar "
            "--benign logs/normal --attack logs/attacks"
        ),
    )
    add_dataset_options(parser, dataset_needed=True)
    parser.add_argument(
        "--source", type=folder_path, metavar="DIR", help="folder with the scenarios"
    )
    parser.add_argument(
        "--benign", type=file_or_folder, metavar="DIR", help="own recordings without attacks"
    )
    parser.add_argument(
        "--attack", type=file_or_folder, metavar="DIR", help="own labelled recordings"
    )
    parser.add_argument(
        "--test",
        type=file_or_folder,
        metavar="DIR",
        help="own labelled recordings, only for the final test",
    )
    add_reading_options(parser)
    add_label_table_option(parser)
    add_unlabelled_option(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace a dataset of that name with other content"
    )


def _add_inspect(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "inspect",
        help="show what a prepared dataset holds",
        description=(
            "Show frames, rate, IDs, DLC mix, windows and graph sizes per scenario, and what "
            "training and test recordings share."
        ),
        epilog="example: can-train data inspect --modality automotive --dataset hcrl_sa",
    )
    add_dataset_options(parser, dataset_needed=True)
    parser.add_argument(
        "--window",
        type=SettingValue("window"),
        default=100,
        metavar="N",
        help="frames per window (default: 100)",
    )
    parser.add_argument(
        "--stride",
        type=SettingValue("stride"),
        default=100,
        metavar="N",
        help="frames between window starts (default: 100)",
    )
    parser.add_argument(
        "--features",
        choices=FEATURE_SETS,
        default="relational",
        help="feature set, for the size of the graphs (default: relational)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_synth(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "synth",
        help="make synthetic traffic with attacks, and import it",
        description=(
            "Write synthetic CAN traffic in the can-train-and-test layout and import it. With "
            "--out and without --dataset the files are only written."
        ),
        epilog="example: can-train data synth --modality automotive --dataset synthetic",
    )
    add_dataset_options(parser, dataset_needed=False)
    parser.add_argument(
        "--out",
        type=folder_path,
        metavar="DIR",
        help="folder for the CSV files (default: in --data-root)",
    )
    parser.add_argument(
        "--seed", type=SettingValue("seed"), default=0, metavar="N", help="seed (default: 0)"
    )
    parser.add_argument(
        "--scale", type=_SCALE, default=1.0, metavar="X", help="length of the drives (default: 1)"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a dataset of that name with other content"
    )


def _prepare(args: argparse.Namespace) -> None:
    from can_train.dataset.prepare import PrepareRequest

    _import(
        PrepareRequest(
            modality=args.modality,
            dataset=args.dataset,
            data_root=data_root_of(args),
            source=args.source,
            benign=args.benign,
            attack=args.attack,
            test=args.test,
            reading=reading_of(args),
            force=args.force,
        )
    )


def _import(request: PrepareRequest) -> None:
    from can_train.cli.import_bar import import_bar
    from can_train.dataset.prepare import prepare_dataset

    with import_bar(sys.stderr) as progress:
        prepare_dataset(request, report=write_line, progress=progress)
    write_line(
        f"look at it: can-train data inspect --modality {request.modality} "
        f"--dataset {request.dataset}"
    )


def _inspect(args: argparse.Namespace) -> None:
    from can_train.dataset.inspect import inspect_dataset
    from can_train.dataset.inspect_tables import print_report, report_json
    from can_train.dataset.manifest import DatasetRef
    from can_train.graphs.identity import WindowSpec

    with waiting(f"reading {args.dataset}"):
        report = inspect_dataset(
            data_root_of(args),
            DatasetRef(modality=args.modality, dataset=args.dataset),
            WindowSpec(features=args.features, window=args.window, stride=args.stride),
        )
    if args.json:
        sys.stdout.write(report_json(report))
    else:
        print_report(report, sys.stdout)


def _synth(args: argparse.Namespace) -> None:
    from can_train.dataset.prepare import PrepareRequest
    from can_train.dataset.synth import generate

    dataset = args.dataset or (None if args.out else _SYNTHETIC)
    root = data_root_of(args)
    out = args.out or root / "source" / (dataset or _SYNTHETIC)
    files = generate(out, seed=args.seed, scale=args.scale)
    write_line(f"wrote {counted(len(files), 'recording')} to {out}")
    if dataset is None:
        write_line(
            f"import them: can-train data prepare --modality {args.modality} "
            f"--dataset {_SYNTHETIC} --source {out}"
        )
        return
    _import(
        PrepareRequest(
            modality=args.modality, dataset=dataset, data_root=root, source=out, force=args.force
        )
    )
