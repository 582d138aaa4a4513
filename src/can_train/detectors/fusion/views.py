"""What the fusion agent learns from: both experts' views of windows they weren't fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.base import Artifact
from can_train.detectors.scoring import (
    GatScores,
    VgaeScores,
    fusion_states,
    score_gat,
    score_vgae,
)
from can_train.graphs.store import GraphStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpertViews:
    """B windows as seen by a VGAE and a GAT.

    Attributes:
        vgae: The VGAE's scores.
        gat: The GAT's scores.
        label: 1 for attack windows [B], uint8.
    """

    vgae: VgaeScores
    gat: GatScores
    label: NDArray[np.uint8]

    @classmethod
    def of(
        cls, store: GraphStore, parents: dict[str, Artifact], windows: NDArray[np.int64]
    ) -> ExpertViews:
        """Views of `windows` by the experts `vgae` and `gat` among `parents`."""
        return cls(
            vgae=score_vgae(parents["vgae"], store, windows),
            gat=score_gat(parents["gat"], store, windows),
            label=store.label[windows],
        )

    @property
    def states(self) -> NDArray[np.float64]:
        """Fusion states [B, 15], float64."""
        return fusion_states(self.vgae, self.gat)

    @property
    def anomaly(self) -> NDArray[np.float64]:
        """Anomaly scores [B], float64."""
        return self.vgae.anomaly

    @property
    def p_attack(self) -> NDArray[np.float64]:
        """Attack probabilities [B], float64."""
        return self.gat.p_attack
