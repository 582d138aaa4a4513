"""Losses of the VGAE, by hand and against torch, and its teacher's signal."""

import copy
import math
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from torch import nn

from can_train.detectors.vgae.losses import (
    COUNTED,
    counts,
    vgae_distillation_loss,
    vgae_task_loss,
)
from can_train.detectors.vgae.network import VGAE, VgaeOutput
from can_train.detectors.vgae.terms import VgaeLossWeights, kl_divergence
from can_train.distil.losses import make_projection, with_teacher_signal
from can_train.graphs.batch import GraphBatch

MakeBatch = Callable[..., GraphBatch]
WEIGHTS = VgaeLossWeights(id=0.1, neighbour=0.05, kl=0.01)
STEPS = 4


def two_node_batch(id_index: list[int]) -> GraphBatch:
    return GraphBatch(
        x=torch.zeros(2, 2),
        id_index=torch.tensor(id_index),
        edge_index=torch.tensor([[0], [1]]),
        edge_attr=torch.zeros(1, 1),
        batch=torch.zeros(2, dtype=torch.int64),
        num_graphs=1,
        y=torch.zeros(1, dtype=torch.int64),
        window=torch.zeros(1, dtype=torch.int64),
    )


def output_of_two_nodes() -> VgaeOutput:
    return VgaeOutput(
        mu=torch.tensor([[2.0], [0.0]]),
        logvar=torch.zeros(2, 1),
        reconstruction=torch.tensor([[1.0, 1.0], [0.0, 2.0]]),
        id_logits=torch.zeros(2, 3),
        neighbour_logits=torch.zeros(2, 3),
    )


def small_vgae(latent_channels: int = 4) -> VGAE:
    torch.manual_seed(0)
    return VGAE(
        node_channels=20,
        edge_channels=12,
        num_ids=0,
        told_ids=76,
        encoder_channels=(8, 8),
        decoder_channels=(6,),
        latent_channels=latent_channels,
        heads=2,
        id_embedding=1,
        dropout=0.2,
    )


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


def test_vgae_terms_and_their_weighted_sum_are_those_computed_by_hand() -> None:
    terms = vgae_task_loss(output_of_two_nodes(), two_node_batch([1, 2]), WEIGHTS)
    record = terms.record()
    # Squared errors 1, 1, 0, 4; three equally likely IDs; mean of mu^2 / 2 = 1.
    assert record["reconstruction"] == pytest.approx(1.5)
    assert record["id"] == pytest.approx(math.log(3))
    assert record["neighbour"] == pytest.approx(math.log(2))
    assert record["kl"] == pytest.approx(1.0)
    expected = 1.5 + 0.1 * math.log(3) + 0.05 * math.log(2) + 0.01
    assert record["task"] == record["total"] == pytest.approx(expected)


def test_only_unknown_ids_leave_reconstruction_and_kl() -> None:
    record = vgae_task_loss(output_of_two_nodes(), two_node_batch([0, 0]), WEIGHTS).record()
    assert (record["id"], record["neighbour"]) == (0.0, 0.0)
    assert record["total"] == pytest.approx(1.51)


def test_id_error_is_the_mean_over_known_ids_only() -> None:
    output = replace(output_of_two_nodes(), id_logits=torch.tensor([[0.0, 0, 0], [9.0, -9, 4]]))
    record = vgae_task_loss(output, two_node_batch([1, 0]), WEIGHTS).record()
    assert record["id"] == pytest.approx(math.log(3))


@pytest.mark.parametrize("known", [True, False])
def test_gradients_are_finite_and_reach_every_head(known: bool, random_batch: MakeBatch) -> None:
    torch.manual_seed(0)
    vgae = VGAE(
        node_channels=20,
        edge_channels=12,
        num_ids=76,
        told_ids=76,
        encoder_channels=(8, 8),
        decoder_channels=(6,),
        latent_channels=4,
        heads=2,
        id_embedding=3,
    )
    batch = random_batch()
    if not known:
        batch = replace(batch, id_index=torch.zeros_like(batch.id_index))
    vgae_task_loss(vgae(batch), batch, WEIGHTS).total.backward()
    gradients = {name: value.grad for name, value in vgae.named_parameters()}
    assert all(value is not None and value.isfinite().all() for value in gradients.values())
    if known:
        assert all(value is not None and value.count_nonzero() > 0 for value in gradients.values())


def test_kl_of_a_standard_normal_is_zero_and_matches_torch_elsewhere() -> None:
    assert kl_divergence(torch.zeros(3, 2), torch.zeros(3, 2)).item() == 0.0
    mu, logvar = torch.tensor([[0.3, -1.2]]), torch.tensor([[0.5, -2.0]])
    reference = torch.distributions.kl_divergence(
        torch.distributions.Normal(mu, (0.5 * logvar).exp()), torch.distributions.Normal(0.0, 1.0)
    ).mean()
    torch.testing.assert_close(kl_divergence(mu, logvar), reference)


@pytest.mark.kd
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


@pytest.mark.kd
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


@pytest.mark.kd
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


@pytest.mark.kd
def test_the_teacher_receives_no_gradient_and_shapes_that_would_broadcast_are_refused() -> None:
    teacher = torch.randn(3, 2, requires_grad=True)
    student = torch.randn(3, 2, requires_grad=True)
    vgae_distillation_loss(
        student, teacher, student, teacher, latent_weight=0.5, reconstruction_weight=0.5
    ).loss.backward()
    assert teacher.grad is None
    assert student.grad is not None
    with pytest.raises(ValueError, match="latent means"):
        vgae_distillation_loss(
            torch.zeros(4, 2),
            torch.zeros(4, 1),
            torch.zeros(4, 3),
            torch.zeros(4, 3),
            latent_weight=0.5,
            reconstruction_weight=0.5,
        )


def test_parts_of_a_batch_add_up_to_it_term_by_term(random_batch: MakeBatch) -> None:
    one, other = random_batch((5, 3, 8)), random_batch((2, 1), seed=1)
    one = replace(one, id_index=one.id_index % 6)  # some unknown
    other = replace(other, id_index=torch.tensor([0, 4, 0]))  # one known, one beside it
    whole = replace(
        one,
        x=torch.cat([one.x, other.x]),
        id_index=torch.cat([one.id_index, other.id_index]),
        edge_index=torch.cat([one.edge_index, other.edge_index + len(one.x)], dim=1),
    )
    sizes = {name: mine + theirs for name, mine, theirs in
             zip(COUNTED, counts(one), counts(other), strict=True)}  # fmt: skip
    assert tuple(sizes.values()) == counts(whole)
    shares = {
        part: {name: n / sizes[name] for name, n in zip(COUNTED, counts(batch), strict=True)}
        for part, batch in (("one", one), ("other", other))
    }
    assert len(set(shares["other"].values())) == 3, "no two counts are split alike"
    torch.manual_seed(3)
    widths = {"mu": 3, "logvar": 3, "reconstruction": 20, "id_logits": 5, "neighbour_logits": 5}
    leaves = {n: torch.randn(len(whole.x), w).requires_grad_() for n, w in widths.items()}
    output = VgaeOutput(**leaves)
    expected = vgae_task_loss(output, whole, WEIGHTS)
    cut, parts = len(one.x), []
    for batch, rows, name in ((one, slice(cut), "one"), (other, slice(cut, None), "other")):
        part = VgaeOutput(**{f.name: getattr(output, f.name)[rows] for f in fields(output)})
        parts.append(vgae_task_loss(part, batch, WEIGHTS, shares[name]))
    for name, value in expected.record().items():
        assert sum(part.record()[name] for part in parts) == pytest.approx(value, rel=1e-6), name
    wanted = torch.autograd.grad(expected.total, [*leaves.values()], retain_graph=True)
    found = torch.autograd.grad(parts[0].total + parts[1].total, [*leaves.values()])
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs)
