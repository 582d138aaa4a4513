"""Losses of the GAT: its task, and its teacher's signal."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from can_train.distil.losses import LossTerms, TeacherSignal, hint_loss, soft_target_loss


def gat_task_loss(logits: Tensor, y: Tensor) -> LossTerms:
    """Cross-entropy of the windows' labels, mean over the batch.

    Args:
        logits: [B, 2], float32.
        y: Labels [B], int64; 0 benign, 1 attack.
    """
    loss = functional.cross_entropy(logits, y)
    return LossTerms(total=loss, task=loss)


def gat_distillation_loss(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float
) -> TeacherSignal:
    """The GAT's signal, named `kd_soft_target`: see `soft_target_loss`."""
    loss = soft_target_loss(student_logits, teacher_logits, temperature)
    return TeacherSignal(loss=loss, parts={"kd_soft_target": loss})


def with_feature_signal(
    kd: TeacherSignal, projected: Tensor, teacher_embedding: Tensor, weight: float
) -> TeacherSignal:
    """The GAT's signal with the pooled embedding's beside it, as the part `kd_feature`.

    Args:
        kd: Soft-target signal.
        projected: Student embeddings through the projection [B, D of the teacher].
        teacher_embedding: [B, D of the teacher]; never receives a gradient.
        weight: Of the embedding's signal; the soft targets have 1.

    Raises:
        ValueError: The shapes differ.
    """
    feature = hint_loss("pooled embeddings", projected, teacher_embedding)
    return TeacherSignal(loss=kd.loss + weight * feature, parts={**kd.parts, "kd_feature": feature})
