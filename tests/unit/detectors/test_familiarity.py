import torch

from can_train.detectors.familiarity import familiarity
from can_train.graphs.batch import ScaledGraphs


def windows(*ids: list[int]) -> ScaledGraphs:
    """One window for each list of places in the ID vocabulary; 0 is an unknown ID."""
    nodes = sum(len(of) for of in ids)
    return ScaledGraphs(
        x=torch.zeros(nodes, 1),
        id_index=torch.tensor([i for of in ids for i in of], dtype=torch.int64),
        edge_index=torch.zeros(2, 0, dtype=torch.int64),
        edge_attr=torch.zeros(0, 1),
        batch=torch.repeat_interleave(torch.tensor([len(of) for of in ids])),
        num_graphs=len(ids),
    )


def test_a_car_is_known_by_most_of_its_ids():
    found = familiarity(windows([1, 2, 3], [0, 0, 0], [1, 2, 3, 0, 0], [1] * 9 + [0]))
    assert found.tolist() == [1.0, 0.0, 0.0, 0.5]


def test_what_two_cars_have_in_common_makes_neither_known():
    assert familiarity(windows([1, 2, 3, 4, 0])).tolist() == [0.0]
