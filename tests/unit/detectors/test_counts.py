import pytest
from torch import nn

from can_train.detectors.counts import describe, parameter_count
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.gat.network import GAT
from can_train.detectors.vgae.network import VGAE

KNOWN_IDS = 75
NODE, EDGE = 20, 12


def gat(size: str, *, num_ids: int = 0, node: int = NODE, edge: int = EDGE) -> GAT:
    teacher = size == "teacher"
    return GAT(
        node_channels=node,
        edge_channels=edge,
        num_ids=num_ids,
        layers=5 if teacher else 2,
        heads=8 if teacher else 4,
        hidden_channels=64 if teacher else 24,
        id_embedding=32 if teacher else 8,
        fc_channels=(24, 12) if teacher else (96, 48),
        dropout=0.1,
    )


def vgae(size: str, *, num_ids: int = 0, node: int = NODE, edge: int = EDGE) -> VGAE:
    teacher = size == "teacher"
    return VGAE(
        node_channels=node,
        edge_channels=edge,
        num_ids=num_ids,
        vocabulary_size=KNOWN_IDS + 1,
        encoder_channels=(1024, 512) if teacher else (80, 40),
        decoder_channels=(512, 1024) if teacher else (32,),
        latent_channels=96 if teacher else 16,
        heads=4 if teacher else 1,
        id_embedding=64 if teacher else 4,
    )


def dqn(size: str) -> QNetwork:
    width, layers = (576, 3) if size == "teacher" else (160, 2)
    return QNetwork(state_channels=15, actions=21, hidden_channels=width, hidden_layers=layers)


def test_counts_of_the_presets_at_75_ids_are_as_published() -> None:
    counts = {
        f"{model.__name__} {size}": parameter_count(model(size))
        for model in (gat, vgae, dqn)
        for size in ("teacher", "student")
    }
    assert counts == {
        "gat teacher": 1_139_006,
        "gat student": 37_010,
        "vgae teacher": 1_260_018,
        "vgae student": 9_308,
        "dqn teacher": 686_037,
        "dqn student": 31_701,
    }


def test_students_stay_within_their_budgets_with_either_feature_set() -> None:
    for ids, node, edge in ((0, NODE, EDGE), (KNOWN_IDS + 1, 10, 11)):
        widths = {"num_ids": ids, "node": node, "edge": edge}
        students = [
            parameter_count(gat("student", **widths)),
            parameter_count(vgae("student", **widths)),
            parameter_count(dqn("student")),
        ]
        for count, budget in zip(students, (50_000, 10_000, 32_500), strict=True):
            assert count <= budget
        assert sum(students) <= 91_000


def test_teachers_lie_within_ten_percent_of_the_table() -> None:
    assert parameter_count(gat("teacher")) == pytest.approx(1.1e6, rel=0.1)
    assert 0.9 * 1.3e6 <= parameter_count(vgae("teacher")) <= 1.1 * 1.7e6
    assert parameter_count(dqn("teacher")) == pytest.approx(687_000, rel=0.1)


def test_relational_gat_has_no_parameter_that_depends_on_ids() -> None:
    assert not [name for name, _ in gat("student").named_parameters() if "embedding" in name]


def test_describe_names_total_and_every_part() -> None:
    assert describe(gat("student")) == (
        "GAT 37,010 parameters: convolutions 13,728, classifier 23,282"
    )


def test_a_parameter_used_twice_or_frozen_is_not_counted_again() -> None:
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    frozen = nn.Linear(4, 4).requires_grad_(False)
    assert parameter_count(nn.Sequential(first, second, frozen)) == 9


def test_describe_counts_parameters_a_module_owns_itself() -> None:
    module = nn.Linear(2, 3)
    assert describe(module) == "Linear 9 parameters: own 9"
