"""Layer 2, first half: flags, request file and buckets put together into one text per name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from can_train.config.buckets import bucket_text, combinations, parse_bucket
from can_train.config.fields import SETTINGS, bucket_keys, option_of
from can_train.config.requests import PLAN_WORDS, STAGE_WORDS
from can_train.errors import ConfigError, did_you_mean

BUCKETS: Final = {"model_args": "--model-args", "slurm_args": "--slurm-args"}
SWITCHES: Final = ("auto_find_teacher", "allow_foreign_teacher", "use_kd", "smoke")
SMOKE: Final[Mapping[str, str]] = {"epochs": "2", "windows_per_side": "300", "augment": "off"}
"""What `--smoke` sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed: text by parameter name, and the switches.

    Attributes:
        text: Only what was given by flags, the two buckets among it; comma lists are one text.
        file: The request file, for messages; empty without one.
        file_text: What the request file gives; flags win.
        auto_find_teacher, allow_foreign_teacher, use_kd, smoke: Switches.
        one_stage: Whether the command trains a single stage (`train`).
    """

    text: Mapping[str, str]
    file: str = ""
    file_text: Mapping[str, str] = field(default_factory=dict)
    auto_find_teacher: bool = False
    allow_foreign_teacher: bool = False
    use_kd: bool = False
    smoke: bool = False
    one_stage: bool = False


@dataclass(slots=True, kw_only=True)
class Merged:
    """One text per name, whatever it came from.

    Attributes:
        text: Words and settings; comma lists are still one text.
        architecture: Of `--model-args`: `heads` or `gat.heads` to its text.
        origins: Where each name of both came from: a flag, a bucket, a file.
        problems: What is wrong, with the name that it concerns.
        warnings: What the user should be told.
    """

    text: dict[str, str]
    architecture: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, ConfigError]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def merge(typed: Typed) -> Merged:
    """Puts flags over the file, and takes the buckets apart."""
    merged = Merged(text={**typed.file_text, **typed.text})
    merged.origins = dict.fromkeys(typed.file_text, f"file {typed.file}")
    merged.origins |= {name: "flag" for name in typed.text}
    for bucket, option in BUCKETS.items():
        if bucket in merged.text:
            del merged.origins[bucket]
            _take_apart(option, merged.text.pop(bucket), merged)
    if typed.smoke:
        _smoke(merged)
    return merged


def expand(typed: Typed) -> tuple[Typed, ...]:
    """One `Typed` per point of the grid that bracketed lists in buckets span; usually one.

    A bucket that can't be read stays as it is: `merge` tells what is wrong.
    """
    whole = {**typed.file_text, **typed.text}
    axes: dict[str, dict[str, tuple[str, ...]]] = {}
    try:
        for bucket, option in BUCKETS.items():
            if bucket in whole:
                axes[bucket] = parse_bucket(option, whole[bucket])
    except ConfigError:
        return (typed,)
    flat = {f"{b} {k}": values for b, known in axes.items() for k, values in known.items()}
    if all(len(values) == 1 for values in flat.values()):
        return (typed,)
    points = []
    for point in combinations(flat):
        text = dict(typed.text)
        for bucket, known in axes.items():
            text[bucket] = bucket_text({key: point[f"{bucket} {key}"] for key in known})
        points.append(replace(typed, text=text))
    return tuple(points)


def with_file(typed: Typed, path: Path) -> Typed:
    """`typed` with what the request file gives below it.

    Raises:
        ConfigError: The file can't be read, or has unknown keys or values.
    """
    text, switches = read_request_file(path)
    return Typed(
        text=typed.text,
        file=str(path),
        file_text=text,
        auto_find_teacher=typed.auto_find_teacher or "auto_find_teacher" in switches,
        allow_foreign_teacher=typed.allow_foreign_teacher or "allow_foreign_teacher" in switches,
        use_kd=typed.use_kd or "use_kd" in switches,
        smoke=typed.smoke or "smoke" in switches,
        one_stage=typed.one_stage,
    )


def read_request_file(path: Path) -> tuple[dict[str, str], frozenset[str]]:
    """Text by parameter name, and the switches that are on, from a YAML or JSON request.

    Every scalar stays the text that stands in the file: `02:00:00` is a walltime, not 7200.

    Raises:
        ConfigError: The file can't be read, or has unknown keys or values.
    """
    return request_of(path, read_document("--config", path))


def request_of(
    path: Path, document: Mapping[object, object]
) -> tuple[dict[str, str], frozenset[str]]:
    """The same from a document that was read, or a part of one.

    Raises:
        ConfigError: It has unknown keys or values.
    """
    known = (*STAGE_WORDS, *PLAN_WORDS, *_flags(), *BUCKETS, *SWITCHES)
    text: dict[str, str] = {}
    switches = set()
    for key, value in document.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise ConfigError(f"{path}: unknown key {key}{did_you_mean(name, known) or '.'}")
        if name in text or name in switches:
            raise ConfigError(f"{path}: {name} is given twice")
        if name in SWITCHES:
            if value not in {"true", "false"}:
                raise ConfigError(f"{path}: {key}: {value} isn't allowed. Allowed: true, false")
            switches |= {name} if value == "true" else set()
        else:
            text[name] = _text(path, str(key), value, bucket=name in BUCKETS)
    return text, frozenset(switches)


def _flags() -> Iterator[str]:
    return (name for name, setting in SETTINGS.items() if setting.has_option)


def read_document(option: str, path: Path) -> dict[object, object]:
    """The keys of a YAML or JSON file; every scalar stays the text that stands in it.

    Args:
        option: The option that names it.
        path: The file.

    Raises:
        ConfigError: It can't be read, or holds no keys.
    """
    try:
        raw = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{option}: {path} can't be read ({error.strerror}). See the examples: "
            "can-train list-configs"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{option}: {path} isn't text ({error})") from error
    try:
        document = _parsed(path, raw)
    except ValueError as error:
        raise ConfigError(f"{option}: {path} isn't YAML or JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{option}: {path} holds no keys; one per option is expected")
    return document


def _parsed(path: Path, raw: str) -> object:
    if path.suffix == ".json":
        return json.loads(
            raw, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object
        )
    import yaml

    class Loader(yaml.BaseLoader):
        """Makes text only, no objects, and takes each key once."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            """A mapping whose keys differ."""
            _once(str(key.value) for key, _ in node.value)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(raw, Loader=Loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    _once(key for key, _ in pairs)
    return dict(pairs)


def _once(keys: Iterable[str]) -> None:
    """Refuses a key that is given twice: one of the two values would do nothing."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"{key} is given twice")
        seen.add(key)


def _text(path: Path, key: str, value: object, *, bucket: bool) -> str:
    if bucket and isinstance(value, dict):
        return ",".join(f"{name}={_bucket_item(path, key, v)}" for name, v in value.items())
    return ",".join(
        _scalar(path, key, item) for item in (value if isinstance(value, list) else [value])
    )


def _bucket_item(path: Path, key: str, value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(_scalar(path, key, item) for item in value)}]"
    return _scalar(path, key, value)


def _scalar(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{path}: {key}: {value!r} isn't a word, a number or a list of them")
    return value


def _take_apart(option: str, text: str, merged: Merged) -> None:
    """Puts the pairs of a bucket where flags are; a key that is a flag, too, is refused."""
    try:
        pairs = parse_bucket(option, text)
    except ConfigError as error:
        merged.problems.append((option, error))
        return
    known = bucket_keys(option)
    for key, values in pairs.items():
        if key not in known:
            unknown = ConfigError(
                f"{option}: {key} isn't known{did_you_mean(key, known) or '.'} "
                "Show what is: can-train config explain"
            )
            merged.problems.append((option, unknown))
        elif merged.origins.get(key) == "flag":
            twice = ConfigError(f"{option}: {key} is also given by {option_of(key)}. Give it once")
            merged.problems.append((key, twice))
        else:
            (merged.text if key in SETTINGS else merged.architecture)[key] = values[0]
            merged.origins[key] = option


def _smoke(merged: Merged) -> None:
    """A short trial; what was asked for otherwise is told."""
    for name, value in SMOKE.items():
        given = merged.text.get(name)
        if given not in {None, value}:
            merged.warnings.append(f"--smoke: {option_of(name)} is {value}, not {given}")
        merged.text[name] = value
        merged.origins[name] = "--smoke"
