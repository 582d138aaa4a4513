"""What a dataset may be called: one rule, for whoever imports one and whoever names one."""

from __future__ import annotations

import re
from typing import Final

from can_train.runs.layout import LATEST

LONGEST_NAME: Final = 64
RESERVED: Final = (LATEST, "none", "auto", "plans")
"""Words that mean something else where a dataset could be named."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_RUN_ID: Final = re.compile(r"[0-9a-f]{12}(-\d+)?")


def name_problem(name: str) -> str:
    """Why a dataset can't be called `name`, and what is allowed; empty if it can."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        return (
            f"{name[: LONGEST_NAME + 1]!r} isn't a name. Allowed: letters, digits, . _ and -, a "
            f"letter or digit first, at most {LONGEST_NAME} in all"
        )
    if name.lower() in RESERVED:
        return f"{name} is reserved. Choose another name than {', '.join(RESERVED)}"
    if _RUN_ID.fullmatch(name):
        return f"{name} looks like the id of a run. Choose another name"
    return ""
