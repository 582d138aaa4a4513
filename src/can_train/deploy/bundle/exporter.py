"""The bundle: one file that is the whole detector (stdlib only)."""

from __future__ import annotations

from typing import Final

from can_train.deploy.exporter import Exporter

EXPORTER: Final = Exporter(
    name="bundle",
    title="one file that score, detect and Python take as they take the run",
    suffix=".cantrain",
    write="can_train.deploy.bundle.write:write",
    order=10,
)
