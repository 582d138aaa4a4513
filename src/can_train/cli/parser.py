"""The argument parser with our error messages: what is wrong, what is allowed, what to type."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from can_train.errors import ConfigError, did_you_mean


class ChecksItself(argparse.Action):
    """An option whose empty value is refused later, with what is allowed."""


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, knows `--debug`, and raises `ConfigError` instead of exiting."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "allow_abbrev": False})
        self.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the traceback of an error",
        )

    def error(self, message: str) -> NoReturn:
        """Raises what argparse found wrong."""
        raise ConfigError(f"{message}. See: {self.prog} --help")

    def parse_known_args(  # type: ignore[override]  # argparse's overloads add nothing here
        self, args: Any = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As in argparse, but unknown options are an error here, where their names are known."""
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
        """As in argparse, but nobody means an empty text: it is a variable that isn't set."""
        mine = action.nargs != argparse.PARSER and not isinstance(action, ChecksItself)
        if mine and not all(text.strip() for text in arg_strings):
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            self.error(f"{name}: an empty value isn't allowed. Give one, or leave it out")
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            name = "/".join(action.option_strings) or "command"
            raise ConfigError(
                f"{self.prog}: {name}: {value} isn't known{did_you_mean(str(value), known) or '.'} "
                f"Allowed: {', '.join(known)}"
            )
