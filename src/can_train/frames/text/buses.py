"""On which bus each frame came, where a text tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.text.lines import NO_BUS, bus_name

MOST_BUSES: Final = 256
"""Their indices are bytes; a text with more names has none of buses in that place."""


@dataclass(slots=True, kw_only=True)
class Buses:
    """Buses of the frames so far.

    Attributes:
        index: Room for the bus of each frame [N], uint8.
        known: Index of each bus by its word, in order of first appearance.
    """

    index: NDArray[np.uint8]
    known: dict[int, int] = field(default_factory=dict)

    def add(self, begin: int, words: NDArray[np.uint64]) -> None:
        """Notes the buses of frames.

        Args:
            begin: Number of the first of them.
            words: Their buses (`bus_word`) [M], M above 0.
        """
        room = self.index[begin : begin + len(words)]
        if (words == words[0]).all():
            room[:] = self._index_of(int(words[0]))
            return
        distinct, first, inverse = np.unique(words, return_index=True, return_inverse=True)
        indices = np.zeros(len(distinct), np.uint8)
        for k in np.argsort(first):
            indices[k] = self._index_of(int(distinct[k]))
        room[:] = indices[inverse]

    def _index_of(self, word: int) -> int:
        return min(self.known.setdefault(word, len(self.known)), MOST_BUSES - 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each index; none where no line tells a bus."""
        if set(self.known) <= {int(NO_BUS)}:
            return ()
        return tuple(bus_name(word) for word in self.known)[:MOST_BUSES]
