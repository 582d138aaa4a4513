"""C99 for control units (stdlib only)."""

from __future__ import annotations

from typing import Final

from can_train.deploy.exporter import Exporter, ExportOption

EXPORTER: Final = Exporter(
    name="c",
    title="a folder of C99 for control units: static memory, no dependence but math.h",
    suffix="",
    write="can_train.deploy.c99.write:write",
    options=(
        ExportOption(
            name="quantize",
            choices=("int8",),
            help="store weights in eight bits, calibrated on a recording (--benign)",
        ),
        ExportOption(
            name="benign",
            metavar="FILE",
            help="recording without attacks that --quantize and the test vectors take",
        ),
        ExportOption(name="no_libm", help="need no math.h"),
    ),
    order=30,
)
