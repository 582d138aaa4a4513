"""Dataclasses of the schema to plain JSON values and strictly back, and values from text.

Everything is driven by the schema's own types; bounds come from `Param`. This is the only place
that checks them, for what was typed and for what was frozen (stdlib only).
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin
from typing import get_type_hints as _type_hints

from can_train.config.schema import Param, Parent, RunConfig
from can_train.config.spec import specs
from can_train.errors import ConfigError, did_you_mean
from can_train.vocab import EXPERTS_OF_SCHEMA_1

_EXPERTS: Final = "experts"

JOIN: Final = "x"
"""Between the numbers of a tuple in text: `96x48`."""

_WHOLE: Final = re.compile(r"\s*[+-]?\d+(_\d+)*(\.0+)?\s*", re.ASCII)

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
T = TypeVar("T")


@cache
def hints_of(cls: Hashable) -> dict[str, Any]:
    """Annotated type of every field of a schema dataclass."""
    return _type_hints(cast(type, cls), include_extras=True)


def to_plain(value: object, annotation: object) -> Json:
    """`value` as JSON values; numbers of float fields become floats, whatever they were."""
    base, _ = unwrap(annotation)
    if _holds_any(base):
        return cast(Json, value)
    if value is None or isinstance(value, str | bool):
        return value
    if is_dataclass(value):
        hints = hints_of(cast(Hashable, type(value)))
        plain: dict[str, Json] = {}
        for item in fields(value):
            if isinstance(value, RunConfig) and item.name == _EXPERTS:
                plain |= dict.fromkeys(EXPERTS_OF_SCHEMA_1)
                plain |= {name: to_plain(parent, Parent) for name, parent in value.experts.items()}
                continue
            found = getattr(value, item.name)
            if not (_was_added(hints[item.name]) and found == _before(item, hints)):
                plain[item.name] = to_plain(found, hints[item.name])
        return plain
    if isinstance(value, tuple):
        return _listed(value, get_args(base)[0])
    if isinstance(value, Mapping):
        return {key: to_plain(item, get_args(base)[1]) for key, item in value.items()}
    if isinstance(value, int | float):
        return float(value) if base is float else value
    raise ConfigError(f"{value!r} can't be stored in a frozen config")


def _listed(items: tuple[object, ...], annotation: object) -> list[Json]:
    """The same of each item; in the longest tuples all are floats, and nothing is to be changed."""
    if annotation is float and all(type(item) is float for item in items):
        return cast(list[Json], list(items))
    return [to_plain(item, annotation) for item in items]


def from_plain(cls: type[T], raw: object, where: str) -> T:
    """A schema dataclass from JSON values.

    Args:
        cls: The dataclass.
        raw: What the JSON object gave; tuples are accepted for lists.
        where: Where it stands, for messages (`config.data`).

    Raises:
        ConfigError: A key is unknown or missing, or a value has another type or is out of bounds.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{where}: expected an object, got {raw!r}")
    if cls is RunConfig and _EXPERTS not in raw:
        raw = _gathered(raw)
    hints = hints_of(cast(Hashable, cls))
    names = [item.name for item in fields(cast(Any, cls))]
    for key in raw:
        if key not in names:
            raise ConfigError(f"{where}.{key}: unknown key{did_you_mean(str(key), names)}")
    added = {i.name: _before(i, hints) for i in fields(cast(Any, cls)) if _was_added(hints[i.name])}
    raw = {**added, **raw}
    for item in fields(cast(Any, cls)):
        if item.name not in raw:
            raise ConfigError(f"{where}.{item.name}: missing key ({_default_of(item)})")
    values: dict[str, object] = {}
    for name in names:
        annotation = hints[name]
        if cls is RunConfig and name == "architecture":
            annotation = _architecture(raw, where)
        if cls is RunConfig and name == _EXPERTS:
            values[name] = _experts(raw[name], where)
            continue
        values[name] = _value(annotation, raw[name], f"{where}.{name}")
    return cls(**values)


def _was_added(annotation: object) -> bool:
    """Whether a field came to schema version 1 later."""
    param = unwrap(annotation)[1]
    return param is not None and param.added


def _before(item: Any, hints: Mapping[str, Any]) -> object:
    """What held before a field was added, and where nothing is written."""
    param = unwrap(hints[item.name])[1]
    return item.default if param is None or param.before is None else param.before


def from_text(annotation: object, text: str, where: str = "value") -> object:
    """A value of the declared type from what was typed, with the same bounds as from JSON.

    Numbers are written as in Python (`1e-3`, `1_000`; a whole number also as `5.0`), tuples as
    `96x48`.

    Args:
        annotation: The declared type of a field.
        text: What was typed.
        where: Where it stands, for messages.

    Raises:
        ConfigError: It has another type, is empty or out of bounds.
    """
    base, param = unwrap(annotation)
    if not text.strip():
        raise ConfigError(f"{where}: empty. Allowed: {allowed_text(annotation)}")
    words = dict(param.words) if param is not None else {}
    if text in words:
        return words[text]
    if get_origin(base) is tuple:
        items = [_number(get_args(base)[0], item) for item in text.split(JOIN)]
        return _value(annotation, items, where)
    return _value(annotation, _number(base, text), where)


def unwrap(annotation: object) -> tuple[object, Param | None]:
    """The type inside `Annotated` and `| None`, and its constraints."""
    param = None
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        param = next((extra for extra in extras if isinstance(extra, Param)), None)
    members = _members(annotation)
    if len(members) == 2 and type(None) in members:
        inner, inner_param = unwrap(next(m for m in members if m is not type(None)))
        return inner, param or inner_param
    return annotation, param


def is_optional(annotation: object) -> bool:
    """Whether the field may be absent (None)."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return type(None) in _members(annotation)


def allowed_text(annotation: object) -> str:
    """What a value may be, in words: `a whole number, 1 to 100`, or the list of words."""
    base, param = unwrap(annotation)
    if get_origin(base) is Literal:
        return ", ".join(get_args(base))
    kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(
        cast(type, base), "a list"
    )
    bounds = []
    if get_origin(base) is tuple:
        kind = "whole numbers joined by x, such as 96x48, each"
    if param is not None:
        signs = ((">=", param.ge), (">", param.gt), ("<=", param.le), ("<", param.lt))
        bounds = [f"{sign} {_exact(bound)}" for sign, bound in signs if bound is not None]
        if param.unit:
            kind = f"{kind} of {param.unit}"
        if param.words:
            kind = f"{', '.join(dict(param.words))} or {kind}"
    return " ".join([kind, " and ".join(bounds)]).strip()


def _exact(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else repr(bound)


def in_bounds(value: float, param: Param) -> bool:
    """Whether a number satisfies the constraints of its parameter."""
    return (
        (isinstance(value, int) or math.isfinite(value))
        and (param.ge is None or value >= param.ge)
        and (param.gt is None or value > param.gt)
        and (param.le is None or value <= param.le)
        and (param.lt is None or value < param.lt)
    )


def _number(base: object, text: str) -> object:
    """The number or truth in `text`; `text` itself where none is wanted or there."""
    if base is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    try:
        if base is int and _WHOLE.fullmatch(text):
            return int(text.partition(".")[0])
        if base is float and text.isascii():
            return float(text)
    except ValueError:  # not a number, or one with thousands of digits
        pass
    return text


def _members(annotation: object) -> tuple[object, ...]:
    is_union = get_origin(annotation) in {Union, types.UnionType}
    return get_args(annotation) if is_union else ()


def _holds_any(base: object) -> bool:
    """Whether a field holds any JSON value (`Json`), the only union of several types."""
    return bool(_members(base))


def _architecture(raw: Mapping[str, object], where: str) -> type:
    spec = specs().get(str(raw["model"]))
    if spec is None:
        raise ConfigError(f"{where}.model: {raw['model']!r}. Allowed: {', '.join(specs())}")
    return spec.architecture


def _gathered(raw: Mapping[str, object]) -> dict[str, object]:
    """`raw` with the artifacts that the run builds on, each under a key of its own, in one place.

    The keys of schema version 1 are always there; those of other detectors only where built on.
    """
    gathered = {key: value for key, value in raw.items() if key not in specs()}
    found = {name: raw[name] for name in specs() if raw.get(name) is not None}
    if all(name in raw for name in EXPERTS_OF_SCHEMA_1):
        gathered[_EXPERTS] = found
    return gathered


def _experts(raw: object, where: str) -> dict[str, Parent]:
    found = cast(Mapping[str, object], raw)
    return {name: from_plain(Parent, item, f"{where}.{name}") for name, item in found.items()}


def _value(annotation: object, raw: object, where: str) -> object:
    base, param = unwrap(annotation)
    if raw is None and is_optional(annotation):
        return None
    if _holds_any(base):
        return raw
    if is_dataclass(base):
        return from_plain(cast(type, base), raw, where)
    if get_origin(base) is tuple:
        if not isinstance(raw, list | tuple):
            raise ConfigError(f"{where}: expected a list, got {raw!r}")
        item_type = Annotated[get_args(base)[0], param] if param else get_args(base)[0]
        return tuple(_value(item_type, item, where) for item in raw)
    if get_origin(base) is Mapping:
        if not isinstance(raw, Mapping):
            raise ConfigError(f"{where}: expected an object, got {raw!r}")
        return {key: _value(get_args(base)[1], raw[key], f"{where}.{key}") for key in raw}
    if not _fits(base, raw) or (
        param is not None and isinstance(raw, int | float) and not in_bounds(raw, param)
    ):
        raise ConfigError(f"{where}: {raw!r}. Allowed: {allowed_text(annotation)}")
    return float(cast(float, raw)) if base is float else raw


def _fits(base: object, raw: object) -> bool:
    if get_origin(base) is Literal:
        return raw in get_args(base)
    if isinstance(raw, bool):
        return base is bool
    if base is float:
        return isinstance(raw, int | float)
    return isinstance(raw, cast(type, get_origin(base) or base))


def _default_of(item: Any) -> str:
    return "it has no default" if item.default is MISSING else f"its default is {item.default!r}"
