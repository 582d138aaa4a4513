"""Dense numbers of IDs, against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.graphs.slots import IdSlots


@pytest.mark.parametrize("extended", [0, 5, 3000])
def test_ids_are_numbered_in_order_of_first_appearance(extended: int) -> None:
    rng = np.random.default_rng(extended)
    known = np.concatenate(
        [rng.choice(2048, 200, replace=False), 0x8000_0000 | rng.integers(0, 1 << 29, extended)]
    ).astype(np.uint32)
    ids = rng.choice(known, 20_000)
    numbers: dict[int, int] = {}
    expected = [numbers.setdefault(i, len(numbers)) for i in ids.tolist()]
    slots = IdSlots()
    found = [slots.assign(part) for part in np.split(ids, [0, 1, 700, 701, 9000])]
    assert np.concatenate(found).tolist() == expected
    assert slots.count == len(numbers)
