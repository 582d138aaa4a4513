"""Where a plan runs: the executor that was chosen, and the options that only it takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Final

from can_train.cli.values import WholeNumber, file_path
from can_train.errors import ConfigError
from can_train.jobs.executor import (
    HERE,
    Executor,
    ExecutorOption,
    executor_called,
    executors,
)

LARGEST: Final = 1_000_000
"""Largest number that an option of an executor takes."""

_FILE: Final = "FILE"


def add_executor_choice(group: argparse._ArgumentGroup) -> None:
    """Adds the options that choose an executor."""
    for executor in executors().values():
        if executor.flag:
            group.add_argument(
                executor.flag,
                dest="places",
                action="append_const",
                const=executor.name,
                default=argparse.SUPPRESS,
                help=executor.help,
            )
    group.add_argument(
        "--executor",
        dest="places",
        action="append",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help=f"the same by name: {', '.join(executors())}",
    )


def add_executor_options(group: argparse._ArgumentGroup) -> None:
    """Adds the options that executors take."""
    for executor in executors().values():
        for option in executor.options:
            group.add_argument(
                option.flag,
                metavar=option.metavar,
                type=_kind(option),
                default=argparse.SUPPRESS,
                help=option.help,
            )


def chosen_executor(args: argparse.Namespace, usual: str = HERE) -> Executor:
    """The executor that was chosen, with its options.

    Args:
        args: What was typed.
        usual: Name of the executor where nothing says which.

    Raises:
        ConfigError: An option has no effect, or stands beside one that excludes it.
        PreflightError: Nobody should train on this machine unasked.
    """
    places: list[str] = list(dict.fromkeys(vars(args).get("places", [])))
    chosen = [executor_called(name) for name in places]
    if len(chosen) > 1:
        listed = ", ".join(executor.choice for executor in chosen)
        raise ConfigError(f"{listed}: a plan runs in one place. Use one of them")
    executor = chosen[0] if chosen else executor_called(usual)
    if "json" in args and not executor.waits:
        raise ConfigError(f"{executor.choice}, --json: scripts are shown as text. Use one of them")
    _check_options(args, executor)
    if executor.waits and not chosen and not {"smoke", "dry_run"} & set(vars(args)):
        for other in executors().values():
            other.check_here()
    given = {o.name: vars(args)[o.name] for o in executor.options if o.name in args}
    return executor.with_options(given)


def _check_options(args: argparse.Namespace, chosen: Executor) -> None:
    """Refuses options of other executors: they would do nothing."""
    for executor in executors().values():
        for option in executor.options:
            if executor.name != chosen.name and option.name in args:
                raise ConfigError(
                    f"{option.flag}: has no effect without {executor.choice}. "
                    f"Use: {executor.choice} {option.flag}"
                )


def _kind(option: ExecutorOption) -> Callable[[str], Any]:
    """Converter for its values."""
    if option.least is not None:
        return WholeNumber(least=option.least, most=LARGEST)
    return file_path if option.metavar == _FILE else str
