"""What `teachers add` does: registers a finished run, or takes in weights from elsewhere."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from can_train.cli.commands.evaluate import require_finished
from can_train.cli.options import roots_of
from can_train.config.frozen import frozen_config_of
from can_train.config.spec import specs
from can_train.errors import ConfigError, PreflightError
from can_train.pipeline.data import windows_of
from can_train.runs.find import find_run
from can_train.runs.layout import Roots
from can_train.runs.summary import ranked
from can_train.teachers.fit import Wanted
from can_train.teachers.intake import intake_config
from can_train.teachers.policy import Registration, described, is_teacher, offer, offer_run
from can_train.teachers.weights_file import check_weights_file

_WINDOW_WORDS: Final = ("features", "window", "split")
_WEIGHT_WORDS: Final = (
    "modality", "dataset", "model", *_WINDOW_WORDS, "model_size", "model_args",
)  # fmt: skip


def add(args: argparse.Namespace) -> None:
    """Registers what was given.

    Raises:
        CanTrainError: It can't teach, isn't whole, or isn't better than what is registered.
    """
    if ("from_state_dict" in args) == (args.name is not None):
        raise ConfigError(
            "teachers add: takes a run, or a file by --from-state-dict. Use: "
            "can-train teachers add RUN"
        )
    if "from_state_dict" in args:
        _add_state_dict(args)
        return
    weights = [word for word in _WEIGHT_WORDS if word in args]
    if weights:
        option = weights[0].replace("_", "-")
        raise ConfigError(
            f"--{option}: only with --from-state-dict; a run says it itself. Use: "
            f"can-train teachers add {args.name}"
        )
    _add_run(args)


def wanted_by(args: argparse.Namespace, roots: Roots) -> Wanted:
    """The stage that a teacher is for, on a prepared dataset."""
    given = {word: vars(args)[word] for word in _WINDOW_WORDS if word in args}
    data = windows_of(roots, args.modality, args.dataset, given)
    return Wanted(modality=args.modality, dataset=args.dataset, model=args.model, data=data)


def _add_run(args: argparse.Namespace) -> None:
    roots = roots_of(args)
    run_dir = find_run(roots.experiments, args.name)
    require_finished(run_dir, "register")
    frozen = replace(frozen_config_of(run_dir), run_dir=run_dir)
    config = frozen.config
    if not is_teacher(config):
        able = " or ".join(spec.name for spec in specs().values() if spec.distils)
        raise PreflightError(
            f"run {run_dir.name} is a {config.model} of size {config.model_size}: only a {able} "
            "of size teacher can teach. Show the runs: can-train status"
        )
    _tell(offer_run(frozen, roots.teachers))


def _add_state_dict(args: argparse.Namespace) -> None:
    """Everything that can be checked without torch, then the compute plane."""
    missing = [f"--{w}" for w in ("modality", "dataset", "model") if w not in args]
    if missing:
        raise ConfigError(
            f"--from-state-dict: needs {', '.join(missing)} too. Use: can-train teachers add "
            "--from-state-dict FILE --modality automotive --dataset hcrl_sa --model gat"
        )
    roots = roots_of(args)
    check_weights_file(args.from_state_dict)
    config = intake_config(wanted_by(args, roots), vars(args).get("model_args", ""))
    from can_train.training.intake import take_in

    with TemporaryDirectory() as folder:
        artifact = Path(folder) / "artifact.pth"
        taken = take_in(args.from_state_dict, config, roots.data, artifact)
        figure = ranked(taken.metric, taken.value, taken.sha256)
        _tell(offer(artifact, described(config, figure, taken.parameters), roots.teachers))


def _tell(outcome: Registration) -> None:
    if not outcome.registered:
        raise PreflightError(outcome.line)
    sys.stdout.write(f"{outcome.line}\n")
