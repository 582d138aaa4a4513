"""Safety factors that are set by hand: `config/batch_size_factors.json` (stdlib only).

JSON with `//` comments, which no program writes. The file beside the launcher counts; where there
is none, the one that this package ships.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from can_train.errors import ConfigError, did_you_mean, raise_all
from can_train.runs.layout import home_dir

FILE: Final = "batch_size_factors.json"
_SHIPPED: Final = Path(__file__).with_name(FILE)
_KEYS: Final = ("default", "distillation", "datasets")
_TEXT_OR_COMMENT: Final = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSetFactors:
    """Shares of the largest batch that fits, in (0, 1].

    Attributes:
        path: Their file.
        default: For every dataset that isn't named.
        distillation: What a stage with a teacher multiplies its factor by.
        datasets: By dataset.
    """

    path: Path
    default: float
    distillation: float
    datasets: Mapping[str, float]


def factors_file() -> Path:
    """The file that counts."""
    mine = home_dir() / "config" / FILE
    return mine if mine.is_file() else _SHIPPED


def load_factors(path: Path | None = None) -> HandSetFactors:
    """The factors in `path`; absent: in `factors_file()`.

    Raises:
        ConfigError: It can't be read, isn't JSON with comments, or a factor isn't in (0, 1].
    """
    path = path or factors_file()
    raw = _read(path)
    datasets = raw["datasets"]
    if not isinstance(datasets, dict):
        raise ConfigError(f"{path}: datasets: {datasets!r}. Allowed: an object, name to factor")
    numbers = {"default": raw["default"], "distillation": raw["distillation"]}
    numbers |= {f"datasets.{name}": value for name, value in datasets.items()}
    raise_all([_wrong(path, key, value) for key, value in numbers.items() if not _is_share(value)])
    return HandSetFactors(
        path=path,
        default=float(raw["default"]),
        distillation=float(raw["distillation"]),
        datasets={name: float(value) for name, value in datasets.items()},
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(
            _TEXT_OR_COMMENT.sub(lambda found: found[1] or "", text), object_pairs_hook=_once
        )
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON with // comments ({error})") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected an object with {', '.join(_KEYS)}")
    unknown = [f"unknown key {key}{did_you_mean(key, _KEYS)}" for key in set(document) - {*_KEYS}]
    missing = [f"missing key {key}" for key in _KEYS if key not in document]
    if unknown or missing:
        raise ConfigError(f"{path}: {', '.join([*unknown, *missing])}")
    return document


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys differ: of two values for one name, one would do nothing."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


def _wrong(path: Path, key: str, value: object) -> ConfigError:
    return ConfigError(f"{path}: {key}: {value!r}. Allowed: a number > 0 and <= 1")
