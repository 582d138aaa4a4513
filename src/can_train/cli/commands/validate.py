"""`can-train validate`: check a request or a frozen config through all layers, run nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_request_options, add_root_options, roots_of
from can_train.errors import CanTrainError, ConfigError, counted

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_PLACES: Final = frozenset(
    {"command", "config", "modality", "data_root", "experiment_root", "teacher_root", "debug"}
)


def add_parser(subparsers: Subparsers) -> None:
    """Adds `validate`."""
    parser = subparsers.add_parser(
        "validate",
        help="check a request or a frozen config, and run nothing",
        description=(
            "Check a request (YAML or JSON, flags, or both) or a frozen config through all four "
            "layers: types, rules, construction, and the outside world. Nothing is written."
        ),
        epilog=epilog("validate"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_request_options(parser)
    add_root_options(parser, "data", "experiment", "teacher")


def run(args: argparse.Namespace) -> int:
    """Checks and says what would run; 0 if nothing is wrong."""
    from can_train.config.frozen import is_frozen

    if "config" in args and is_frozen(args.config):
        return _frozen(args, Path(args.config))
    from can_train.cli.planning import plans_of, show

    args.dry_run = True  # a grid may be checked
    plans = plans_of(args, one_stage=False)
    for plan in plans:
        show(plan)
    stages = sum(len(plan.stages) for plan in plans)
    sys.stdout.write(f"valid: {counted(stages, 'stage')}, nothing was run\n")
    return 0


def _frozen(args: argparse.Namespace, path: Path) -> int:
    """A frozen config: its hash, its data, its parents."""
    from can_train.config.frozen import load_frozen
    from can_train.errors import raise_all
    from can_train.pipeline.preflight import frozen_problems

    frozen = load_frozen(path)
    problems: list[CanTrainError] = [
        ConfigError(
            f"--{name.replace('_', '-')}: a frozen config is never changed by flags. Leave it out, "
            "or give the training command again with other flags"
        )
        for name in sorted(set(vars(args)) - _PLACES)
    ]
    if vars(args).get("modality", frozen.config.modality) != frozen.config.modality:
        problems.append(
            ConfigError(f"--modality: {path} is frozen for {frozen.config.modality}. Give that")
        )
    problems += frozen_problems(frozen, roots_of(args).experiments)
    raise_all(problems)
    sys.stdout.write(f"valid: run {frozen.run_id}, sha256 {frozen.sha256}, nothing was run\n")
    return 0
