"""Distillation on graphs small enough for pencil and paper, and its gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from can_train.detectors.gat.losses import (
    gat_distillation_loss,
    gat_task_loss,
    with_feature_signal,
)
from can_train.detectors.gat.network import GAT
from can_train.detectors.vgae.losses import vgae_distillation_loss
from can_train.detectors.vgae.network import VGAE
from can_train.detectors.vgae.signal import _rescaled
from can_train.distil.losses import LossTerms, with_teacher_signal
from can_train.graphs.batch import GraphBatch
from can_train.graphs.scaling import FeatureScaler

pytestmark = pytest.mark.kd


def three_nodes() -> GraphBatch:
    """0 -> 1 -> 2 -> 0 with one node feature: 1, 2, 3."""
    return GraphBatch(
        x=torch.tensor([[1.0], [2.0], [3.0]]),
        id_index=torch.tensor([1, 2, 1]),
        edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]),
        edge_attr=torch.zeros(3, 1),
        batch=torch.zeros(3, dtype=torch.int64),
        num_graphs=1,
        y=torch.ones(1, dtype=torch.int64),
        window=torch.zeros(1, dtype=torch.int64),
    )


def constant_vgae(latent: list[float], decoded: list[float]) -> VGAE:
    """Encodes every node as `latent` and decodes everything as `decoded`."""
    vgae = VGAE(
        node_channels=len(decoded),
        edge_channels=1,
        num_ids=0,
        told_ids=3,
        encoder_channels=(2,),
        decoder_channels=(2,),
        latent_channels=len(latent),
        heads=1,
        id_embedding=1,
    )
    with torch.no_grad():
        for value in vgae.parameters():
            value.zero_()
        vgae.mean.bias.copy_(torch.tensor(latent))
        vgae.decoder.lins[-1].get_parameter("bias").copy_(torch.tensor(decoded))
    return vgae.eval()


def test_vgae_signal_of_a_three_node_graph_computed_by_hand() -> None:
    batch = three_nodes()
    student, teacher = constant_vgae([2.0], [1.5]), constant_vgae([1.0, -1.0], [0.5])
    projection = nn.Linear(1, 2)
    with torch.no_grad():
        projection.weight.copy_(torch.tensor([[1.0], [2.0]]))
        projection.bias.copy_(torch.tensor([0.0, 1.0]))
    mine, its = student(batch), teacher(batch)
    # P(2) = (2, 5); from (1, -1): squares 1 and 36, mean 18.5. Decoded: (1.5 - 0.5)^2 = 1.
    signal = vgae_distillation_loss(
        projection(mine.mu),
        its.mu,
        student.decode(mine.mu),
        its.reconstruction,
        latent_weight=0.5,
        reconstruction_weight=0.5,
    )
    assert signal.parts["kd_latent"].item() == pytest.approx(18.5)
    assert signal.parts["kd_reconstruction"].item() == pytest.approx(1.0)
    assert signal.loss.item() == pytest.approx(9.75)
    # Task: reconstruction of 1, 2, 3 by 1.5: (0.25 + 0.25 + 2.25) / 3.
    task = (student(batch).reconstruction - batch.x).square().mean()
    total = with_teacher_signal(LossTerms(total=task, task=task), signal, 0.7).record()["total"]
    assert total == pytest.approx(0.7 * 9.75 + 0.3 * 2.75 / 3)


def test_gat_signal_of_a_three_node_graph_computed_by_hand() -> None:
    batch = three_nodes()
    gat = GAT(
        node_channels=1,
        edge_channels=1,
        num_ids=0,
        layers=1,
        heads=1,
        hidden_channels=1,
        id_embedding=1,
        fc_channels=(),
    )
    with torch.no_grad():
        for value in gat.parameters():
            value.zero_()
        gat.classifier.lins[-1].get_parameter("weight").copy_(torch.tensor([[0.0], [1.0]]))
        gat.classifier.lins[-1].get_parameter("bias").copy_(
            torch.tensor([0.0, 2.0 * math.log(3.0)])
        )
    output = gat.eval()(batch)
    assert output.embedding.tolist() == [[0.0]]
    # Student at T = 2: (1/4, 3/4); teacher: (1/2, 1/2). KL = ln(2)/2 + ln(2/3)/2.
    signal = gat_distillation_loss(output.logits, torch.zeros(1, 2), 2.0)
    divergence = 0.5 * math.log(2.0) + 0.5 * math.log(2.0 / 3.0)
    assert signal.loss.item() == pytest.approx(4.0 * divergence, rel=1e-5)
    task = gat_task_loss(output.logits, batch.y)  # softmax of (0, 2 ln 3): 9/10 for attack
    record = with_teacher_signal(task, signal, 0.7).record()
    expected = 0.7 * 4.0 * divergence + 0.3 * math.log(10.0 / 9.0)
    assert record["total"] == pytest.approx(expected, rel=1e-5)
    assert record["total"] == pytest.approx(0.7 * record["kd"] + 0.3 * record["task"], rel=1e-12)


def test_feature_signal_is_the_weighted_mean_square_beside_the_soft_targets() -> None:
    kd = gat_distillation_loss(torch.zeros(1, 2), torch.zeros(1, 2), 4.0)
    teacher = torch.tensor([[1.0, 3.0]], requires_grad=True)
    student = torch.tensor([[0.0, 0.0]], requires_grad=True)
    signal = with_feature_signal(kd, student, teacher, 0.2)
    assert signal.parts["kd_feature"].item() == 5.0
    assert signal.loss.item() == pytest.approx(1.0)
    assert set(signal.parts) == {"kd_soft_target", "kd_feature"}
    signal.loss.backward()
    assert teacher.grad is None
    assert student.grad is not None
    same = with_feature_signal(kd, teacher, teacher, 0.2)
    assert same.loss.item() == 0.0
    with pytest.raises(ValueError, match="pooled embeddings"):
        with_feature_signal(kd, torch.zeros(2, 2), torch.zeros(1, 2), 0.2)


def test_gradients_of_the_total_agree_with_finite_differences() -> None:
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    labels, soft, embedded = torch.tensor([0, 1, 1]), draw(3, 2).detach(), draw(3, 4).detach()

    def total(logits: Tensor, z: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        kd = gat_distillation_loss(logits, soft, 4.0)
        kd = with_feature_signal(kd, nn.functional.linear(z, weight, bias), embedded, 0.5)
        return with_teacher_signal(gat_task_loss(logits, labels), kd, 0.7).total

    inputs = (draw(3, 2), draw(3, 5), draw(4, 5), draw(4))
    assert torch.autograd.gradcheck(total, inputs)


def test_alpha_one_leaves_the_task_out_and_alpha_zero_the_teacher() -> None:
    task = torch.tensor(3.0, requires_grad=True)
    logits = torch.tensor([[1.0, -1.0]], requires_grad=True)
    terms = LossTerms(total=task, task=task)
    kd = gat_distillation_loss(logits, torch.zeros(1, 2), 4.0)
    assert with_teacher_signal(terms, kd, 1.0).total.item() == pytest.approx(kd.loss.item())
    plain = with_teacher_signal(terms, kd, 0.0)
    assert plain.total is task
    plain.total.backward()
    assert logits.grad is None


def test_reconstructions_pass_from_one_scaling_to_another_by_way_of_raw_values() -> None:
    def scaler(mean: float, scale: float) -> FeatureScaler:
        one = {"mean": np.array([mean], np.float32), "scale": np.array([scale], np.float32)}
        return FeatureScaler(
            node_mean=one["mean"],
            node_scale=one["scale"],
            edge_mean=one["mean"],
            edge_scale=one["scale"],
        )

    # 3 in units of 2 above 10 is 16; that is 2.4 in units of 5 above 4.
    moved = _rescaled(torch.tensor([[3.0]]), scaler(10.0, 2.0), scaler(4.0, 5.0))
    assert moved.item() == pytest.approx(2.4)
