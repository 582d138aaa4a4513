"""`can-train config`: where a value comes from, and in what two runs differ."""

from __future__ import annotations

import argparse
import sys
from typing import TypeAlias

from can_train.cli.options import add_request_options, add_root_options, roots_of, typed_from

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `config` with its commands explain and diff."""
    parser = subparsers.add_parser(
        "config",
        help="show where a value comes from, or in what two runs differ",
        description="Show where a value comes from, or in what two runs differ.",
    )
    commands = parser.add_subparsers(dest="config_command", metavar="COMMAND", required=True)
    explain = commands.add_parser(
        "explain",
        help="what a parameter means, and where its value comes from",
        description=(
            "Without a name: all parameters. With one: what it means; with a request, too: its "
            "value in every stage, and whether a flag, a file, a preset or a default gave it."
        ),
        epilog=(
            "example: can-train config explain epochs --modality automotive --dataset hcrl_sa "
            "--model vgae,gat,dqn"
        ),
    )
    explain.add_argument(
        "name", nargs="?", metavar="FLAG", help="such as epochs, without the dashes"
    )
    add_request_options(explain)
    diff = commands.add_parser(
        "diff",
        help="in what the configurations of two runs differ",
        description="Show in what the frozen configs of two runs differ.",
        epilog="example: can-train config diff 0123456789ab ba9876543210",
    )
    diff.add_argument("one", metavar="RUN", help="id, beginning of an id, or folder")
    diff.add_argument("other", metavar="RUN", help="id, beginning of an id, or folder")
    add_root_options(diff, "experiment")


def run(args: argparse.Namespace) -> int:
    """Runs the chosen command; 0, since what goes wrong is raised."""
    {"explain": _explain, "diff": _diff}[args.config_command](args)
    return 0


def _explain(args: argparse.Namespace) -> None:
    from can_train.config.build import build_request
    from can_train.config.explain import checked_name, explain, known_names, summary_of
    from can_train.config.fields import option_of
    from can_train.errors import raise_all
    from can_train.tables import write_table

    if args.name is None:
        rows = [(option_of(name).lstrip("-"), summary_of(name)) for name in known_names()]
        write_table(sys.stdout, ("parameter", "meaning"), rows)
        return
    name = checked_name(args.name)
    sys.stdout.write(f"{option_of(name)}: {summary_of(name)}\n")
    typed = typed_from(args, one_stage=False)
    if not typed.text and not typed.file_text:
        return
    built = build_request(typed)
    raise_all(built.problems)
    found = [(item.where, item.value, item.origin) for item in explain(name, built)]
    if found:
        write_table(sys.stdout, ("stage", "value", "from"), found)
    else:
        sys.stdout.write("no stage of this plan has it\n")


def _diff(args: argparse.Namespace) -> None:
    from can_train.config.explain import differences
    from can_train.config.frozen import encode_run_config, frozen_config_of
    from can_train.runs.find import find_run
    from can_train.tables import write_table

    root = roots_of(args).experiments
    runs = [find_run(root, name) for name in (args.one, args.other)]
    one, other = (encode_run_config(frozen_config_of(run).config) for run in runs)
    rows = list(differences(one, other))
    if rows:
        write_table(sys.stdout, ("key", runs[0].name, runs[1].name), rows)
    else:
        sys.stdout.write("no difference\n")
