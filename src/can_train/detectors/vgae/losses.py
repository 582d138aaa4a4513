"""Losses of the VGAE: its task, and its teacher's signal."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from can_train.detectors.vgae.errors import node_errors
from can_train.detectors.vgae.network import VgaeOutput
from can_train.distil.losses import LossTerms, TeacherSignal, hint_loss
from can_train.graphs.batch import ScaledGraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeLossWeights:
    """Weights of the VGAE's terms beside the reconstruction, whose weight is 1."""

    id: float
    neighbour: float
    kl: float


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""KL of the latent's Gaussian from the standard normal, mean over nodes and channels.

    .. math:: -\tfrac12 \, \mathrm{mean}(1 + \log\sigma^2 - \mu^2 - \sigma^2)

    Kingma & Welling, "Auto-Encoding Variational Bayes", 2014, appendix B. The mean over the
    channels, not their sum, keeps its weight comparable between latents of different width.

    Args:
        mu: Means [N, L].
        logvar: Log-variances [N, L].
    """
    return -0.5 * (1.0 + logvar - mu.square() - logvar.exp()).mean()


def vgae_task_loss(output: VgaeOutput, batch: ScaledGraphs, weights: VgaeLossWeights) -> LossTerms:
    """Reconstruction + weighted ID, neighbourhood and KL terms.

    Args:
        output: Of the VGAE in training mode.
        batch: The benign windows it was computed from.
        weights: Weights of the three terms beside the reconstruction.

    Returns:
        Parts `reconstruction` (mean over nodes and features), `id` and `neighbour` (mean over the
        nodes whose IDs are known, 0 when none is), `kl`.
    """
    errors = node_errors(output, batch)
    parts = {
        "reconstruction": errors.reconstruction.mean(),
        "id": _mean_of_known(errors.id, errors.id_known),
        "neighbour": _mean_of_known(errors.neighbour, errors.neighbour_known),
        "kl": kl_divergence(output.mu, output.logvar),
    }
    total = (
        parts["reconstruction"]
        + weights.id * parts["id"]
        + weights.neighbour * parts["neighbour"]
        + weights.kl * parts["kl"]
    )
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


def _mean_of_known(error: Tensor, known: Tensor) -> Tensor:
    """Mean over the known entries; `error` is 0 at the others."""
    return error.sum() / known.sum().clamp(min=1)
