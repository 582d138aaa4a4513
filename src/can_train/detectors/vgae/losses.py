"""Losses of the VGAE: its task, and its teacher's signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from can_train.detectors.vgae.network import VgaeOutput
from can_train.detectors.vgae.terms import VgaeLossWeights, weighted_terms
from can_train.distil.losses import LossTerms, TeacherSignal, hint_loss
from can_train.graphs.batch import ScaledGraphs

PARTS: Final = ("reconstruction", "id", "neighbour", "kl")
"""Terms of the task, in the order in which `weighted_terms` gives them."""


COUNTED: Final = ("nodes", "ids", "neighbours")
"""What they are means over: nodes, those with known IDs, and those of them next to a known ID."""

_MEAN_OVER: Final = dict(zip(PARTS, ("nodes", "ids", "neighbours", "nodes"), strict=True))


def counts(batch: ScaledGraphs) -> tuple[int, int, int]:
    """How many there are in `batch` of each of `COUNTED`."""
    known = batch.id_index > 0
    source, target = batch.edge_index
    beside = torch.zeros_like(known)
    beside[source[known[target]]] = True
    beside[target[known[source]]] = True
    return len(known), int(known.sum()), int((known & beside).sum())


def vgae_task_loss(
    output: VgaeOutput,
    batch: ScaledGraphs,
    weights: VgaeLossWeights,
    shares: Mapping[str, float] | None = None,
) -> LossTerms:
    """Reconstruction + weighted ID, neighbourhood and KL terms.

    Args:
        output: Of the VGAE in training mode.
        batch: The benign windows it was computed from.
        weights: Weights of the terms.
        shares: How much of a larger batch this one is, by what terms are means over; then the terms
            are those of this part, and those of all parts add up to the larger batch's.

    Returns:
        Parts `reconstruction` (mean over nodes and features), `id` and `neighbour` (mean over the
        nodes whose IDs are known, 0 when none is), `kl`.
    """
    if shares is None:
        total, terms = weighted_terms(output, batch, weights)
        parts = dict(zip(PARTS, terms, strict=True))
    else:
        of = {name: shares[_MEAN_OVER[name]] for name in PARTS}
        total, terms = weighted_terms(output, batch, weights.scaled(of))
        parts = {name: term * of[name] for name, term in zip(PARTS, terms, strict=True)}
    return LossTerms(total=total, task=total, parts=parts)


def vgae_distillation_loss(
    projected_mu: Tensor,
    teacher_mu: Tensor,
    student_reconstruction: Tensor,
    teacher_reconstruction: Tensor,
    *,
    latent_weight: float,
    reconstruction_weight: float,
) -> TeacherSignal:
    """The VGAE's two signals: latent means and what is reconstructed from them.

    MSE(P(mu_student), mu_teacher) and MSE(x_student, x_teacher). Samples never enter.

    Args:
        projected_mu: Student means through the projection [N, L of the teacher].
        teacher_mu: Teacher means [N, L of the teacher]; never receives a gradient.
        student_reconstruction: Decoded from the student's means [N, F].
        teacher_reconstruction: Decoded from the teacher's means [N, F], in the student's scale.
        latent_weight: Weight of the first signal.
        reconstruction_weight: Weight of the second.

    Returns:
        `loss` with parts `kd_latent` and `kd_reconstruction`; exactly 0 for equal inputs.

    Raises:
        ValueError: Shapes that have to be equal differ.
    """
    latent = hint_loss("latent means", projected_mu, teacher_mu)
    reconstruction = hint_loss("reconstructions", student_reconstruction, teacher_reconstruction)
    return TeacherSignal(
        loss=latent_weight * latent + reconstruction_weight * reconstruction,
        parts={"kd_latent": latent, "kd_reconstruction": reconstruction},
    )
