"""Whether several processes train one run, by the variables of torch's launcher (stdlib only)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

RANK: Final = "RANK"
WORLD_SIZE: Final = "WORLD_SIZE"
VARIABLES: Final = (RANK, WORLD_SIZE, "LOCAL_RANK", "MASTER_PORT", "MASTER_ADDR")
"""Number of this process, of all, of this one on its machine; port and machine of the first."""


def several(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is one of several."""
    return environ.get(WORLD_SIZE, "1") != "1"
