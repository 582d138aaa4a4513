"""Losses of the GAT and its teacher's signal."""

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from can_train.detectors.gat.losses import gat_distillation_loss, gat_task_loss
from can_train.detectors.gat.network import GAT
from can_train.distil.losses import with_teacher_signal
from can_train.graphs.batch import GraphBatch

MakeBatch = Callable[..., GraphBatch]
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


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_gat_loss_is_the_cross_entropy_of_the_labels() -> None:
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    terms = gat_task_loss(logits, torch.tensor([1, 1]))
    assert terms.record()["total"] == pytest.approx((math.log(2) + math.log(4)) / 2)


@pytest.mark.kd
@pytest.mark.parametrize(("alpha", "same"), [(0.0, True), (0.7, False)])
def test_gat_with_alpha_zero_trains_bit_for_bit_as_without_teacher(
    alpha: float, same: bool, random_batch: MakeBatch
) -> None:
    batches = [random_batch(seed=step) for step in range(STEPS)]
    plain, distilled = small_gat(), small_gat()
    train_gat(plain, batches, None)
    train_gat(distilled, batches, alpha)
    assert same_weights(plain, distilled) is same


@pytest.mark.kd
def test_gat_equal_to_its_teacher_has_no_signal(random_batch: MakeBatch) -> None:
    student, batch = small_gat().eval(), random_batch()
    logits = student(batch).logits
    assert gat_distillation_loss(logits, copy.deepcopy(student)(batch).logits, 4.0).loss == 0.0
