"""Errors of nodes and windows, by hand."""

from dataclasses import replace

import torch

from can_train.detectors.vgae.errors import (
    WINDOW_ERRORS,
    neighbour_targets,
    node_errors,
    window_errors,
)
from can_train.detectors.vgae.network import VgaeOutput
from can_train.graphs.batch import GraphBatch


def path_batch(id_index: list[int]) -> GraphBatch:
    """Window 0: nodes 0 -> 1 -> 2. Window 1: node 3, followed by itself."""
    return GraphBatch(
        x=torch.zeros(4, 2),
        id_index=torch.tensor(id_index),
        edge_index=torch.tensor([[0, 1, 3], [1, 2, 3]]),
        edge_attr=torch.zeros(3, 1),
        batch=torch.tensor([0, 0, 0, 1]),
        num_graphs=2,
        y=torch.zeros(2, dtype=torch.int64),
        window=torch.arange(2),
    )


def flat_output(reconstruction: torch.Tensor, classes: int = 3) -> VgaeOutput:
    """All IDs equally likely, every neighbour with probability one half."""
    nodes = reconstruction.size(0)
    return VgaeOutput(
        mu=torch.zeros(nodes, 1),
        logvar=torch.zeros(nodes, 1),
        reconstruction=reconstruction,
        id_logits=torch.zeros(nodes, classes),
        neighbour_logits=torch.zeros(nodes, classes),
    )


def test_neighbours_count_in_both_directions_and_unknown_ids_set_nothing() -> None:
    targets = neighbour_targets(path_batch([1, 2, 0, 3]), vocabulary_size=4)
    assert targets.int().tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_window_errors_are_those_computed_by_hand() -> None:
    reconstruction = torch.tensor([[1.0, 1.0], [0.0, 2.0], [3.0, 3.0], [0.0, 1.0]])
    errors = window_errors(flat_output(reconstruction), path_batch([1, 2, 0, 3]))
    assert WINDOW_ERRORS == ("mean", "max")
    # Per node: 1, 2, 9 | 0.5.
    torch.testing.assert_close(errors, torch.tensor([[4.0, 9.0], [0.5, 0.5]]))


def test_which_ids_are_known_is_no_part_of_a_windows_errors() -> None:
    known, strangers = (
        window_errors(flat_output(torch.ones(4, 2)), path_batch(ids))
        for ids in ([1, 2, 3, 3], [0, 0, 0, 0])
    )
    assert known.tolist() == strangers.tolist() == [[1.0, 1.0]] * 2


def test_a_network_that_tells_no_ids_has_no_error_of_them() -> None:
    output = replace(flat_output(torch.ones(4, 2)), id_logits=None, neighbour_logits=None)
    errors = node_errors(output, path_batch([1, 2, 0, 3]))
    assert errors.reconstruction.tolist() == [1.0] * 4
    assert errors.id.tolist() == errors.neighbour.tolist() == [0.0] * 4
    assert not errors.id_known.any()
    assert not errors.neighbour_known.any()


def test_known_node_among_unknown_neighbours_has_no_neighbour_error() -> None:
    errors = node_errors(flat_output(torch.zeros(4, 2)), path_batch([0, 2, 0, 0]))
    assert errors.id_known.tolist() == [False, True, False, False]
    assert errors.neighbour_known.tolist() == [False] * 4
    assert errors.neighbour.tolist() == [0.0] * 4
