"""One thread where several would only wait for each other.

Libraries that numpy, scipy and scikit-learn compute with start one per core. Their products and
loops are short here, and a thread that waits for the next one fills its core meanwhile.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


def one_thread() -> AbstractContextManager[object]:
    """In the block, all of them that are loaded have one thread."""
    limited: AbstractContextManager[object] = _libraries(len(sys.modules)).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Those that are loaded; looked for again (1 ms) when modules were loaded meanwhile."""
    return ThreadpoolController()
