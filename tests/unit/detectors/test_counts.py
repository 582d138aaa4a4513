import pytest
from torch import nn

from can_train.config.presets import usual_architecture
from can_train.detectors.build import network
from can_train.detectors.counts import describe, parameter_count, scoring_batch

VOCABULARY = 75 + 1
SIZES = ("teacher", "student")


def count(model: str, size: str, features: str = "relational") -> int:
    """Parameters of what the preset makes, for a car with 75 known IDs."""
    sizes = usual_architecture(model, size)
    return parameter_count(network(model, sizes, features, VOCABULARY))


def test_counts_of_the_presets_at_75_ids_are_as_published() -> None:
    assert {f"{m} {size}": count(m, size) for m in ("gat", "vgae", "dqn") for size in SIZES} == {
        "gat teacher": 1_201_470,
        "gat student": 48_042,
        "vgae teacher": 1_245_501,
        "vgae student": 7_511,
        "dqn teacher": 683_157,
        "dqn student": 30_901,
    }


def test_teachers_score_in_smaller_batches() -> None:
    made = {
        f"{model} {size}": network(model, usual_architecture(model, size), "relational", VOCABULARY)
        for model in ("gat", "vgae", "dqn")
        for size in SIZES
    }
    assert {name: scoring_batch([each]) for name, each in made.items()} == {
        "gat teacher": 64,
        "gat student": 256,
        "vgae teacher": 64,
        "vgae student": 256,
        "dqn teacher": 256,
        "dqn student": 256,
    }
    assert scoring_batch(made.values()) == 64
    assert scoring_batch([]) == 256


@pytest.mark.parametrize("features", ["relational", "classic"])
def test_students_stay_within_their_budgets(features: str) -> None:
    students = {model: count(model, "student", features) for model in ("gat", "vgae", "dqn")}
    for model, budget in {"gat": 50_000, "vgae": 10_000, "dqn": 32_500}.items():
        assert students[model] <= budget
    assert sum(students.values()) <= 91_000


def test_teachers_lie_within_ten_percent_of_the_table() -> None:
    assert count("gat", "teacher") == pytest.approx(1.1e6, rel=0.1)
    assert 0.9 * 1.3e6 <= count("vgae", "teacher") <= 1.1 * 1.7e6
    assert count("dqn", "teacher") == pytest.approx(687_000, rel=0.1)


def test_relational_gat_has_no_parameter_that_depends_on_ids() -> None:
    gat = network("gat", usual_architecture("gat", "student"), "relational", VOCABULARY)
    assert not [name for name, _ in gat.named_parameters() if "embedding" in name]


def test_describe_names_total_and_every_part() -> None:
    gat = network("gat", usual_architecture("gat", "student"), "relational", VOCABULARY)
    assert describe(gat) == "GAT 48,042 parameters: convolutions 13,920, classifier 34,122"


def test_a_parameter_used_twice_or_frozen_is_not_counted_again() -> None:
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    frozen = nn.Linear(4, 4).requires_grad_(False)
    assert parameter_count(nn.Sequential(first, second, frozen)) == 9


def test_describe_counts_parameters_a_module_owns_itself() -> None:
    module = nn.Linear(2, 3)
    assert describe(module) == "Linear 9 parameters: own 9"
