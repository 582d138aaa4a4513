"""One thread where several would only wait for each other.

Libraries that numpy, scipy and scikit-learn compute with start one per core. Their products and
loops are short here, and a thread that waits for the next one fills its core meanwhile.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def one_thread() -> threadpool_limits:
    """In the block, all of them that are loaded have one thread."""
    return threadpool_limits(limits=1)
