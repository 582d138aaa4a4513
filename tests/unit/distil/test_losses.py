import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from can_train.detectors.gat.network import GAT
from can_train.detectors.losses import LossTerms, VgaeLossWeights, gat_task_loss, vgae_task_loss
from can_train.detectors.vgae.network import VGAE
from can_train.distil.losses import (
    gat_distillation_loss,
    make_projection,
    soft_target_loss,
    vgae_distillation_loss,
    with_teacher_signal,
)
from can_train.graphs.batch import GraphBatch

pytestmark = pytest.mark.kd

MakeBatch = Callable[..., GraphBatch]
WEIGHTS = VgaeLossWeights(id=0.1, neighbour=0.05, kl=0.01)
STEPS = 4


def small_gat() -> GAT:
    torch.manual_seed(0)
    return GAT(
        node_channels=20,
        edge_channels=12,
        num_ids=0,
        layers=2,
        heads=2,
        hidden_channels=4,
        id_embedding=1,
        fc_channels=(6, 5),
        dropout=0.2,
    )


def small_vgae(latent_channels: int = 4) -> VGAE:
    torch.manual_seed(0)
    return VGAE(
        node_channels=20,
        edge_channels=12,
        num_ids=0,
        vocabulary_size=76,
        encoder_channels=(8, 8),
        decoder_channels=(6,),
        latent_channels=latent_channels,
        heads=2,
        id_embedding=1,
        dropout=0.2,
    )


def train_gat(student: GAT, batches: list[GraphBatch], alpha: float | None) -> None:
    """STEPS clipped steps; `alpha` None is training without any distillation code."""
    optimizer = torch.optim.AdamW(student.parameters(), lr=0.01, weight_decay=0.01)
    torch.manual_seed(7)
    for batch in batches:
        output = student.train()(batch)
        terms = gat_task_loss(output.logits, batch.y)
        if alpha is not None:
            teacher = torch.full_like(output.logits, 3.0)
            terms = with_teacher_signal(
                terms, gat_distillation_loss(output.logits, teacher, 4.0), alpha
            )
        optimizer.zero_grad()
        terms.total.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 0.1)
        optimizer.step()


def train_vgae(student: VGAE, batches: list[GraphBatch], alpha: float | None) -> nn.Module:
    """As `train_gat`; the projection is in the optimiser and under the same gradient norm."""
    projection = make_projection(4, 9, seed=3)
    learned = list(student.parameters()) + (
        list(projection.parameters()) if alpha is not None else []
    )
    optimizer = torch.optim.AdamW(learned, lr=0.01, weight_decay=0.01)
    sampler = torch.Generator().manual_seed(11)
    torch.manual_seed(7)
    for batch in batches:
        output = student.train()(batch, sampler)
        terms = vgae_task_loss(output, batch, WEIGHTS)
        if alpha is not None:
            signal = vgae_distillation_loss(
                projection(output.mu),
                torch.ones(batch.x.size(0), 9),
                student.decode(output.mu),
                batch.x + 1.0,
                latent_weight=0.5,
                reconstruction_weight=0.5,
            )
            terms = with_teacher_signal(terms, signal, alpha)
        optimizer.zero_grad()
        terms.total.backward()
        nn.utils.clip_grad_norm_(learned, 0.1)
        optimizer.step()
    return projection


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(("alpha", "same"), [(0.0, True), (0.7, False)])
def test_gat_with_alpha_zero_trains_bit_for_bit_as_without_teacher(
    alpha: float, same: bool, random_batch: MakeBatch
) -> None:
    batches = [random_batch(seed=step) for step in range(STEPS)]
    plain, distilled = small_gat(), small_gat()
    train_gat(plain, batches, None)
    train_gat(distilled, batches, alpha)
    assert same_weights(plain, distilled) is same


@pytest.mark.parametrize(("alpha", "same"), [(0.0, True), (0.7, False)])
def test_vgae_with_alpha_zero_trains_bit_for_bit_as_without_teacher(
    alpha: float, same: bool, random_batch: MakeBatch
) -> None:
    batches = [random_batch(seed=step) for step in range(STEPS)]
    plain, distilled = small_vgae(), small_vgae()
    train_vgae(plain, batches, None)
    projection = train_vgae(distilled, batches, alpha)
    assert same_weights(plain, distilled) is same
    assert same_weights(projection, make_projection(4, 9, seed=3)) is same


def test_vgae_equal_to_its_teacher_has_no_signal(random_batch: MakeBatch) -> None:
    student, batch = small_vgae().eval(), random_batch()
    teacher = copy.deepcopy(student)
    mine, its = student(batch), teacher(batch)
    signal = vgae_distillation_loss(
        make_projection(4, 4, seed=0)(mine.mu),
        its.mu,
        student.decode(mine.mu),
        its.reconstruction,
        latent_weight=0.5,
        reconstruction_weight=0.5,
    )
    assert signal.loss.item() == 0.0


def test_gat_equal_to_its_teacher_has_no_signal(random_batch: MakeBatch) -> None:
    student, batch = small_gat().eval(), random_batch()
    logits = student(batch).logits
    assert gat_distillation_loss(logits, copy.deepcopy(student)(batch).logits, 4.0).loss == 0.0


def test_logged_terms_add_up_to_the_total() -> None:
    task, kd = torch.tensor(0.1234567), torch.tensor(987.6543)
    signal = gat_distillation_loss(torch.zeros(1, 2), torch.ones(1, 2), 4.0)
    terms = with_teacher_signal(
        LossTerms(total=task, task=task, parts={"kl": task}),
        type(signal)(loss=kd, parts={"kd_latent": kd}),
        0.7,
    )
    record = terms.record()
    assert record["total"] == pytest.approx(0.7 * record["kd"] + 0.3 * record["task"], rel=1e-12)
    assert set(record) == {"total", "task", "kd", "kl", "kd_latent"}


def test_vgae_signal_weighs_latent_and_reconstruction() -> None:
    signal = vgae_distillation_loss(
        torch.tensor([[1.0, 3.0]]),
        torch.zeros(1, 2),
        torch.tensor([[2.0]]),
        torch.zeros(1, 1),
        latent_weight=0.5,
        reconstruction_weight=0.25,
    )
    assert signal.parts["kd_latent"] == 5.0
    assert signal.parts["kd_reconstruction"] == 4.0
    assert signal.loss == 3.5


def test_teacher_receives_no_gradient() -> None:
    teacher = torch.randn(3, 2, requires_grad=True)
    student = torch.randn(3, 2, requires_grad=True)
    soft_target_loss(student, teacher, 4.0).backward()
    vgae_distillation_loss(
        student, teacher, student, teacher, latent_weight=0.5, reconstruction_weight=0.5
    ).loss.backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"logits: the student's are \[4, 2\], the teacher's \[1, 2\]"
    ):
        soft_target_loss(torch.zeros(4, 2), torch.zeros(1, 2), 4.0)
    with pytest.raises(ValueError, match="latent means"):
        vgae_distillation_loss(
            torch.zeros(4, 2),
            torch.zeros(4, 1),
            torch.zeros(4, 3),
            torch.zeros(4, 3),
            latent_weight=0.5,
            reconstruction_weight=0.5,
        )


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
