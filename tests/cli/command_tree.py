"""Every argument of every command, from the real parser: what is added is found here."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from can_train.cli.main import build_parser
from can_train.config.fields import SETTINGS, option_of
from can_train.config.requests import PLAN_WORDS, STAGE_WORDS
from can_train.config.typed import BUCKETS

PLANNED = ["--modality", "automotive", "--dataset", "car", "--model", "gat"]
"""A request that train and validate take."""

GRID = ["--grid", "seed=1,2"]
"""What a sweep needs beside it."""

PLANNING = {option_of(name) for name in (*SETTINGS, *STAGE_WORDS, *PLAN_WORDS, *BUCKETS)}
"""Options that these share with `train`."""

_LIKE_TRAIN = {("pipeline",), ("validate",), ("config", "explain"), ("batch-size", "explain")}
_PLANS = {("train",), ("pipeline",), ("validate",), ("sweep", "train"), ("sweep", "pipeline")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of one command that takes a value."""

    path: tuple[str, ...]
    action: argparse.Action

    @property
    def name(self) -> str:
        """Its option, or how a positional one is called."""
        return (*self.action.option_strings, str(self.action.metavar or self.action.dest))[0]

    @property
    def id(self) -> str:
        return " ".join((*self.path, self.name))

    def words(self, text: str) -> list[str]:
        """A command line that gives it that value, and everything else that has to be there."""
        if not self.action.option_strings:
            return [*self.path, *required_of(self.path, {self.action.dest: text})]
        joined = [f"{self.name}={text}"]  # a value may begin with a minus
        return [*self.path, *required_of(self.path, leave_out=self.action.dest), *joined]


def arguments() -> Iterator[Argument]:
    """All that take a value; those that commands share once for each of them."""
    for path, parser in parsers(build_parser(), ()):
        for action in parser._actions:
            if action.nargs != 0 and action.help != argparse.SUPPRESS:
                found = Argument(path=path, action=action)
                if found.name not in PLANNING or path not in _LIKE_TRAIN:
                    yield found


@cache
def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    return build_parser(command)


def parsers(
    parser: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """The parser of each command that does something, with the words that lead to it."""
    subs = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not subs:
        yield path, parser
    for action in subs:
        for name, each in action.choices.items():
            yield from parsers(each, (*path, name))


def required_of(
    path: tuple[str, ...], given: dict[str, str] | None = None, leave_out: str = ""
) -> list[str]:
    """Something for each argument that has to be there."""
    if path in _PLANS:
        planned = [*PLANNED, *(GRID if path[0] == "sweep" else ())]
        pairs = zip(planned[::2], planned[1::2], strict=True)
        return [w for o, v in pairs if option_of(leave_out) != o for w in (o, v)]
    given = given or {}
    (parser,) = (each for found, each in parsers(parser_of(path[0]), ()) if found == path)
    words: list[str] = []
    for action in parser._actions:
        if action.dest == leave_out:
            continue
        if action.option_strings and action.required:
            words += [action.option_strings[0], _any(action)]
        elif not action.option_strings and (action.nargs not in {"?", "*"} or action.dest in given):
            words.append(given.get(action.dest, _any(action)))
    return words


def _any(action: argparse.Action) -> str:
    return str(next(iter(action.choices))) if action.choices else "x"
