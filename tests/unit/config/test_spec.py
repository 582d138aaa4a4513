"""What detectors declare: found by their folders, told apart by name, asked for by role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from can_train.config.spec import (
    ALIAS_STRATEGY,
    experts,
    implementation,
    model_names,
    spec_of,
    specs,
    strategies_on,
    usual_expert,
)
from can_train.errors import ConfigError
from can_train.plugins import PLUGINS_VARIABLE
from can_train.vocab import TRAINING_STRATEGIES

TOY = Path(__file__).parents[2] / "plugins" / "toy_detector.py"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Detectors are looked for again, and again after the test."""
    monkeypatch.delenv(PLUGINS_VARIABLE, raising=False)
    specs.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    specs.cache_clear()


def test_detectors_are_found_by_their_folders(fresh: pytest.MonkeyPatch) -> None:
    assert model_names() == ("vgae", "gat", "dqn")
    fresh.setenv(PLUGINS_VARIABLE, str(TOY))
    specs.cache_clear()
    assert model_names() == ("vgae", "gat", "toy", "dqn")


def test_two_detectors_of_one_name_are_refused(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    again = tmp_path / "toy_again.py"
    again.write_text(TOY.read_text())
    fresh.setenv(PLUGINS_VARIABLE, os.pathsep.join([str(TOY), str(again)]))
    with pytest.raises(ConfigError, match=r"two detectors are called toy\. Rename the one that"):
        specs()


def test_the_usual_expert_of_a_role_stays_when_another_can_do_it(
    fresh: pytest.MonkeyPatch,
) -> None:
    fresh.setenv(PLUGINS_VARIABLE, str(TOY))
    assert [spec.name for spec in experts()] == ["vgae", "gat", "toy"]
    assert usual_expert("anomaly").name == "vgae"
    assert usual_expert("probability").name == "gat"


def test_strategies_that_consume_a_detector_follow_from_the_roles() -> None:
    assert spec_of("dqn").needed("fusion") == ("anomaly", "probability")
    assert spec_of("dqn").needed("normal") == ()
    assert "fusion" in strategies_on(spec_of("gat"))
    assert strategies_on(spec_of("dqn")) == ()


@pytest.mark.parametrize("name", ["vgae", "gat", "dqn"])
def test_what_a_detector_declares_is_there(name: str) -> None:
    spec = spec_of(name)
    assert set(spec.strategies) <= {*TRAINING_STRATEGIES}
    assert spec.strategies[0] != ALIAS_STRATEGY
    assert set(spec.presets) == set(spec.training) == {"teacher", "student"}
    assert all(type(preset) is spec.architecture for preset in spec.presets.values())
    assert bool(spec.refusal) is not spec.distils
    assert spec.path_word == f"{name}_path"
    assert isinstance(implementation(spec.detector), type)
    assert callable(implementation(spec.stage))
