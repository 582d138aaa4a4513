"""`can-train teachers`: list, show, find and add teachers of knowledge distillation."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from can_train.cli.options import add_root_options, roots_of
from can_train.cli.values import SettingValue, dataset_name, file_path
from can_train.config.spec import specs
from can_train.vocab import FEATURE_SETS, MODALITIES

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

TEACHING_MODELS: Final = tuple(spec.name for spec in specs().values() if spec.distils)


def add_parser(subparsers: Subparsers) -> None:
    """Adds `teachers` with its commands list, show, find and add."""
    parser = subparsers.add_parser(
        "teachers",
        help="list, show, find and register teachers for knowledge distillation",
        description="List, show, find and register teachers for knowledge distillation.",
        epilog="example: can-train teachers list",
    )
    commands = parser.add_subparsers(dest="teachers_command", metavar="COMMAND", required=True)
    _add_list(commands)
    _add_show(commands)
    _add_find(commands)
    _add_add(commands)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen command; 0, since what goes wrong is raised."""
    commands = {"list": _list, "show": _show, "find": _find, "add": _add}
    commands[args.teachers_command](args)
    return 0


def _add_list(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "list",
        help="show all registered teachers",
        description="Show all registered teachers, and whether each file is what was registered.",
        epilog="example: can-train teachers list",
    )
    parser.add_argument(
        "--replaced", action="store_true", help="also those that a better one replaced"
    )
    _add_json(parser)
    add_root_options(parser, "teacher")


def _add_show(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "show",
        help="show what is known of one teacher, and check its file",
        description="Show what is known of one teacher, and check its file.",
        epilog="example: can-train teachers show hcrl_sa gat",
    )
    parser.add_argument("name", metavar="PATH|DATASET", help="the .pth file, or the dataset")
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help=f"with a dataset: {', '.join(TEACHING_MODELS)}"
    )
    _add_json(parser)
    add_root_options(parser, "teacher")


def _add_find(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "find",
        help="show what --auto-find-teacher would take",
        description=(
            "Show what --auto-find-teacher would take for a stage: registered teachers first, then "
            "those of finished runs, the newest first. Exit code 3 if there is none."
        ),
        epilog=(
            "example: can-train teachers find --modality automotive --dataset hcrl_sa --model gat"
        ),
    )
    _add_place(parser, required=True)
    _add_json(parser)
    add_root_options(parser, "data", "experiment", "teacher")


def _add_add(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "add",
        help="register a finished teacher run, or weights from elsewhere",
        description=(
            "Register a finished teacher run if it is better on validation than what is "
            "registered for the same features, window and split; or take in weights from a plain "
            ".pth state dict."
        ),
        epilog="example: can-train teachers add 0123456789ab",
    )
    parser.add_argument(
        "name", nargs="?", metavar="RUN", help="id, beginning of an id, or folder of a run"
    )
    group = parser.add_argument_group("weights from elsewhere")
    group.add_argument(
        "--from-state-dict", type=file_path, metavar="FILE", default=argparse.SUPPRESS,
        help="a .pth file with tensors by name; nothing in it is run",
    )  # fmt: skip
    _add_place(group, required=False)
    group.add_argument(
        "--model-size", choices=("teacher",), default=argparse.SUPPRESS, help="preset of the model"
    )
    group.add_argument(
        "--model-args", metavar="K=V,...", default=argparse.SUPPRESS,
        help="architecture where it isn't the preset's, such as layers=3,fc_channels=96x48",
    )  # fmt: skip
    add_root_options(parser, "data", "experiment", "teacher")


def _add_place(parser: argparse._ActionsContainer, *, required: bool) -> None:
    """Options for the stage that a teacher is for; what isn't given is absent."""
    absent = argparse.SUPPRESS
    parser.add_argument("--modality", choices=MODALITIES, required=required, default=absent,
                        help="application domain")  # fmt: skip
    parser.add_argument("--dataset", type=dataset_name, metavar="NAME", required=required,
                        default=absent, help="name of a prepared dataset")  # fmt: skip
    parser.add_argument("--model", choices=TEACHING_MODELS, required=required, default=absent,
                        help="model of the stage")  # fmt: skip
    parser.add_argument("--features", choices=FEATURE_SETS, default=absent, help="feature set")
    parser.add_argument("--window", type=SettingValue("window"), metavar="N", default=absent,
                        help="frames per window")  # fmt: skip
    parser.add_argument("--split", metavar="NAME", default=absent, help="named split")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(args: argparse.Namespace) -> None:
    from can_train.cli.teacher_rows import HEADER, document_of, row_of
    from can_train.tables import write_table
    from can_train.teachers.files import all_places

    root = roots_of(args).teachers
    places = all_places(root, kept=args.replaced)
    documents = [document_of(place) for place in places]
    if args.json:
        _print_json(documents)
    elif not documents:
        sys.stdout.write(f"no teachers registered under {root}\n")
    else:
        write_table(sys.stdout, HEADER, [row_of(document) for document in documents])
    _refuse_damaged(documents)


def _show(args: argparse.Namespace) -> None:
    from can_train.cli.teacher_rows import document_of
    from can_train.errors import ConfigError, PreflightError
    from can_train.teachers.files import places_of

    root = roots_of(args).teachers
    if args.model is None and not args.name.endswith(".pth"):
        raise ConfigError(
            f"teachers show {args.name}: the model is missing. "
            f"Use: can-train teachers show {args.name} gat"
        )
    places = [Path(args.name)] if args.model is None else places_of(root, args.name, args.model)
    if not places:
        raise PreflightError(
            f"no {args.model} teacher of {args.name} under {root}. Show what is there: "
            f"can-train teachers list --teacher-root {root}"
        )
    documents = [document_of(place) for place in places]
    if args.json:
        _print_json(documents)
    else:
        for document in documents:
            sys.stdout.write("".join(f"{k}: {v}\n" for k, v in document.items()))
    _refuse_damaged(documents)


def _refuse_damaged(documents: Sequence[dict[str, Any]]) -> None:
    from can_train.errors import ArtifactError, raise_all

    raise_all([ArtifactError(str(d["file"])) for d in documents if d["file"] != "ok"])


def _find(args: argparse.Namespace) -> None:
    from can_train.cli.teacher_intake import wanted_by
    from can_train.teachers.candidates import teachers_on_disk
    from can_train.teachers.choose import no_teacher

    roots = roots_of(args)
    wanted = wanted_by(args, roots)
    found = teachers_on_disk(wanted, roots)
    if not found:
        words = ("features", "window", "split")
        given = "".join(f" --{w} {vars(args)[w]}" for w in words if w in args)
        raise no_teacher("teachers find", wanted, roots, given)
    best, *others = found
    sha256 = best.checked_sha256()
    if args.json:
        rows = [{"path": str(c.path), "origin": c.origin, "sha256": c.recorded} for c in others]
        chosen = {"path": str(best.path), "origin": best.origin, "sha256": sha256}
        _print_json({"chosen": chosen, "others": rows})
        return
    sys.stdout.write(f"chosen: {best.path}, sha256 {sha256} ({best.origin})\n")
    for other in others:
        sys.stdout.write(f"not chosen: {other.path} ({other.origin})\n")


def _add(args: argparse.Namespace) -> None:
    from can_train.cli.teacher_intake import add

    add(args)


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
