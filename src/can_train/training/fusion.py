"""What the fusion agent learns from: both experts' views of windows they weren't fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from can_train.data.store import GraphStore
from can_train.evaluation.scoring import (
    GatScores,
    VgaeScores,
    fusion_states,
    score_gat,
    score_vgae,
)
from can_train.runs.checkpoint import Artifact


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

    def with_blind_experts(self, generator: np.random.Generator) -> ExpertViews:
        """These windows, and each attack window twice more with one expert blind to it.

        A blind expert sees a benign window of the same set instead, and the statistics of latent
        and embedding are those of any window: how they look on an unknown attack can't be known,
        so the agent shall judge by errors and probabilities. On attacks of known kinds
        the GAT hardly errs, so without this the agent would never meet the case that fusion is
        for, an attack that one of the two doesn't know, and would follow the GAT alone (in the
        spirit of dropout: Srivastava et al., JMLR 15, 2014, applied to experts).
        """
        every = np.arange(len(self.label))
        attack, benign = np.flatnonzero(self.label == 1), np.flatnonzero(self.label == 0)
        if not len(attack) or not len(benign):
            return self
        blind_gat = generator.choice(benign, len(attack))
        blind_vgae = generator.choice(benign, len(attack))
        vgae_rows = np.concatenate([every, attack, blind_vgae])
        gat_rows = np.concatenate([every, blind_gat, attack])
        latent_rows, embedding_rows = vgae_rows.copy(), gat_rows.copy()
        added = slice(len(every), None)
        latent_rows[added] = generator.choice(every, 2 * len(attack))
        embedding_rows[added] = generator.choice(every, 2 * len(attack))
        return ExpertViews(
            vgae=VgaeScores(
                errors=self.vgae.errors[vgae_rows],
                error=self.vgae.error[vgae_rows],
                anomaly=self.vgae.anomaly[vgae_rows],
                latent=self.vgae.latent[latent_rows],
            ),
            gat=GatScores(
                p_attack=self.gat.p_attack[gat_rows], embedding=self.gat.embedding[embedding_rows]
            ),
            label=np.concatenate([self.label, np.ones(2 * len(attack), np.uint8)]),
        )
