"""Knowledge distillation: how a teacher's signal joins the task loss.

Teacher outputs come in as tensors; nothing here holds a teacher, knows which detector learns, or
draws from a global generator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from can_train.config.schema import DistillationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerms:
    """One step's loss and what it is made of; every term is a scalar tensor.

    Attributes:
        total: What is minimised.
        task: The task's own loss; the same tensor as `total` when nothing is distilled.
        kd: The teacher's signal, unweighted; None without distillation.
        parts: Unweighted terms that make up `task` and `kd`.
    """

    total: Tensor
    task: Tensor
    kd: Tensor | None = None
    parts: Mapping[str, Tensor] = field(default_factory=dict)

    def record(self) -> dict[str, float]:
        """The terms for the log, as 64-bit floats: total, task, kd (if any), then the parts."""
        terms = {"total": self.total, "task": self.task}
        if self.kd is not None:
            terms["kd"] = self.kd
        return {name: float(term.detach()) for name, term in {**terms, **self.parts}.items()}

    def scaled(self, share: float) -> LossTerms:
        """Every term times `share`."""
        return LossTerms(
            total=self.total * share,
            task=self.task * share,
            kd=None if self.kd is None else self.kd * share,
            parts={name: part * share for name, part in self.parts.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherSignal:
    """How far the student is from its teacher, unweighted; every term is a scalar tensor.

    Attributes:
        loss: Exactly 0 for a student that gives what its teacher gives.
        parts: What it is made of, by name.
    """

    loss: Tensor
    parts: Mapping[str, Tensor]

    def scaled(self, share: float) -> TeacherSignal:
        """Every term times `share`."""
        parts = {name: part * share for name, part in self.parts.items()}
        return TeacherSignal(loss=self.loss * share, parts=parts)


def soft_target_loss(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    r"""Divergence of the student's softened class probabilities from the teacher's.

    .. math:: \frac{T^2}{B} \sum_b \mathrm{KL}\left(\mathrm{softmax}(t_b / T) \,\|\,
              \mathrm{softmax}(s_b / T)\right)

    Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2: the
    factor T^2 keeps gradients of the same size when T changes. The softmax runs over the classes
    of one window, the mean over the windows.

    Args:
        student_logits: [B, classes].
        teacher_logits: [B, classes]; never receives a gradient.
        temperature: T > 0.

    Returns:
        Scalar; exactly 0 for equal logits.

    Raises:
        ValueError: The shapes differ.
    """
    _check_same_shape("logits", student_logits, teacher_logits)
    divergence = functional.kl_div(
        functional.log_softmax(student_logits / temperature, dim=1),
        functional.log_softmax(teacher_logits.detach() / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * divergence


def hint_loss(what: str, projected: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error of the student's projected representation from the teacher's.

    MSE(P(z_student), z_teacher), the mean over all entries (Romero et al., "FitNets", ICLR 2015,
    eq. 3).

    Args:
        what: What is compared, for the message.
        projected: The student's, through the projection [N, D of the teacher].
        teacher: [N, D]; never receives a gradient.

    Raises:
        ValueError: The shapes differ.
    """
    _check_same_shape(what, projected, teacher)
    return functional.mse_loss(projected, teacher.detach())


def alpha_in_epoch(config: DistillationConfig, epoch: int) -> float:
    """Weight of the teacher's signal in `epoch`, counted from 0.

    alpha * min(1, (e + 1) / (N + 1)) for N warm-up epochs: it rises by equal steps, is never 0
    unless alpha is, and has its full value from epoch N on.
    """
    return config.alpha * min(1.0, (epoch + 1) / (config.kd_warmup_epochs + 1))


def with_teacher_signal(task: LossTerms, kd: TeacherSignal, alpha: float) -> LossTerms:
    """Total loss alpha * kd + (1 - alpha) * task.

    The sum is taken in float64, so that logged terms add up. With alpha = 0 the total is the task
    loss itself: no gradient reaches the projection, not even zeros, which would change the order
    of summation in the gradient norm.

    Args:
        task: Terms of the student's task.
        kd: Terms of the teacher's signal.
        alpha: Weight of the teacher's signal, 0 to 1.
    """
    parts = {**task.parts, **kd.parts}
    if alpha == 0:
        total = task.total
    else:
        total = alpha * kd.loss.double() + (1.0 - alpha) * task.total.double()
    return LossTerms(total=total, task=task.total, kd=kd.loss, parts=parts)


def make_projection(student_channels: int, teacher_channels: int, seed: int) -> nn.Module:
    """Learned map from student latent to teacher latent; the identity when the widths agree.

    Args:
        student_channels: Width of the student's latent.
        teacher_channels: Width of the teacher's latent.
        seed: Of the generator that draws its weights; torch's global one isn't touched.

    Shapes:
        - [N, student_channels] -> [N, teacher_channels]
    """
    if student_channels == teacher_channels:
        return nn.Identity()
    with torch.random.fork_rng(devices=[]):  # device="meta" would import sympy: half a CPU-second
        projection = nn.Linear(student_channels, teacher_channels)
    generator = torch.Generator().manual_seed(seed)
    bound = 1.0 / math.sqrt(student_channels)  # as nn.Linear draws its own
    with torch.no_grad():
        projection.weight.uniform_(-bound, bound, generator=generator)
        projection.bias.uniform_(-bound, bound, generator=generator)
    return projection


def _check_same_shape(what: str, student: Tensor, teacher: Tensor) -> None:
    """Refuses to compare what doesn't come from the same windows.

    Raises:
        ValueError: The shapes differ.
    """
    if student.shape != teacher.shape:
        raise ValueError(
            f"{what}: the student's are {list(student.shape)}, the teacher's "
            f"{list(teacher.shape)}; both have to come from the same windows and have equal shapes"
        )
