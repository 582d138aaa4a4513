"""The form of a detector that is evaluated here without being part of can-train."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.baselines.recording import UnlabelledRecording


class BenignDetector(Protocol):
    """A class whose objects learn benign traffic; it is called without arguments.

    `name` (text) and `needs_labels` (bool) may stand in the class: what it is called in tables,
    and whether it is a `LabelledDetector`.
    """

    def fit(self, recordings: Sequence[UnlabelledRecording], /) -> object:
        """Learns; what it gives back isn't looked at.

        Args:
            recordings: Stretches of benign traffic on the training side of the split, none of
                them shorter than a window.
        """

    def score(self, recording: UnlabelledRecording, /) -> ArrayLike:
        """How suspicious a recording is, throughout.

        Args:
            recording: One that may hold attacks, from its beginning.

        Returns:
            A finite number per frame [F] or per window [B], higher is more suspicious. That of a
            window is the largest of its frames. A threshold isn't asked for: it comes from
            held-out benign traffic, by the rule that all others have.
        """


class LabelledDetector(Protocol):
    """The same for detectors that learn from attacks; `needs_labels = True` stands in the class."""

    needs_labels: bool

    def fit(
        self, recordings: Sequence[UnlabelledRecording], labels: Sequence[NDArray[np.uint8]], /
    ) -> object:
        """Learns; what it gives back isn't looked at.

        Args:
            recordings: Stretches on the training side of the split, with and without attacks.
            labels: 1 for attack frames, 0 for others; for each recording [F], uint8.
        """

    def score(self, recording: UnlabelledRecording, /) -> ArrayLike:
        """As of a `BenignDetector`."""


OtherDetector: TypeAlias = BenignDetector | LabelledDetector
