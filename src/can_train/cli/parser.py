"""The argument parser with our error messages: what is wrong, what is allowed, what to type."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from can_train.cli.values import value_problem
from can_train.errors import ConfigError, did_you_mean


class Once(argparse.Action):
    """Stores a value, and refuses a second one: one of the two would do nothing."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Takes the value, unless the option, or another spelling of it, was there before."""
        if option_string is not None and isinstance(parser, Parser):
            parser.take(self.dest, option_string, values)
        setattr(namespace, self.dest, values)


class ChecksItself(Once):
    """An option whose empty value is refused later, with what is allowed."""


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, knows `--debug`, and raises `ConfigError` instead of exiting."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "allow_abbrev": False})
        for action in (None, "store"):
            self.register("action", action, Once)
        self._taken: dict[str, tuple[str, Any]] = {}
        self.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the traceback of an error",
        )

    def error(self, message: str) -> NoReturn:
        """Raises what argparse found wrong."""
        raise ConfigError(f"{message.removeprefix('argument ')}. See: {self.prog} --help")

    def take(self, name: str, option: str, value: Any) -> None:
        """Notes that an option was given.

        Args:
            name: Where its value goes.
            option: How it was spelled.
            value: What was given.

        Raises:
            ConfigError: It was given before.
        """
        if name in self._taken:
            first, before = self._taken[name]
            self.error(f"{option} {value}: {first} is already {before}; give it once")
        self._taken[name] = (option, value)

    def parse_known_args(  # type: ignore[override]  # argparse's overloads add nothing here
        self, args: Any = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As in argparse, but unknown options are an error here, where their names are known."""
        self._taken = {}
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            raise self.unknown(unknown)
        return found, unknown

    def unknown(self, words: list[str]) -> ConfigError:
        """Error for options that this command doesn't have."""
        options = sorted(
            {
                name
                for action in self._actions
                if action.help != argparse.SUPPRESS
                for name in action.option_strings
            }
        )
        first = words[0].partition("=")[0]
        return ConfigError(
            f"{self.prog}: {first} isn't known{did_you_mean(first, options) or '.'} "
            f"See: {self.prog} --help"
        )

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """As in argparse, without what nobody means: an empty text is a variable that isn't set."""
        if action.nargs != argparse.PARSER:
            for text in arg_strings:
                if text or not isinstance(action, ChecksItself):
                    self._check_text(action, text)
        return super()._get_values(action, arg_strings)

    def _check_text(self, action: argparse.Action, text: str) -> None:
        problem = value_problem(text)
        if problem:
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            self.error(f"{name}: {problem}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            name = "/".join(action.option_strings) or "command"
            raise ConfigError(
                f"{self.prog}: {name}: {value} isn't known{did_you_mean(str(value), known) or '.'} "
                f"Allowed: {', '.join(known)}"
            )
