"""A first site profile, from what the cluster says about itself and the user."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from can_train.errors import PreflightError, SubmissionError
from can_train.files import write_text
from can_train.jobs.slurm.client import call, words_of


def write_first_profile(path: Path) -> None:
    """Writes a profile for this cluster to `path`, which must not exist.

    Raises:
        PreflightError: The file exists.
        SubmissionError: Slurm isn't here or doesn't answer.
    """
    if path.exists():
        raise PreflightError(
            f"{path}: a site profile is there already. Edit it, or name another file: "
            "can-train env --init-site FILE"
        )
    write_text(path, first_profile())


def first_profile() -> str:
    """Text of a first profile: the default partition and account, and what else could be chosen.

    Raises:
        SubmissionError: Slurm isn't here or doesn't answer.
    """
    partitions = _rows(["sinfo", "-h", "-o", "%P|%l|%c|%m|%G"])
    user = getpass.getuser()
    accounts = _accounts(user)
    return "\n".join([*_head(partitions), *_body(partitions, accounts)]) + "\n"


def _head(partitions: Sequence[list[str]]) -> Iterator[str]:
    yield "# Site profile of can-train: what this cluster wants from jobs."
    yield "# Any option of a command wins over it; [stage.gat_teacher] wins over [stage.gat]."
    yield "#"
    yield "# partition: time limit, CPUs and MB per node, generic resources"
    for name, limit, cpus, memory, gres in partitions:
        yield f"#   {name}: {limit}, {cpus}, {memory}, {gres}"
    yield ""
    yield "# Training here needs --submit or --local."
    yield "login_node = true"
    yield ""
    yield "[environment]"
    yield "# Shell lines at the beginning of each job, such as: module load cuda"
    yield "setup = []"
    yield ""


def _body(partitions: Sequence[list[str]], accounts: Sequence[str]) -> Iterator[str]:
    yield "[defaults]"
    default = next((name for name, *_ in partitions if name.endswith("*")), None)
    if default is not None:
        yield f"partition = {json.dumps(default.rstrip('*'))}"
    if accounts:
        others = f"  # or: {', '.join(accounts[1:])}" if accounts[1:] else ""
        yield f"account = {json.dumps(accounts[0])}{others}"
    yield '# walltime = "04:00:00"'
    yield '# memory = "8G"'
    yield ""
    yield "# [stage.gat_teacher]"
    with_gpu = next((name for name, *_, gres in partitions if "gpu" in gres), None)
    if with_gpu is not None:
        yield f"# partition = {json.dumps(with_gpu.rstrip('*'))}"
    yield "# gpus = 1"


def _accounts(user: str) -> list[str]:
    """The user's accounts, the default one first; none without accounting."""
    own = call(["sacctmgr", "-nP", "show", "user", user, "format=defaultaccount"])
    all_of_them = call(["sacctmgr", "-nP", "show", "assoc", f"user={user}", "format=account"])
    if own.returncode or all_of_them.returncode:
        return []
    names = [*own.stdout.split(), *sorted(all_of_them.stdout.split())]
    return list(dict.fromkeys(names))


def _rows(command: list[str]) -> list[list[str]]:
    done = call(command)
    if done.returncode:
        raise SubmissionError(f"{command[0]}: {words_of(done)}")
    return [line.split("|") for line in done.stdout.splitlines()]
