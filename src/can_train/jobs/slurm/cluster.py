"""What the cluster has: partitions and accounts that exist, its version."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from can_train.errors import PreflightError, did_you_mean
from can_train.jobs.job import Needs
from can_train.jobs.slurm.client import call

ASK_S: Final = 5.0
"""How long `sinfo` may take to answer where nothing depends on it."""


def unknown_words(needs: Sequence[Needs]) -> Iterator[PreflightError]:
    """Partitions and accounts that the cluster doesn't know; nothing where it doesn't answer.

    Args:
        needs: What each stage asks for, site profile included.
    """
    if shutil.which("sinfo") is None:
        return
    user = getpass.getuser()
    accounts = ["sacctmgr", "-nP", "show", "assoc", f"user={user}", "format=account"]
    first_with_partition: dict[str, str] = {}
    first_with_account: dict[str, str] = {}
    for item in needs:
        if item.resources.partition is not None:
            first_with_partition.setdefault(item.resources.partition, item.title)
        if item.resources.account is not None:
            first_with_account.setdefault(item.resources.account, item.title)
    yield from _unknown("partition", first_with_partition, ["sinfo", "-h", "-o", "%R"])
    yield from _unknown("account", first_with_account, accounts)


def _unknown(name: str, wanted: Mapping[str, str], question: list[str]) -> Iterator[PreflightError]:
    """Words of the option `name` (with the first stage that asks) which aren't in the answer."""
    if not wanted:
        return
    answer = call(question)
    known = sorted({line.strip() for line in answer.stdout.splitlines() if line.strip()})
    if answer.returncode != 0 or not known:
        return  # without accounting there are no accounts; sbatch has the last word
    for word, where in wanted.items():
        if not set(word.split(",")) <= set(known):
            near = did_you_mean(word, known) or "."
            yield PreflightError(
                f"--{name}: {where}: Slurm knows no {name} {word}{near} Allowed: {', '.join(known)}"
            )


def facts() -> dict[str, str | None]:
    """Version and partitions of the cluster; None where it doesn't say."""
    return {
        "version": _answer("--version"),
        "partitions": _answer("--noheader", "--format=%P %a %l %D"),
    }


def _answer(*arguments: str) -> str | None:
    """What `sinfo` says on one line; None if it isn't there or fails."""
    if shutil.which("sinfo") is None:
        return None
    try:
        done = subprocess.run(
            ["sinfo", *arguments], capture_output=True, text=True, check=False, timeout=ASK_S
        )
    except subprocess.TimeoutExpired:
        return None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return "; ".join(lines) if done.returncode == 0 and lines else None
