"""`can-train teachers`: list, show, find and add teachers of knowledge distillation."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from can_train.cli.options import add_root_options, roots_of
from can_train.vocab import FEATURE_SETS, MODALITIES

if TYPE_CHECKING:
    from can_train.config.schema import DataConfig
    from can_train.runs.layout import Roots
    from can_train.teachers.choose import Wanted

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

TEACHING_MODELS: Final = ("vgae", "gat")


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
        "--from-state-dict", type=Path, metavar="FILE", default=argparse.SUPPRESS,
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
    parser.add_argument("--dataset", metavar="NAME", required=required, default=absent,
                        help="name of a prepared dataset")  # fmt: skip
    parser.add_argument("--model", choices=TEACHING_MODELS, required=required, default=absent,
                        help="model of the stage")  # fmt: skip
    parser.add_argument("--features", choices=FEATURE_SETS, default=absent, help="feature set")
    parser.add_argument("--window", type=int, metavar="N", default=absent, help="frames per window")
    parser.add_argument("--split", metavar="NAME", default=absent, help="named split")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(args: argparse.Namespace) -> None:
    from can_train.cli.tables import write_table
    from can_train.cli.teacher_rows import HEADER, document_of, row_of
    from can_train.teachers.files import all_places

    root = roots_of(args).teachers
    places = all_places(root, kept=args.replaced)
    if args.json:
        _print_json([document_of(place) for place in places])
    elif not places:
        sys.stdout.write(f"no teachers registered under {root}\n")
    else:
        write_table(sys.stdout, HEADER, [row_of(document_of(place)) for place in places])


def _show(args: argparse.Namespace) -> None:
    from can_train.cli.teacher_rows import document_of
    from can_train.errors import ArtifactError, ConfigError, PreflightError
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
    wrong = [str(d["file"]) for d in documents if d["file"] != "ok"]
    if wrong:
        raise ArtifactError("\n".join(wrong))


def _find(args: argparse.Namespace) -> None:
    from can_train.teachers.choose import no_teacher, teachers_on_disk

    roots = roots_of(args)
    wanted = _wanted(args, roots)
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
    from can_train.errors import ConfigError

    weights = [word for word in ("modality", "dataset", "model", "features", "window", "split",
                                 "model_size", "model_args") if word in args]  # fmt: skip
    if ("from_state_dict" in args) == (args.name is not None):
        raise ConfigError(
            "teachers add: takes a run, or a file by --from-state-dict. Use: "
            "can-train teachers add RUN"
        )
    if "from_state_dict" in args:
        _add_state_dict(args)
        return
    if weights:
        option = weights[0].replace("_", "-")
        raise ConfigError(
            f"--{option}: only with --from-state-dict; a run says it itself. Use: "
            f"can-train teachers add {args.name}"
        )
    _add_run(args)


def _add_run(args: argparse.Namespace) -> None:
    from dataclasses import replace

    from can_train.cli.commands.evaluate import require_finished
    from can_train.config.frozen import load_frozen
    from can_train.errors import PreflightError
    from can_train.runs.layout import find_run, frozen_of_run
    from can_train.teachers.policy import is_teacher, offer_run

    roots = roots_of(args)
    run_dir = find_run(roots.experiments, args.name)
    frozen = replace(load_frozen(frozen_of_run(run_dir)), run_dir=run_dir)
    config = frozen.config
    if not is_teacher(config):
        raise PreflightError(
            f"run {run_dir.name} is a {config.model} of size {config.model_size}: only a vgae or "
            "gat of size teacher can teach. Show the runs: can-train status"
        )
    require_finished(run_dir)
    _told(offer_run(frozen, roots.teachers))


def _add_state_dict(args: argparse.Namespace) -> None:
    """Everything that can be checked without torch, then the compute plane."""
    from can_train.errors import ConfigError
    from can_train.teachers.intake import intake_config
    from can_train.teachers.weights_file import check_weights_file

    missing = [f"--{w}" for w in ("modality", "dataset", "model") if w not in args]
    if missing:
        raise ConfigError(
            f"--from-state-dict: needs {', '.join(missing)} too. Use: can-train teachers add "
            "--from-state-dict FILE --modality automotive --dataset hcrl_sa --model gat"
        )
    roots = roots_of(args)
    check_weights_file(args.from_state_dict)
    config = intake_config(_wanted(args, roots), vars(args).get("model_args", ""))
    import tempfile

    from can_train.teachers.files import Teacher
    from can_train.teachers.policy import offer
    from can_train.training.intake import take_in

    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "artifact.pth"
        taken = take_in(args.from_state_dict, config, roots.data, artifact)
        teacher = Teacher(
            sha256=taken.sha256,
            dataset=config.dataset,
            features=config.data.features,
            window=config.data.window,
            split=config.data.split,
            dataset_digest=config.data.dataset_digest,
            split_digest=config.data.split_digest,
            model=config.model,
            parameters=taken.parameters,
            origin="state dict",
            run_id="",
            metric=taken.metric,
            value=taken.value,
            higher_is_better=not taken.metric.endswith("loss"),
        )
        _told(offer(artifact, teacher, roots.teachers))


def _told(outcome: Any) -> None:
    from can_train.errors import PreflightError

    if not outcome.registered:
        raise PreflightError(outcome.line)
    sys.stdout.write(f"{outcome.line}\n")


def _wanted(args: argparse.Namespace, roots: Roots) -> Wanted:
    from can_train.teachers.choose import Wanted

    data = _data(args, roots)
    return Wanted(modality=args.modality, dataset=args.dataset, model=args.model, data=data)


def _data(args: argparse.Namespace, roots: Roots) -> DataConfig:
    """The windows of a stage on a prepared dataset."""
    from can_train.teachers.choose import windows_of

    given = {w: vars(args)[w] for w in ("features", "window", "split") if w in args}
    return windows_of(roots, args.modality, args.dataset, given)


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
