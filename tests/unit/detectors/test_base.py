"""A detector is a module from stored graphs to scores: scaling, look-up and calibration inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.config.schema import DataConfig
from can_train.config.spec import spec_of
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector, Inputs, Scores
from can_train.detectors.scoring import score_windows
from can_train.errors import ArtifactError
from can_train.graphs.batch import RawGraphs
from can_train.graphs.feed import raw_graphs
from can_train.graphs.scaling import IdVocabulary
from tests.lab import Lab
from tests.unit.detectors_for_tests import config_of, untrained

SCORES = ("score", "state")


def trained(lab: Lab, model: str, data: DataConfig) -> Detector:
    return load_detector(Path(str(lab.parent_of(lab.config(model, data=data)).path)))


@pytest.mark.parametrize("features", ["classic", "relational"])
@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_the_module_gives_bit_for_bit_what_scoring_and_feeding_by_hand_give(
    lab: Lab, model: str, features: str
) -> None:
    data = lab.data(features=features)
    detector = trained(lab, model, data)
    store = lab.inputs(lab.config(model, data=data)).store
    windows = np.arange(40, 0, -1)
    scored = score_windows([detector], store, windows)[model]
    with torch.no_grad():
        called = detector(raw_graphs(store, windows))
        by_hand = detector.scored(detector.feed(store).batch(windows))
    assert called.state.shape == (40, spec_of(model).state_channels)
    for name in SCORES:
        values = {
            "called": vars_of(called)[name].numpy(),
            "by hand": vars_of(by_hand)[name].numpy(),
            "scored": {"score": scored.score, "state": scored.state}[name],
        }
        for how, value in values.items():
            assert value.dtype == np.float64, (name, how)
            assert np.isfinite(value).all(), (name, how)
            assert np.array_equal(value, values["called"]), (name, how)


def vars_of(scores: Scores) -> dict[str, torch.Tensor]:
    return {"score": scores.score, "state": scores.state}


@pytest.mark.parametrize("features", ["classic", "relational"])
def test_a_fusion_gives_bit_for_bit_what_it_gives_from_its_experts_scores(
    lab: Lab, features: str
) -> None:
    data = lab.data(features=features)
    experts = {name: lab.parent_of(lab.config(name, data=data)) for name in ("vgae", "gat")}
    dqn = load_detector(
        Path(str(lab.parent_of(lab.config("dqn", data=data, experts=experts)).path))
    )
    ordered = [trained(lab, "vgae", data), trained(lab, "gat", data), dqn]
    store = lab.inputs(lab.config("gat", data=data)).store
    windows = np.arange(30)
    scored = score_windows(ordered, store, windows)["dqn"]
    with torch.no_grad():
        graphs = raw_graphs(store, windows)
        said = dqn.fused({"vgae": ordered[0](graphs), "gat": ordered[1](graphs)}, graphs)
    assert np.array_equal(said.score.numpy(), scored.score)
    assert np.array_equal(said.state.numpy(), scored.state)
    channels = sum(spec_of(name).state_channels for name in ("vgae", "gat"))
    assert scored.state.shape == (30, channels)


def test_unknown_ids_and_an_empty_vocabulary_are_looked_up_as_in_training() -> None:
    gat = untrained(config_of("gat"))
    asked = np.array([0, 2, 3, 0x316, 0x80012344, 0x80012345, 0xFFFFFFFF], np.uint32)
    for ids in (gat.vocabulary.ids, np.array([], np.uint32)):
        vocabulary = IdVocabulary(ids=ids)
        inputs = Inputs(gat.scaler, vocabulary)
        found = inputs(graphs_of(asked)).id_index
        assert found.tolist() == vocabulary.index(asked).tolist()


def graphs_of(ids: np.ndarray) -> RawGraphs:
    """One window with a node per ID and no edge."""
    return RawGraphs(
        node_x=torch.zeros(len(ids), 21),
        node_id=torch.from_numpy(ids.astype(np.int64)),
        edge_x=torch.zeros(0, 12),
        edge_index=torch.zeros(2, 0, dtype=torch.int64),
        batch=torch.zeros(len(ids), dtype=torch.int64),
        num_graphs=1,
    )


def test_features_are_scaled_and_clipped_as_in_training() -> None:
    gat = untrained(config_of("gat"))
    inputs = Inputs(gat.scaler, gat.vocabulary)
    raw = graphs_of(np.array([2, 3], np.uint32))
    node_x = torch.full((2, 21), 4.5)
    node_x[1] = 1e6
    scaled = inputs(replace(raw, node_x=node_x)).x
    assert scaled[0].unique().tolist() == [2.0]  # (4.5 - 0.5) / 2
    assert scaled[1].unique().tolist() == [10.0]


def test_a_detector_is_in_eval_mode_and_its_parts_are_on_its_device() -> None:
    vgae = untrained(config_of("vgae"))
    assert not any(module.training for module in vgae.modules())
    moved = vgae.to("meta")
    assert {value.device.type for value in moved.state_dict().values()} == {"meta"}


def test_what_a_detector_cant_be_asked_is_said() -> None:
    gat, dqn = untrained(config_of("gat")), untrained(config_of("dqn"))
    raw = graphs_of(np.array([2], np.uint32))
    with pytest.raises(TypeError, match="a dqn scores no graphs by itself"):
        dqn(raw)
    with pytest.raises(TypeError, match="a gat builds on no other detector"):
        gat.fused({}, raw)
    with pytest.raises(ArtifactError, match="a dqn can't be a teacher"):
        dqn.teach(dqn.inputs(raw))


def relieved(detector: Detector, relief: float) -> Detector:
    """The detector with another relief for cars that were trained on."""
    detector.settle(replace(detector.threshold, relief=relief), detector.evidence)
    return detector


@pytest.mark.parametrize("model", ["vgae", "gat", "dqn"])
def test_a_relief_raises_the_scores_of_familiar_cars_alone(lab: Lab, model: str) -> None:
    config = lab.config(model)
    if model == "dqn":
        experts = {name: lab.parent_of(lab.config(name)) for name in ("vgae", "gat")}
        config = lab.config(model, experts=experts)
    detector = load_detector(Path(str(lab.parent_of(config).path)))
    ordered = [trained(lab, name, config.data) for name in ("vgae", "gat")]
    ordered = [*ordered, detector] if model == "dqn" else [detector]
    store, windows = lab.inputs(config).store, np.arange(40)
    before = score_windows(ordered, store, windows)[model]
    relieved(detector, detector.threshold.relief + 2.0)
    after = score_windows(ordered, store, windows)[model]
    assert before.familiarity.max() == 1.0
    assert np.allclose(after.score - before.score, 2.0 * before.familiarity)
    assert np.array_equal(after.familiarity, before.familiarity)
    if not detector.fuses:
        graphs = raw_graphs(store, windows)
        strange = replace(graphs, node_id=torch.full_like(graphs.node_id, 0x7FF))
        with torch.no_grad():
            loud, quiet = detector(strange), relieved(detector, 0.0)(strange)
        assert loud.familiarity.max() == 0.0
        assert torch.equal(loud.score, quiet.score)
