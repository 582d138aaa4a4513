"""How a teacher's signal joins the task loss, whichever detector learns."""

import pytest
import torch
from torch import nn

from can_train.distil.losses import (
    LossTerms,
    TeacherSignal,
    hint_loss,
    make_projection,
    soft_target_loss,
    with_teacher_signal,
)

pytestmark = pytest.mark.kd


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_record_names_kd_only_where_there_is_a_teacher() -> None:
    one = torch.tensor(1.0)
    assert list(LossTerms(total=one, task=one).record()) == ["total", "task"]
    assert list(LossTerms(total=one, task=one, kd=one, parts={"kl": one}).record()) == [
        "total",
        "task",
        "kd",
        "kl",
    ]


def test_logged_terms_add_up_to_the_total() -> None:
    task, kd = torch.tensor(0.1234567), torch.tensor(987.6543)
    terms = with_teacher_signal(
        LossTerms(total=task, task=task, parts={"kl": task}),
        TeacherSignal(loss=kd, parts={"kd_latent": kd}),
        0.7,
    )
    record = terms.record()
    assert record["total"] == pytest.approx(0.7 * record["kd"] + 0.3 * record["task"], rel=1e-12)
    assert set(record) == {"total", "task", "kd", "kl", "kd_latent"}


def test_teacher_receives_no_gradient() -> None:
    teacher = torch.randn(3, 2, requires_grad=True)
    student = torch.randn(3, 2, requires_grad=True)
    soft_target_loss(student, teacher, 4.0).backward()
    hint_loss("latent means", student, teacher).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"logits: the student's are \[4, 2\], the teacher's \[1, 2\]"
    ):
        soft_target_loss(torch.zeros(4, 2), torch.zeros(1, 2), 4.0)
    with pytest.raises(ValueError, match="latent means"):
        hint_loss("latent means", torch.zeros(4, 2), torch.zeros(4, 1))


def test_projection_draws_from_its_own_seed_and_not_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    first, second = make_projection(16, 96, seed=1), make_projection(16, 96, seed=1)
    assert torch.equal(before, torch.get_rng_state())
    assert same_weights(first, second)
    assert not same_weights(first, make_projection(16, 96, seed=2))
    assert first(torch.zeros(5, 16)).shape == (5, 96)
    largest = max(value.abs().max().item() for value in first.parameters())
    assert 0.2 < largest <= 0.25  # 1 / sqrt(16), as nn.Linear


def test_projection_of_equal_widths_is_the_identity() -> None:
    projection = make_projection(16, 16, seed=1)
    assert isinstance(projection, nn.Identity)
    assert list(projection.parameters()) == []
