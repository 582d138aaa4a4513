"""In which precision training multiplies matrices; everything else is computed in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from can_train.detectors.linear import rounded_products
from can_train.errors import ConfigError
from can_train.vocab import Precision

INSTRUCTIONS: Final = ("avx512_bf16", "amx_bf16")
"""Without one of them products in bfloat16 would be slower, if they were made at all."""


def require(precision: Precision) -> None:
    """Refuses what this machine can't do.

    Raises:
        ConfigError: It trains on a GPU, or its CPU has no instructions for it.
    """
    if precision == "float32":
        return
    if torch.cuda.is_available():
        raise ConfigError(
            "precision: bfloat16 is for CPUs, and this run would train on a GPU. Use: "
            "--precision float32"
        )
    known = torch.cpu.get_capabilities()
    if not any(known.get(name) for name in INSTRUCTIONS):
        raise ConfigError(
            f"precision: the CPU {known.get('cpu_name', '')} can't multiply in bfloat16 (it has "
            f"neither {' nor '.join(INSTRUCTIONS)}). Use: --precision float32"
        )


@contextmanager
def products_in(precision: Precision) -> Iterator[None]:
    """Matrix products of the networks in this precision, sums in float32, as long as it lasts.

    The factors are rounded to bfloat16 (8 bits of mantissa); the weights stay float32. Validation
    is a part of training, calibration and evaluation aren't.
    """
    with rounded_products(precision == "bfloat16"):
        yield
