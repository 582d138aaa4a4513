"""Markdown from values: tables, code, and the types and fields of dataclasses."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from can_train.config.schema import Param

NOTE: Final = "*Made by `make reference` from the program itself: change that, not this page.*"

_WORDS: Final[dict[object, str]] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    type(None): "null",
}
_ATTRIBUTE: Final = re.compile(r"^    (\w+(?:, \w+)*): (.*(?:\n(?:      .*))*)", re.MULTILINE)


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", NOTE, *parts]) + "\n"


def code(text: str) -> str:
    """`text` as code in a cell."""
    return f"`{text}`" if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; line breaks and bars in cells are taken out of its way."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def first_paragraph(thing: object) -> str:
    """What the docstring of `thing` says first, as one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def fields_table(cls: type) -> str:
    """Name, type and meaning of every field of a dataclass."""
    hints, meanings = get_type_hints(cls, include_extras=True), _attributes(cls)
    rows = []
    for item in fields(cls):
        annotation = hints[item.name]
        meaning = _help(annotation) or meanings.get(item.name, "")
        rows.append((code(item.name), type_text(annotation), meaning))
    if not any(meaning for _, _, meaning in rows):
        return table(("field", "type"), (row[:2] for row in rows))
    return table(("field", "type", "meaning"), rows)


def nested(cls: type) -> Iterator[type]:
    """Dataclasses with fields that occur in the fields of `cls`, each once, in their order."""
    seen: dict[type, None] = {}
    waiting = [cls]
    while waiting:
        hints = get_type_hints(waiting.pop(0), include_extras=True)
        for found in (inner for hint in hints.values() for inner in _dataclasses(hint)):
            if found not in seen and fields(found):
                seen[found] = None
                waiting.append(found)
    yield from seen


def type_text(annotation: object) -> str:
    """A type in words of JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return ", ".join(code(str(word)) for word in arguments)
    if origin in {Union, types.UnionType} and any(get_origin(item) is dict for item in arguments):
        return "any"  # a JSON value
    if origin in {Union, types.UnionType}:
        return " or ".join(type_text(item) for item in arguments)
    if origin is tuple:
        return f"list of {type_text(arguments[0])}"
    if origin in {dict, Mapping}:
        return f"object of {type_text(arguments[1])}"
    if isinstance(annotation, type) and is_dataclass(annotation):
        return f"object: {annotation.__name__}"
    return _WORDS.get(annotation, "any")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _help(annotation: Any) -> str:
    params = [item for item in get_args(annotation) if isinstance(item, Param)]
    return params[0].help if get_origin(annotation) is Annotated and params else ""


def _attributes(cls: type) -> dict[str, str]:
    """The `Attributes:` of a docstring; `a, b: text` stands for both."""
    _, _, text = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    for names, meaning in _ATTRIBUTE.findall(text):
        prefix = f"{names}: " if ", " in names else ""
        found |= dict.fromkeys(names.split(", "), prefix + " ".join(meaning.split()))
    return found


def _dataclasses(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type) and is_dataclass(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _dataclasses(inner)
