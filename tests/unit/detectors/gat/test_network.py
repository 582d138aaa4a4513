from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from can_train.detectors.edges import Edges
from can_train.detectors.gat.network import GAT
from can_train.graphs.batch import GraphBatch

MakeBatch = Callable[..., GraphBatch]


def small_gat(
    *, num_ids: int = 0, layers: int = 3, dropout: float = 0.0, neighbours: str = "attention"
) -> GAT:
    torch.manual_seed(0)
    return GAT(
        node_channels=20,
        edge_channels=12,
        num_ids=num_ids,
        layers=layers,
        heads=2,
        hidden_channels=4,
        id_embedding=3,
        fc_channels=(6, 5),
        dropout=dropout,
        neighbours=neighbours,
    )


def test_gives_two_logits_and_the_jumping_knowledge_embedding(random_batch: MakeBatch) -> None:
    output = small_gat()(random_batch())
    assert output.logits.shape == (3, 2)
    assert output.embedding.shape == (3, 3 * 2 * 4)
    assert output.logits.dtype == output.embedding.dtype == torch.float32


def test_classifier_has_three_fully_connected_layers() -> None:
    linear = [name for name, _ in small_gat().classifier.named_parameters() if "weight" in name]
    assert len(linear) == 3


def test_embedding_is_the_mean_over_nodes_of_every_layer(random_batch: MakeBatch) -> None:
    gat, batch = small_gat(layers=2), random_batch((4, 6))
    edges = Edges.of(batch)
    first = gat.convolutions[0](batch.x, edges)
    second = gat.convolutions[1](first, edges, first)
    nodes = torch.cat([first, second], dim=1)
    expected = torch.stack([nodes[:4].mean(0), nodes[4:].mean(0)])
    torch.testing.assert_close(gat(batch).embedding, expected)


@pytest.mark.parametrize("num_ids", [0, 76])
def test_order_of_nodes_and_edges_does_not_matter(
    num_ids: int, random_batch: MakeBatch, relabelled: Callable[..., tuple[GraphBatch, object]]
) -> None:
    gat, batch = small_gat(num_ids=num_ids).eval(), random_batch()
    torch.testing.assert_close(gat(relabelled(batch)[0]).logits, gat(batch).logits)


def test_windows_in_one_batch_do_not_see_each_other(
    random_batch: MakeBatch, only_graph: Callable[[GraphBatch, int], GraphBatch]
) -> None:
    gat, batch = small_gat().eval(), random_batch()
    alone = [gat(only_graph(batch, graph)).logits for graph in range(3)]
    torch.testing.assert_close(gat(batch).logits, torch.cat(alone))


def test_eval_mode_repeats_bit_for_bit_and_training_mode_drops_out(
    random_batch: MakeBatch,
) -> None:
    gat, batch = small_gat(dropout=0.5), random_batch()
    assert not torch.equal(gat(batch).logits, gat(batch).logits)
    gat.eval()
    assert torch.equal(gat(batch).logits, gat(batch).logits)


def test_without_id_embedding_ids_have_no_effect(random_batch: MakeBatch) -> None:
    batch = random_batch()
    other = replace(batch, id_index=torch.zeros_like(batch.id_index))
    assert torch.equal(small_gat()(batch).logits, small_gat()(other).logits)


def test_with_id_embedding_ids_have_an_effect_and_unknown_is_the_zero_vector(
    random_batch: MakeBatch,
) -> None:
    batch, gat = random_batch(), small_gat(num_ids=76)
    other = replace(batch, id_index=(batch.id_index + 1) % 76)
    assert not torch.equal(gat(batch).logits, gat(other).logits)
    assert gat.embedding is not None
    assert gat.embedding.weight[0].count_nonzero() == 0


def test_edge_features_have_an_effect(random_batch: MakeBatch) -> None:
    batch, gat = random_batch(), small_gat()
    other = replace(batch, edge_attr=-batch.edge_attr)
    assert not torch.allclose(gat(batch).logits, gat(other).logits)


def test_without_neighbours_no_edge_has_a_say(random_batch: MakeBatch) -> None:
    """All layers of a node's own learn; edges from elsewhere change nothing."""
    batch, gat = random_batch(), small_gat(neighbours="none")
    before = gat(batch).logits
    other = replace(batch, edge_index=batch.edge_index[:, :0], edge_attr=batch.edge_attr[:0])
    assert torch.equal(gat(other).logits, before)
    before.square().sum().backward()
    learnt = {name for name, value in gat.named_parameters() if value.grad is not None}
    for layer in range(3):
        assert f"convolutions.{layer}.res.weight" in learnt
        assert f"convolutions.{layer}.lin.weight" not in learnt


def test_a_window_of_one_node_and_no_edge_has_finite_logits() -> None:
    batch = GraphBatch(
        x=torch.ones(1, 20),
        id_index=torch.zeros(1, dtype=torch.int64),
        edge_index=torch.zeros(2, 0, dtype=torch.int64),
        edge_attr=torch.zeros(0, 12),
        batch=torch.zeros(1, dtype=torch.int64),
        num_graphs=1,
        y=torch.zeros(1, dtype=torch.int64),
        window=torch.zeros(1, dtype=torch.int64),
    )
    assert small_gat()(batch).logits.isfinite().all()


def test_every_parameter_receives_a_gradient(random_batch: MakeBatch) -> None:
    gat = small_gat(num_ids=76)
    gat(random_batch()).logits.square().sum().backward()
    assert [name for name, value in gat.named_parameters() if value.grad is None] == []


def test_moving_a_batch_keeps_every_field(random_batch: MakeBatch) -> None:
    batch = random_batch()
    moved = batch.to("meta")
    assert moved.num_graphs == batch.num_graphs
    assert moved.edge_index.device.type == moved.window.device.type == "meta"
    assert moved.x.shape == batch.x.shape
