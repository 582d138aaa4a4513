import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from can_train.detectors.losses import (
    LossTerms,
    VgaeLossWeights,
    gat_task_loss,
    kl_divergence,
    vgae_task_loss,
)
from can_train.detectors.vgae.network import VGAE, VgaeOutput
from can_train.graphs.batch import GraphBatch

MakeBatch = Callable[..., GraphBatch]
WEIGHTS = VgaeLossWeights(id=0.1, neighbour=0.05, kl=0.01)


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
def test_gradients_are_finite_and_reach_every_head_that_is_scored(
    known: bool, random_batch: MakeBatch
) -> None:
    torch.manual_seed(0)
    vgae = VGAE(
        node_channels=20,
        edge_channels=12,
        num_ids=76,
        vocabulary_size=76,
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
        assert all(value.count_nonzero() > 0 for value in gradients.values())


def test_kl_of_a_standard_normal_is_zero_and_matches_torch_elsewhere() -> None:
    assert kl_divergence(torch.zeros(3, 2), torch.zeros(3, 2)).item() == 0.0
    mu, logvar = torch.tensor([[0.3, -1.2]]), torch.tensor([[0.5, -2.0]])
    reference = torch.distributions.kl_divergence(
        torch.distributions.Normal(mu, (0.5 * logvar).exp()), torch.distributions.Normal(0.0, 1.0)
    ).mean()
    torch.testing.assert_close(kl_divergence(mu, logvar), reference)


def test_gat_loss_is_the_cross_entropy_of_the_labels() -> None:
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    terms = gat_task_loss(logits, torch.tensor([1, 1]))
    assert terms.record()["total"] == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_record_names_kd_only_where_there_is_a_teacher() -> None:
    one = torch.tensor(1.0)
    assert list(LossTerms(total=one, task=one).record()) == ["total", "task"]
    assert list(LossTerms(total=one, task=one, kd=one, parts={"kl": one}).record()) == [
        "total",
        "task",
        "kd",
        "kl",
    ]
