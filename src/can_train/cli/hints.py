"""Hints in messages: the commands that they name get the folders that were typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

ROOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "data": (
        "data prepare", "data inspect", "data list", "data export", "data synth",
        "train", "pipeline", "campaign", "sweep train", "sweep pipeline", "sweep reproduce",
        "sweep resume", "sweep retry-failed", "sweep results", "validate",
        "demo", "evaluate", "compare", "report", "rm", "env", "teachers find", "teachers add",
        "batch-size explain",
    ),
    "experiment": (
        "train", "pipeline", "campaign", "sweep train", "sweep pipeline", "sweep status",
        "sweep resume", "sweep retry-failed", "sweep cancel", "sweep results", "sweep best",
        "sweep reproduce",
        "validate", "demo", "status", "logs", "cancel", "resume", "rm",
        "evaluate", "score", "compare", "report", "export", "detect", "serve", "config diff",
        "env",
        "teachers find", "teachers add", "mlflow sync", "mlflow ui",
        "batch-size explain", "batch-size history", "batch-size reset", "batch-size export",
    ),
    "teacher": (
        "train", "pipeline", "campaign", "sweep train", "sweep pipeline", "sweep reproduce",
        "validate", "demo", "env", "teachers list", "teachers show",
        "teachers find", "teachers add",
    ),
}  # fmt: skip
"""Commands that take the folder, by its name."""

_GROUPS: Final = "batch-size|config|data|mlflow|sweep|teachers"
_COMMAND: Final = re.compile(rf"\bcan-train ((?:{_GROUPS}) [a-z-]+|[a-z]+)")


def with_roots(message: str, given: Mapping[str, object]) -> str:
    """A message whose hints work where it was raised.

    Args:
        message: What is said.
        given: What was typed; `data_root` and so on are looked for.

    Returns:
        The message with `--data-root` and so on behind each command that takes it, unless it
        names that folder itself.
    """
    typed = {name: given.get(f"{name}_root") for name in ROOTS}
    options = {
        name: f" --{name}-root {shlex.quote(str(folder))}"
        for name, folder in typed.items()
        if folder is not None and f"--{name}-root" not in message
    }

    def completed(found: re.Match[str]) -> str:
        mine = (text for name, text in options.items() if found[1] in ROOTS[name])
        return found[0] + "".join(mine)

    return _COMMAND.sub(completed, message)
