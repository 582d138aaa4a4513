import math

import pytest
import torch
from torch_geometric.nn import GATConv

from can_train.detectors.attention import EdgeScoreGATConv, with_marked_self_loops


def three_node_layer() -> EdgeScoreGATConv:
    """One head, W = 2, a_s = 1, a_t = 0.5, v = 1, no bias."""
    layer = EdgeScoreGATConv(1, 1, 1, 1)
    with torch.no_grad():
        layer.lin.weight.fill_(2.0)
        layer.att_src.fill_(1.0)
        layer.att_dst.fill_(0.5)
        layer.edge_score.weight.fill_(1.0)
        layer.bias.zero_()
    return layer


def test_three_nodes_with_hand_set_weights_give_the_hand_computed_output() -> None:
    layer = three_node_layer()
    x = torch.tensor([[1.0], [2.0], [3.0]])
    edge_index = torch.tensor([[0, 1, 2], [2, 2, 0]])
    edge_attr = torch.tensor([[1.0], [-20.0], [0.0]])

    out = layer(x, edge_index, edge_attr)

    # W x = (2, 4, 6). Into node 2: LeakyReLU(2 + 0.5*6 + 1) = 6, LeakyReLU(4 + 3 - 20) = -2.6.
    weight = math.exp(6.0) / (math.exp(6.0) + math.exp(-2.6))
    # Into node 0: one edge, weight 1. Into node 1: none.
    expected = [[6.0], [0.0], [weight * 2.0 + (1 - weight) * 4.0]]
    torch.testing.assert_close(out, torch.tensor(expected), rtol=1e-6, atol=1e-6)


def test_learned_residual_adds_a_map_of_the_node_itself() -> None:
    layer = EdgeScoreGATConv(1, 1, 1, 1, residual=True)
    with torch.no_grad():
        layer.res.weight.fill_(5.0)
    x = torch.tensor([[1.0], [2.0]])
    out = layer(x, torch.tensor([[0], [1]]), torch.zeros(1, 1))
    assert out[0].item() == 5.0  # no edge comes in: the residual alone


def test_equals_the_edge_term_of_torch_geometric_with_its_two_factors_multiplied() -> None:
    torch.manual_seed(0)
    nodes, channels, heads, width, edges = 6, 5, 3, 4, 20
    theirs = GATConv(channels, width, heads=heads, edge_dim=7, add_self_loops=False)
    ours = EdgeScoreGATConv(channels, width, heads, 7)
    with torch.no_grad():
        ours.lin.weight.copy_(theirs.lin.weight)
        ours.att_src.copy_(theirs.att_src)
        ours.att_dst.copy_(theirs.att_dst)
        ours.bias.copy_(theirs.bias)
        factor = theirs.lin_edge.weight.view(heads, width, 7)
        ours.edge_score.weight.copy_((theirs.att_edge[0].unsqueeze(-1) * factor).sum(1))
    x = torch.randn(nodes, channels)
    edge_index = torch.randint(0, nodes, (2, edges))
    edge_attr = torch.randn(edges, 7)
    torch.testing.assert_close(ours(x, edge_index, edge_attr), theirs(x, edge_index, edge_attr))


def test_attention_weights_into_a_node_sum_to_one() -> None:
    torch.manual_seed(0)
    layer = EdgeScoreGATConv(4, 3, 2, 5)
    edge_index = torch.tensor([[0, 1, 2, 0], [2, 2, 2, 1]])
    _, (_, weights) = layer(
        torch.randn(3, 4), edge_index, torch.randn(4, 5), return_attention_weights=True
    )
    torch.testing.assert_close(weights[:3].sum(0), torch.ones(2))
    torch.testing.assert_close(weights[3], torch.ones(2))


@pytest.mark.parametrize("edges", [0, 2])
def test_every_node_gets_one_marked_loop_beside_the_edges_that_were_there(edges: int) -> None:
    edge_index = torch.tensor([[0, 1], [0, 2]])[:, :edges]
    edge_attr = torch.tensor([[3.0], [4.0]])[:edges]
    loops, features = with_marked_self_loops(edge_index, edge_attr, 3)
    assert loops.tolist() == [
        [*edge_index[0].tolist(), 0, 1, 2],
        [*edge_index[1].tolist(), 0, 1, 2],
    ]
    assert features[edges:].tolist() == [[0.0, 1.0]] * 3
    assert features[:edges, 0].tolist() == edge_attr[:, 0].tolist()
    assert features[:edges, 1].tolist() == [0.0] * edges
