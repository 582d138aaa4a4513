"""Graph attention and pooling: by hand, against torch_geometric, and compiled against plain."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATConv
from torch_geometric.utils import scatter

from can_train.detectors.attention import GraphAttention, attend_plainly
from can_train.detectors.compiled_layer import attend
from can_train.detectors.edges import Edges
from can_train.detectors.linear import rounded_products
from can_train.detectors.pooling import Pooling, pool_plainly
from can_train.graphs.batch import ScaledGraphs


def graphs(
    edge_index: Tensor, edge_attr: Tensor, nodes: int, sizes: tuple[int, ...] = ()
) -> ScaledGraphs:
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes)) if sizes else None
    return ScaledGraphs(
        x=torch.zeros(nodes, 1),
        id_index=torch.zeros(nodes, dtype=torch.int64),
        edge_index=edge_index,
        edge_attr=edge_attr,
        batch=torch.zeros(nodes, dtype=torch.int64) if batch is None else batch,
        num_graphs=max(len(sizes), 1),
    )


def edges_of(edge_index: Tensor, edge_attr: Tensor, nodes: int, loops: bool = False) -> Edges:
    return Edges.of(graphs(edge_index, edge_attr, nodes), loops=loops)


def test_three_nodes_with_hand_set_weights_give_the_hand_computed_output() -> None:
    layer = GraphAttention(1, 1, 1, 1)  # W = 2, a_s = 1, a_t = 0.5, v = 1, no bias
    with torch.no_grad():
        layer.lin.weight.fill_(2.0)
        layer.att_src.fill_(1.0)
        layer.att_dst.fill_(0.5)
        layer.edge_score.weight.fill_(1.0)
    edge_index = torch.tensor([[0, 1, 2], [2, 2, 0]])
    edges = edges_of(edge_index, torch.tensor([[1.0], [-20.0], [0.0]]), 3)

    out = layer(torch.tensor([[1.0], [2.0], [3.0]]), edges)

    # W x = (2, 4, 6). Into node 2: LeakyReLU(2 + 0.5*6 + 1) = 6, LeakyReLU(4 + 3 - 20) = -2.6.
    weight = math.exp(6.0) / (math.exp(6.0) + math.exp(-2.6))
    # Into node 0: one edge, weight 1. Into node 1: none.
    expected = [[6.0], [0.0], [weight * 2.0 + (1 - weight) * 4.0]]
    torch.testing.assert_close(out, torch.tensor(expected), rtol=1e-6, atol=1e-6)


def test_a_residual_is_added_before_the_activation() -> None:
    layer = GraphAttention(1, 1, 1, 1, residual=True)
    assert isinstance(layer.res, nn.Linear)
    with torch.no_grad():
        layer.res.weight.fill_(-5.0)
    edges = edges_of(torch.tensor([[0], [1]]), torch.zeros(1, 1), 2)
    out = layer(torch.tensor([[1.0], [2.0]]), edges)
    assert out[0].item() == pytest.approx(math.expm1(-5.0))  # no edge comes in
    given = GraphAttention(1, 1, 1, 1)(torch.zeros(2, 1), edges, torch.tensor([[3.0], [-1.0]]))
    assert given.flatten().tolist() == pytest.approx([3.0, math.expm1(-1.0)])


Oracle = tuple[GATConv, GraphAttention]


def with_equal_weights(channels: int, width: int, heads: int, edge_channels: int) -> Oracle:
    theirs = GATConv(
        channels, width, heads=heads, edge_dim=edge_channels, add_self_loops=False, residual=True
    ).double()
    ours = GraphAttention(channels, width, heads, edge_channels, residual=True).double()
    assert isinstance(ours.res, nn.Linear)
    with torch.no_grad():
        theirs.bias.normal_()
        for mine, other in (
            (ours.lin.weight, theirs.lin.weight), (ours.res.weight, theirs.res.weight),
            (ours.att_src, theirs.att_src), (ours.att_dst, theirs.att_dst),
            (ours.bias, theirs.bias),
        ):  # fmt: skip
            mine.copy_(other)
        factor = theirs.lin_edge.weight.view(heads, width, edge_channels)
        ours.edge_score.weight.copy_((theirs.att_edge[0].unsqueeze(-1) * factor).sum(1))
    return theirs, ours


SHAPES = [
    (1, 0, 1, 1, 1),
    (5, 0, 3, 2, 4),
    (6, 20, 5, 3, 4),
    (40, 160, 7, 4, 24),
    (9, 30, 2, 1, 80),
]
"""Nodes, edges, channels, heads, width of a head."""


@pytest.mark.parametrize(("nodes", "number", "channels", "heads", "width"), SHAPES)
def test_equals_torch_geometric_with_every_gradient(
    nodes: int, number: int, channels: int, heads: int, width: int
) -> None:
    torch.manual_seed(nodes)
    theirs, ours = with_equal_weights(channels, width, heads, 6)
    x = torch.randn(nodes, channels, dtype=torch.float64, requires_grad=True)
    edge_index = torch.randint(0, nodes, (2, number))
    edge_attr = torch.randn(number, 6, dtype=torch.float64)
    pull = torch.randn(nodes, heads * width, dtype=torch.float64)

    expected = functional.elu(theirs(x, edge_index, edge_attr))
    found = ours(x, edges_of(edge_index, edge_attr, nodes))

    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    shared = ("lin.weight", "res.weight", "att_src", "att_dst", "bias")
    wanted = torch.autograd.grad((expected * pull).sum(), [x, *_named(theirs, shared)])
    got = torch.autograd.grad((found * pull).sum(), [x, *_named(ours, shared)])
    for mine, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("residual", ["learned", "given", "itself", "none"])
@pytest.mark.parametrize("loops", [False, True])
@pytest.mark.parametrize(("nodes", "number", "channels", "heads", "width"), SHAPES)
def test_compiled_equals_plain_with_every_gradient(  # noqa: PLR0913
    nodes: int, number: int, channels: int, heads: int, width: int, loops: bool, residual: str
) -> None:
    torch.manual_seed(nodes)
    channels = heads * width if residual == "itself" else channels
    edge_attr = torch.randn(number, 6, dtype=torch.float64)
    edges = edges_of(torch.randint(0, nodes, (2, number)), edge_attr, nodes, loops)
    layer = GraphAttention(channels, width, heads, 6 + loops, residual=residual == "learned")
    layer.double().bias.data.normal_()
    x = torch.randn(nodes, channels, dtype=torch.float64, requires_grad=True)
    given = torch.randn(nodes, heads * width, dtype=torch.float64, requires_grad=True)
    own = {"given": given, "itself": x}.get(residual)
    asked = [x, *layer.parameters(), *([given] if residual == "given" else [])]
    pull = torch.randn(nodes, heads * width, dtype=torch.float64)

    compiled = attend(x, layer.weights(), edges, own)[0]
    plain = attend_plainly(x, layer.weights(), edges, own)
    torch.testing.assert_close(compiled, plain, rtol=1e-9, atol=1e-9)
    both = [torch.autograd.grad((out * pull).sum(), asked) for out in (compiled, plain)]
    for mine, other in zip(*both, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9)


def test_in_float32_it_is_the_same_to_rounding() -> None:
    torch.manual_seed(0)
    edges = edges_of(torch.randint(0, 40, (2, 160)), torch.randn(160, 6), 40)
    layer, x = GraphAttention(7, 24, 4, 6, residual=True), 3.0 * torch.randn(40, 7)
    found = attend(x, layer.weights(), edges)[0]
    exact = layer.double()(x.double(), edges_of_double(edges))
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-6)


def test_rounded_products_are_near_the_exact_ones_with_their_gradients() -> None:
    torch.manual_seed(0)
    edges = edges_of(torch.randint(0, 40, (2, 160)), torch.randn(160, 6), 40)
    layer, x = GraphAttention(7, 24, 4, 6, residual=True), torch.randn(40, 7, requires_grad=True)
    asked, pull = [x, *layer.parameters()], torch.randn(40, 96)
    exact = attend(x, layer.weights(), edges)[0]
    with rounded_products():
        rounded = attend(x, layer.weights(), edges)[0]
    assert 0 < (rounded - exact).abs().max() < 0.03 * exact.abs().max()
    found, wanted = (torch.autograd.grad(out, asked, pull) for out in (rounded, exact))
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == torch.float32
        assert 0 < (one - other).abs().max() < 0.05 * other.abs().max()


@pytest.mark.parametrize(("words", "silent"), [
    ({"neighbours": "mean"}, ("att_src", "att_dst", "edge_score.weight")),
    ({"neighbours": "none"}, ("lin.weight", "att_src", "att_dst", "edge_score.weight")),
    ({"scores_edges": False}, ("edge_score.weight",)),
])  # fmt: skip
def test_what_has_no_say_in_the_attention(words: dict[str, Any], silent: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    layer = GraphAttention(4, 3, 2, 5, **words)
    edges = edges_of(torch.tensor([[0, 1, 2, 0], [2, 2, 2, 1]]), torch.randn(4, 5), 3)
    x = torch.randn(3, 4)
    before = layer(x, edges)
    before.sum().backward()
    with torch.no_grad():
        for weight in _named(layer, silent):
            assert weight.grad is None
            weight.add_(1.0)
    assert torch.equal(layer(x, edges), before)
    if words.get("neighbours") == "mean":
        mean = functional.elu(layer.lin(x)[:3].mean(dim=0) + layer.bias)
        torch.testing.assert_close(before[2], mean)


@pytest.mark.parametrize("number", [0, 2])
def test_every_node_gets_one_marked_loop_behind_the_edges_that_were_there(number: int) -> None:
    edge_index = torch.tensor([[2, 1], [0, 0]])[:, :number]
    edge_attr = torch.tensor([[3.0], [4.0]])[:number]
    edges = edges_of(edge_index, edge_attr, 3, loops=True)
    assert edges.source.tolist() == [*[2, 1][:number], 0, 1, 2]
    assert edges.target.tolist() == [0] * (number + 1) + [1, 2]
    there = [[3.0, 0.0], [4.0, 0.0]][:number]
    assert edges.features.tolist() == [*there, *[[0.0, 1.0]] * 3]


def test_edges_are_in_order_of_their_targets_and_keep_their_own_order() -> None:
    edge_index = torch.tensor([[0, 1, 2, 0], [2, 0, 2, 0]])
    edges = edges_of(edge_index, torch.arange(4.0)[:, None], 4)
    assert edges.first.tolist() == [0, 2, 2, 4, 4]
    assert edges.source.tolist() == [1, 0, 0, 2]
    assert edges.features.flatten().tolist() == [1.0, 3.0, 0.0, 2.0]


NAMES = [("mean",), ("max",), ("mean", "max"), ("max", "mean")]


@pytest.mark.parametrize("names", NAMES)
def test_pooling_equals_torch_geometric_with_its_gradient(names: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    joined = graphs(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 1), 9, (3, 0, 1, 5))
    x = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    found = pool_plainly(x, Pooling(first=joined.first_nodes, names=names))
    parts = [scatter(x, joined.batch, dim_size=4, reduce=name) for name in names]
    expected = torch.cat(parts, dim=1)
    torch.testing.assert_close(found, expected)
    pull = torch.randn(4, 4 * len(names), dtype=torch.float64)
    wanted, got = (torch.autograd.grad((out * pull).sum(), x)[0] for out in (expected, found))
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("uses", ["both", "pooled", "nodes"])
def test_a_layer_pools_what_it_gives_with_every_gradient(names: tuple[str, ...], uses: str) -> None:
    torch.manual_seed(0)
    joined = graphs(torch.randint(0, 9, (2, 20)), torch.randn(20, 6).double(), 9, (3, 0, 1, 5))
    edges, pooling = Edges.of(joined), Pooling(first=joined.first_nodes, names=names)
    layer = GraphAttention(5, 3, 2, 6, residual=True).double()
    x = torch.randn(9, 5, dtype=torch.float64, requires_grad=True)
    out, pooled = layer.pooled(x, edges, None, pooling)
    plain = attend_plainly(x, layer.weights(), edges)
    beside = pool_plainly(plain, pooling)
    torch.testing.assert_close(pooled, beside)
    pull, of_pooled = torch.randn_like(out), torch.randn_like(pooled)
    sums = []
    for nodes, vector in ((out, pooled), (plain, beside)):
        of_nodes, of_vector = (nodes * pull).sum(), (vector * of_pooled).sum()
        sums.append({"both": of_nodes + of_vector, "pooled": of_vector, "nodes": of_nodes}[uses])
    asked = [x, *layer.parameters()]
    both = [torch.autograd.grad(total, asked) for total in sums]
    for mine, other in zip(*both, strict=True):
        torch.testing.assert_close(mine, other)


def test_not_a_number_is_not_lost_on_the_way() -> None:
    """Diverged training has to be seen."""
    x = torch.tensor([[1.0], [float("nan")], [2.0]])
    edges = edges_of(torch.tensor([[1], [0]]), torch.zeros(1, 1), 3)
    pooling = Pooling(first=torch.tensor([0, 3]), names=("mean", "max"))
    out, pooled = GraphAttention(1, 1, 1, 1)(x, edges), pool_plainly(x, pooling)
    assert out[0].isnan()
    assert pooled.isnan().all()
    assert GraphAttention(1, 1, 1, 1).pooled(x, edges, x, pooling)[1].isnan().all()


def edges_of_double(edges: Edges) -> Edges:
    return Edges(first=edges.first, source=edges.source, features=edges.features.double())


def _named(module: nn.Module, names: tuple[str, ...]) -> list[Tensor]:
    return [module.get_parameter(name) for name in names]
