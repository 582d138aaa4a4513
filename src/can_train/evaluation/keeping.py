"""Keeps an earlier evaluation beside a new one that doesn't hold all of its figures."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from can_train.errors import ArtifactError
from can_train.files import SEAL, SHORT_HASH, sha256_of, unsealed

logger = logging.getLogger("can_train")

_CHANGED: Final = "the test files or this program changed in between"


def keep_earlier(json_path: Path, csv_path: Path, text: str) -> None:
    """Puts an earlier result aside under its own hash, and tells it, unless nothing of it is lost.

    Args:
        json_path, csv_path: Where the new result goes.
        text: The new `evaluation.json`.
    """
    if not json_path.is_file() or json_path.read_bytes() == text.encode():
        return
    why = _what_is_lost(json_path, text)
    if not why:
        return
    name = f"{json_path.stem}.{sha256_of(json_path)[:SHORT_HASH]}"
    for path in (json_path, csv_path):
        if path.is_file():
            path.replace(path.with_name(name + path.suffix))
    logger.warning(
        "%s: other figures than before, which are kept as %s: %s",
        json_path,
        json_path.with_name(f"{name}.json").name,
        why,
    )


def _what_is_lost(json_path: Path, text: str) -> str:
    """Why the earlier result isn't part of the new one; empty: it is."""
    new = json.loads(text)
    try:
        old = unsealed(json_path, json.loads(json_path.read_text(encoding="utf-8")))
        if _without_others(old) != _without_others(new):
            return _CHANGED
        before, now = _others(old), _others(new)
    except (ArtifactError, ValueError, KeyError, TypeError, AttributeError):
        return _CHANGED
    changed = [name for name, rows in before.items() if now.get(name, rows) != rows]
    gone = [name for name in before if name not in now]
    reasons = [f"{', '.join(changed)} changed in between"] if changed else []
    reasons += [f"no --detector {','.join(gone)} this time"] if gone else []
    return "; ".join(reasons)


def _without_others(document: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but detectors of others, and the seal."""
    kept = {k: v for k, v in document.items() if k not in {"rows", "detectors", SEAL}}
    return {**kept, "rows": [row for row in document["rows"] if row["kind"] != "other"]}


def _others(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Rows of each detector of others."""
    found: dict[str, list[Any]] = {}
    for row in document["rows"]:
        if row["kind"] == "other":
            found.setdefault(row["scorer"], []).append(row)
    return found
