"""`can-train batch-size`: which batch fits, which share of it is used, what runs have learned."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final, TypeAlias

from can_train.cli.options import add_request_options, add_root_options, roots_of
from can_train.cli.values import dataset_name, file_path

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_EXAMPLE: Final = "--modality automotive --dataset hcrl_sa --model gat --model-size student"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `batch-size` with its commands explain, history, reset and export."""
    parser = subparsers.add_parser(
        "batch-size",
        help="show which batch fits and why, and what runs have learned about it",
        description="Show which batch fits into memory, and what runs have learned about it.",
        epilog=f"example: can-train batch-size explain {_EXAMPLE}",
    )
    commands = parser.add_subparsers(dest="batch_size_command", metavar="COMMAND", required=True)
    _add_explain(commands)
    texts = {
        "history": "show learned factors, and the runs that they rest on",
        "reset": "forget what runs have learned",
        "export": "write all records as JSON",
    }
    for name, text in texts.items():
        command = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example: can-train batch-size {name}",
        )
        if name == "export":
            command.add_argument(
                "--out", metavar="FILE", type=file_path, help="where to (default: standard output)"
            )
        else:
            command.add_argument(
                "--dataset", type=dataset_name, metavar="NAME", help="of one dataset alone"
            )
        add_root_options(command, "experiment")


def run(args: argparse.Namespace) -> int:
    """Runs the chosen command; 0, since what goes wrong is raised."""
    commands = {"explain": _explain, "history": _history, "reset": _reset, "export": _export}
    commands[args.batch_size_command](args)
    return 0


def _add_explain(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "explain",
        help="the batch of a run or of a request, and everything that it follows from",
        description=(
            "With a run: its batch as it was decided. With a request: measures on this machine "
            "what fits, and says which batch --batch-size auto would take; nothing is trained or "
            "written but the graphs that training builds, too. A stage is measured without its "
            "teacher and its experts; its run measures with them."
        ),
        epilog=f"example: can-train batch-size explain {_EXAMPLE}",
    )
    parser.add_argument(
        "name", nargs="?", metavar="RUN", help="id, beginning of an id, or folder of a run"
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    add_request_options(parser)
    add_root_options(parser, "data", "experiment")


def _explain(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from can_train.cli.batch_decisions import decision_of_run, decisions_of_request, write_decisions

    found = decisions_of_request(args) if args.name is None else decision_of_run(args)
    if args.json:
        rows = [{"stage": e.title, "steps": e.steps, **asdict(e.decision)} for e in found]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        write_decisions(found)


def _history(args: argparse.Namespace) -> None:
    from can_train.cli.batch_history import write_history
    from can_train.cli.memory_kills import record_all_kills
    from can_train.training.adaptive_batch_size import SafetyFactorDatabase

    root = roots_of(args).experiments
    record_all_kills(root)
    write_history(SafetyFactorDatabase(root), args.dataset)


def _reset(args: argparse.Namespace) -> None:
    from can_train.errors import counted
    from can_train.training.adaptive_batch_size import SafetyFactorDatabase

    gone = SafetyFactorDatabase(roots_of(args).experiments).reset(args.dataset)
    of = "" if args.dataset is None else f" of {args.dataset}"
    sys.stdout.write(f"removed: {counted(gone, 'record')}{of}; hand-set factors hold again\n")


def _export(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from can_train.cli.outputs import require_writable, writing_for
    from can_train.files import write_text
    from can_train.training.adaptive_batch_size import RECORD_VERSION, SafetyFactorDatabase

    if args.out is not None:
        require_writable("--out", args.out)
    records = SafetyFactorDatabase(roots_of(args).experiments).records()
    document = {"version": RECORD_VERSION, "records": [asdict(record) for record in records]}
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    if args.out is None:
        sys.stdout.write(text)
    else:
        with writing_for("--out", args.out):
            write_text(args.out, text)
        sys.stdout.write(f"written: {args.out}\n")
