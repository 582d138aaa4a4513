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
            help="store the weights of matrices in eight bits, with a unit for each output",
        ),
        ExportOption(
            name="small",
            help="for little memory: a fusion's classifier alone, 40 nodes, no vehicle profiles",
        ),
    ),
    order=30,
)
