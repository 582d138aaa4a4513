"""`--model-args` and `--slurm-args`: `key=value` pairs whose bracketed lists are sweep axes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from can_train.errors import ConfigError

OPEN: Final = "["
CLOSE: Final = "]"


def parse_bucket(option: str, text: str) -> dict[str, tuple[str, ...]]:
    """The values of every key; several where a bracketed list was given.

    Args:
        option: Its option, for messages: `--model-args`.
        text: Such as `learning_rate=[0.001,0.003],batch_size=64`.

    Raises:
        ConfigError: A pair without `=`, without a key or value, brackets that don't match, or a
            key that is given twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for pair in _pairs(option, text):
        key, equals, value = (part.strip() for part in pair.partition("="))
        name = key.replace("-", "_")
        if not equals or not name or not value:
            raise ConfigError(
                f"{option}: {pair or 'an empty pair'} isn't key=value. {_USE[option]}"
            )
        if name in found:
            raise ConfigError(f"{option}: {name} is given twice. Give it once, or as a [list]")
        found[name] = _values(option, name, value)
    return found


def combinations(axes: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Every combination of one value per key, the last key fastest."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def bucket_text(values: Mapping[str, str]) -> str:
    """The text that `parse_bucket` reads as `values`."""
    return ",".join(f"{key}={value}" for key, value in values.items())


_USE: Final = {
    "--model-args": 'Use for example: --model-args "learning_rate=[0.001,0.003],batch_size=64"',
    "--slurm-args": 'Use for example: --slurm-args "memory=32G,walltime=02:00:00"',
}


def _pairs(option: str, text: str) -> Iterator[str]:
    """Text between commas that aren't inside brackets."""
    begin = depth = 0
    for index, letter in enumerate(text):
        depth += (letter == OPEN) - (letter == CLOSE)
        if depth not in {0, 1}:
            break
        if letter == "," and depth == 0:
            yield text[begin:index].strip()
            begin = index + 1
    if depth:
        raise ConfigError(f"{option}: the brackets in {text} don't match. {_USE[option]}")
    yield text[begin:].strip()


def _values(option: str, name: str, value: str) -> tuple[str, ...]:
    if not value.startswith(OPEN):
        if OPEN in value or CLOSE in value:
            raise ConfigError(f"{option}: {name}={value}: a list begins with [ and ends with ]")
        return (value,)
    items = tuple(item.strip() for item in value[1:-1].split(","))
    if not value.endswith(CLOSE) or not all(items):
        raise ConfigError(f"{option}: {name}={value}: a list is [a,b,…] without empty items")
    if len(set(items)) < len(items):
        raise ConfigError(f"{option}: {name}={value}: the list holds a value twice")
    return items
