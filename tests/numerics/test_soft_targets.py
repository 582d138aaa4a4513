import math

import pytest
import torch
from torch.nn import functional

from can_train.detectors.vgae.losses import vgae_distillation_loss
from can_train.distil.losses import soft_target_loss

pytestmark = pytest.mark.kd


def test_hand_computed_value() -> None:
    # Teacher softmax at T = 2: (3/4, 1/4) from logits (2 ln 3, 0); student: (1/2, 1/2).
    teacher = torch.tensor([[2.0 * math.log(3.0), 0.0]], dtype=torch.float64)
    student = torch.zeros(1, 2, dtype=torch.float64)
    divergence = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert soft_target_loss(student, teacher, 2.0).item() == pytest.approx(4.0 * divergence)


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_matches_torch_kl_div_with_probabilities(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(32, 2, generator=generator, dtype=torch.float64) * 5
    teacher = torch.randn(32, 2, generator=generator, dtype=torch.float64) * 5
    reference = temperature**2 * functional.kl_div(
        functional.log_softmax(student / temperature, dim=-1),
        functional.softmax(teacher / temperature, dim=-1),
        reduction="batchmean",
    )
    torch.testing.assert_close(
        soft_target_loss(student, teacher, temperature), reference, rtol=1e-12, atol=1e-14
    )


def test_softmax_runs_over_the_classes_of_one_window_not_over_the_batch() -> None:
    generator = torch.Generator().manual_seed(1)
    student = torch.randn(6, 2, generator=generator, dtype=torch.float64)
    teacher = torch.randn(6, 2, generator=generator, dtype=torch.float64)
    each = [soft_target_loss(student[[row]], teacher[[row]], 4.0) for row in range(6)]
    torch.testing.assert_close(soft_target_loss(student, teacher, 4.0), torch.stack(each).mean())

    over_batch = 16.0 * functional.kl_div(
        functional.log_softmax(student / 4.0, dim=0),
        functional.softmax(teacher / 4.0, dim=0),
        reduction="batchmean",
    )
    assert not torch.isclose(over_batch, soft_target_loss(student, teacher, 4.0), rtol=1e-3)


def test_a_constant_added_to_one_windows_logits_changes_nothing() -> None:
    student, teacher = torch.randn(3, 2).double(), torch.randn(3, 2).double()
    shift = torch.tensor([[0.0], [5.0], [-3.0]], dtype=torch.float64)
    torch.testing.assert_close(
        soft_target_loss(student + shift, teacher, 4.0), soft_target_loss(student, teacher, 4.0)
    )


def test_equal_logits_give_exactly_zero_in_single_precision() -> None:
    logits = torch.randn(64, 2) * 30
    assert soft_target_loss(logits, logits.clone(), 4.0).item() == 0.0


def test_confident_opposite_logits_stay_finite() -> None:
    student = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = soft_target_loss(student, torch.tensor([[-1e4, 1e4]]), 1.0)
    loss.backward()
    assert loss.isfinite()
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_gradients_agree_with_finite_differences() -> None:
    generator = torch.Generator().manual_seed(2)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    logits = draw(4, 2).requires_grad_()
    teacher_logits = draw(4, 2)
    assert torch.autograd.gradcheck(
        lambda value: soft_target_loss(value, teacher_logits, 4.0), (logits,)
    )
    mu, reconstruction = draw(3, 5).requires_grad_(), draw(3, 4).requires_grad_()
    teacher_mu, teacher_reconstruction = draw(3, 5), draw(3, 4)

    def vgae_loss(latent: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        return vgae_distillation_loss(
            latent,
            teacher_mu,
            decoded,
            teacher_reconstruction,
            latent_weight=0.5,
            reconstruction_weight=0.5,
        ).loss

    assert torch.autograd.gradcheck(vgae_loss, (mu, reconstruction))


def test_gradient_keeps_its_size_when_the_temperature_changes() -> None:
    # Hinton et al., section 2.1: at high T the gradient tends to (s - t) / classes, centred.
    student = torch.tensor([[0.3, -0.3]], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([[-0.1, 0.1]], dtype=torch.float64)
    soft_target_loss(student, teacher, 1000.0).backward()
    assert student.grad is not None
    torch.testing.assert_close(student.grad, (student.detach() - teacher) / 2, rtol=1e-5, atol=0.0)
