"""Job scripts: a pure function of what is run and what it needs."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from can_train.config.fields import option_of
from can_train.config.schema import Resources
from can_train.errors import ConfigError
from can_train.jobs.slurm.limits import walltime_s

LEAD_S: Final = 120
"""Seconds before the time limit at which a job is told to save its position and stop."""

MAX_REQUEUES: Final = 5
"""How often a job may go back into the queue unless the user says otherwise."""

AS_TORCHRUN: Final = (
    "trap '' USR1; "
    "export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS "
    "MASTER_ADDR=$SLURM_LAUNCH_NODE_IPADDR MASTER_PORT=$((15000 + SLURM_JOB_ID % 17000)); "
    'exec "$@"'
)
"""Says to a task of `srun` what torch's launcher would; the port lies below those that systems give
to connections."""

_PLAIN: Final = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_OURS: Final = {
    "--array": "-a", "--chdir": "-D", "--dependency": "-d", "--error": "-e", "--hold": "-H",
    "--job-name": "-J", "--output": "-o", "--parsable": "", "--signal": "", "--wrap": "",
    "--requeue": "", "--no-requeue": "", "--open-mode": "", "--kill-on-invalid-dep": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class JobScript:
    """One script: one run, or several independent ones as an array.

    Attributes:
        name: Name of the job.
        frozen: Frozen configs; more than one make an array.
        resources: What the job asks for.
        setup: Shell lines that come first.
        max_requeues: How often the job may be started again.
        evaluate: Whether a finished run is evaluated in the same job.
        array_limit: How many runs of an array may work at the same time.
        python: Interpreter that runs the program, as an absolute path.
    """

    name: str
    frozen: tuple[Path, ...]
    resources: Resources
    setup: tuple[str, ...] = ()
    max_requeues: int = MAX_REQUEUES
    evaluate: bool = False
    array_limit: int | None = None
    python: str = sys.executable


def render(script: JobScript) -> str:
    """Text of the script.

    Raises:
        ConfigError: An option for Slurm can't be passed on.
    """
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in _options(script)), ""]
    lines += script.setup
    lines.append("# What a site's modules set would put other packages before can-train's own.")
    lines.append("unset PYTHONPATH PYTHONHOME")
    lines.append("# Until the program listens, a warning of the time limit must not end the job.")
    lines.append("trap '' USR1")
    command = [script.python, "-P", "-m", "can_train", "run"]
    command += ["--max-requeues", str(script.max_requeues)]
    command += ["--evaluate"] if script.evaluate else []
    words = " ".join(shlex.quote(word) for word in [*_together(script.resources), *command])
    if script.array_limit is None:
        lines.append(f"exec {words} --frozen-config {shlex.quote(str(script.frozen[0]))}")
    else:
        lines += ["frozen=(", *(f"  {shlex.quote(str(path))}" for path in script.frozen), ")"]
        lines.append(f'exec {words} --frozen-config "${{frozen[$SLURM_ARRAY_TASK_ID]}}"')
    return "\n".join(lines) + "\n"


def processes(resources: Resources) -> int:
    """How many processes train a run together: one per GPU, without GPUs one per node."""
    return (resources.nodes or 1) * max(1, resources.gpus or 0)


def _together(resources: Resources) -> list[str]:
    """What starts a command in all processes of a job; nothing where it is one.

    `can-train` decides what the end of one means for the others, so `srun` ends none. It passes
    the warning of the time limit on to all.
    """
    if processes(resources) == 1:
        return []
    options = [f"--ntasks={processes(resources)}", "--export=ALL", "--mpi=none"]
    options += [f"--cpus-per-task={resources.cpus}"] if resources.cpus else []
    options += ["--kill-on-bad-exit=0", "--wait=0"]
    return ["srun", *options, "bash", "-c", AS_TORCHRUN, "can-train"]


def log_pattern(path: Path) -> str:
    """`path` as sbatch takes it for `--output`: `%j` in its name is a symbol, nothing else is.

    Raises:
        ConfigError: Slurm has no spelling for the folder.
    """
    folder = str(path.parent)
    if "\\" in folder:
        raise ConfigError(
            f"--experiment-root: {folder} holds a backslash, and Slurm can't write logs there. "
            "Give another folder: --experiment-root DIR"
        )
    return f"{folder.replace('%', '%%')}/{path.name}"


def lead_s(walltime: str | None) -> int:
    """Seconds between the warning and the time limit: at most half of the job's time."""
    limit = None if walltime is None else walltime_s(walltime)
    return LEAD_S if limit is None else max(1, min(LEAD_S, limit // 2))


def _options(script: JobScript) -> list[str]:
    """What stands after `#SBATCH`, without paths: a line of a script can't hold every path."""
    resources = script.resources
    asked = (
        ("--account", resources.account),
        ("--partition", resources.partition),
        ("--qos", resources.qos),
        ("--time", resources.walltime),
        ("--mem", resources.memory),
        ("--nodes", resources.nodes or 1),
        ("--ntasks", processes(resources)),
        ("--ntasks-per-node", resources.gpus if (resources.gpus or 0) > 1 else None),
        ("--cpus-per-task", resources.cpus),
        ("--gpus-per-node", _gpus(resources)),
        ("--constraint", resources.constraint),
        ("--exclude", resources.exclude),
        ("--mail-user", resources.mail_user),
        ("--mail-type", "END,FAIL,REQUEUE" if resources.mail_user else None),
    )
    options = [f"--job-name={quoted(script.name)}"]
    options += [f"{name}={quoted(str(value))}" for name, value in asked if value is not None]
    if resources.slurm_extra:
        options.append(" ".join(quoted(word) for word in _extra(resources.slurm_extra)))
    if script.array_limit is not None:
        options.append(f"--array=0-{len(script.frozen) - 1}%{script.array_limit}")
    options += ["--open-mode=append", "--requeue", "--kill-on-invalid-dep=yes"]
    options.append(f"--signal=B:USR1@{lead_s(resources.walltime)}")
    return options


def quoted(value: str) -> str:
    """`value` as one word of an `#SBATCH` line; a backslash escapes there even within quotes.

    Raises:
        ConfigError: It can't stand in one line.
    """
    if not value.isprintable():
        raise ConfigError(f"{value!r}: an option for Slurm must be one line of printable text")
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _own_options() -> str:
    return ", ".join(option_of(item.name) for item in fields(Resources))


def _gpus(resources: Resources) -> str | None:
    if not resources.gpus:
        return None
    return f"{resources.gpu_type}:{resources.gpus}" if resources.gpu_type else str(resources.gpus)


def _extra(text: str) -> Sequence[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"--slurm-extra: {text}: {error}") from error
    for word in words:
        name = word.partition("=")[0]
        short = word[:2] if word[:1] == "-" and word[:2] != "--" else None
        if name in _OURS or (short and short in _OURS.values()):
            raise ConfigError(
                f"--slurm-extra: {word}: {name} is set by can-train. Leave it out; what may differ "
                f"has options of its own: {_own_options()}"
            )
    if not words or not words[0].startswith("-"):
        raise ConfigError(
            f"--slurm-extra: {text!r} isn't an option of sbatch. "
            "Use for example: --slurm-extra=--reservation=NAME"
        )
    return words
