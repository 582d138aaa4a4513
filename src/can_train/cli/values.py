"""What the value of an option may be: paths by kind, numbers by range (stdlib only).

Each is a converter of argparse, and says what it is, so that tests know what it has to refuse.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from can_train.config.codec import allowed_text, from_text
from can_train.config.dataset_name import name_problem
from can_train.config.fields import SETTINGS
from can_train.errors import ConfigError

LONGEST: Final = 4096
"""Bytes of a value: as many as a path may have on Linux."""

_MOST_DIGITS: Final = 18
"""Of a whole number: more are read by nobody, and slowly."""


def value_problem(text: str) -> str:
    """What no value of any option may hold; empty if it holds nothing of that."""
    if not text.strip():
        return "an empty value isn't allowed. Give one, or leave it out"
    if any(ord(c) < ord(" ") or ord("\x7f") <= ord(c) <= ord("\x9f") for c in text):
        return f"{ascii(text[:40])} holds control characters. Give a value without them"
    size = len(text.encode(errors="surrogateescape"))
    if size > LONGEST:
        return f"{size:,} bytes are too many. Allowed: at most {LONGEST:,}"
    return ""


def file_path(text: str) -> Path:
    """A file, whether it exists or not."""
    if Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder. Give a file")
    return Path(text)


def file_text(text: str) -> str:
    """The same as it was typed, for options that also take words."""
    file_path(text)
    return text


def folder_path(text: str) -> Path:
    """A folder, whether it exists or not."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a file. Give a folder")
    return path


def file_or_folder(text: str) -> Path:
    """Either of them."""
    return Path(text)


def dataset_name(text: str) -> str:
    """What a dataset may be called."""
    problem = name_problem(text)
    if problem:
        raise argparse.ArgumentTypeError(problem)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeNumber:
    """A whole number in a range.

    Attributes:
        least, most: Both are allowed.
    """

    least: int
    most: int

    def __call__(self, text: str) -> int:
        """The number.

        Raises:
            argparse.ArgumentTypeError: It is none, or out of range.
        """
        digits = text.removeprefix("-")
        readable = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
        if not readable or not self.least <= int(text) <= self.most:
            raise argparse.ArgumentTypeError(
                f"{text} isn't allowed. Allowed: a whole number from {self.least} to {self.most}"
            )
        return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in a range.

    Attributes:
        least, most: Both are allowed.
    """

    least: float
    most: float

    def __call__(self, text: str) -> float:
        """The number.

        Raises:
            argparse.ArgumentTypeError: It is none, or out of range.
        """
        try:
            number = float(text) if text.isascii() else math.nan
        except ValueError:
            number = math.nan
        if not self.least <= number <= self.most:
            raise argparse.ArgumentTypeError(
                f"{text} isn't allowed. Allowed: a number from {self.least:g} to {self.most:g}"
            )
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Number):
    """Seconds in a range; `s` or `min` may stand behind the number."""

    def __call__(self, text: str) -> float:
        """The seconds.

        Raises:
            argparse.ArgumentTypeError: It is no such time, or out of range.
        """
        number = text.removesuffix("min")
        if number != text:
            return 60 * Number(least=self.least / 60, most=self.most / 60)(number)
        return Number(least=self.least, most=self.most)(text.removesuffix("s"))


@dataclass(frozen=True, slots=True)
class SettingValue:
    """What the schema allows for one of its settings.

    Attributes:
        name: The setting.
    """

    name: str

    def __call__(self, text: str) -> Any:
        """The value.

        Raises:
            argparse.ArgumentTypeError: It isn't allowed.
        """
        annotation = SETTINGS[self.name].annotation
        try:
            return from_text(annotation, text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(
                f"{text} isn't allowed. Allowed: {allowed_text(annotation)}"
            ) from error
