"""Whether memory ran out, whoever says so."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

import torch

_SAID: Final = (
    "out of memory",  # CUDA
    "can't allocate memory",  # torch's allocator on CPUs
    "cannot allocate memory",
    "cudnn_status_alloc_failed",
    "cublas_status_alloc_failed",
    "cusolver_status_alloc_failed",
    "std::bad_alloc",
)
"""What libraries say, in lower case, whose errors are mere RuntimeErrors."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out: of torch, numpy, numba or a mapped file."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _SAID)


def shortage_in(work: Callable[[], None]) -> str:
    """What was said when memory ran out during `work`; empty: it didn't.

    When this returns, nothing holds on to what the work had made any more.
    """
    try:
        work()
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return ""
