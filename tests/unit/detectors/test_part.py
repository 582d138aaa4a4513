"""Parts of a batch."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from can_train.detectors.part import BatchPlace


@given(windows=st.integers(0, 300), size=st.integers(1, 40))
def test_parts_are_the_batch_and_as_even_as_can_be(windows: int, size: int) -> None:
    batch = np.arange(windows)
    parts = [batch[BatchPlace(rank=rank, size=size).part(windows)] for rank in range(size)]
    assert np.concatenate(parts).tolist() == batch.tolist()
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert sizes[0] == max(sizes)
