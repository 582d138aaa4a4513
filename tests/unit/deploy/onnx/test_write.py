"""ONNX Runtime says what the modules say, of any number of windows at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from can_train.config.schema import DataConfig, FusionConfig
from can_train.config.spec import implementation, spec_of
from can_train.deploy.onnx.write import model_of
from can_train.detectors.base import Detector
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.detectors.frame_scorer import FrameScorer, ModuleFrameScorer
from can_train.detectors.fusion import onnx as of_fusion
from can_train.detectors.fusion.rhythm import rhythm_in
from can_train.detectors.gat import onnx as of_gat
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.kernels.window_fusion import SUPPORT, SUPPORT_RISE
from can_train.detectors.scoring import score_windows
from can_train.detectors.vgae import onnx as of_vgae
from can_train.errors import ArtifactError
from can_train.graphs.build import build_graphs
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.feed import raw_graphs
from can_train.graphs.scaling import IdVocabulary
from tests.unit.detectors_for_tests import config_of, untrained
from tests.unit.streaming.streams_for_tests import WINDOW, fused, traffic

pytestmark = pytest.mark.onnx


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    return fused()


def ran(
    detector: FrameScorer, graphs: PackedGraphs, windows: NDArray[np.int64]
) -> Mapping[str, NDArray[np.float64]]:
    """Outputs of the model by name."""
    import onnxruntime

    model = model_of(detector, {"licence": "none"}).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    raw = raw_graphs(graphs, windows)
    names = [output.name for output in session.get_outputs()]
    found = session.run(
        names,
        {
            "node_x": raw.node_x.numpy(),
            "node_id": raw.node_id.numpy(),
            "edge_x": raw.edge_x.numpy(),
            "edge_index": raw.edge_index.numpy(),
            "window": raw.batch.numpy(),
        },
    )
    return dict(zip(names, found, strict=True))


def require_same(detector: FrameScorer, windows: NDArray[np.int64], apart: float = 1e-5) -> None:
    graphs = build_graphs(traffic()[: 120 * WINDOW], detector.spec)
    found, expected = ran(detector, graphs, windows), detector.score_graphs(graphs)
    doubts = 0
    for name, (score, doubt) in expected.items():
        row = detector.detectors[name].spec.row
        assert np.ptp(score) > 0
        if doubt.any():
            assert np.abs(found[f"{row}_doubt"] - doubt[windows]).max() <= apart
            doubts += 1
        assert np.abs(found[f"{row}_margin"] - score[windows]).max() <= apart
        p_value = detector.evidence[row].p_value(score[windows])
        assert np.abs(found[f"{row}_p_value"] - p_value).max() <= 1e-3
    assert len(found) == 2 * len(expected) + doubts


@pytest.mark.parametrize("windows", [range(120), [7], [90, 3]], ids=["all", "one", "two"])
def test_margins_and_p_values_are_those_of_the_modules(
    detector: FrameScorer, windows: range | list[int]
) -> None:
    require_same(detector, np.array(windows))


def made(model: str, features: str = "relational", **changes: object) -> Detector:
    data = DataConfig(
        dataset_digest="d",
        split_digest="s",
        window=WINDOW,
        stride=WINDOW,
        features=features,  # type: ignore[arg-type]
    )
    vocabulary = IdVocabulary(ids=np.unique(traffic().arbitration_id[:1000]))
    return untrained(config_of(model, data=data, **changes), vocabulary=vocabulary)


def some_of_them_above(detector: Detector) -> NDArray[np.float64]:
    """Excesses of windows after a threshold that some of them exceed."""
    alone = ModuleFrameScorer(detector, {})
    graphs = build_graphs(traffic()[: 120 * WINDOW], alone.spec)
    ((score, _),) = alone.score_graphs(graphs).values()
    usual, value = np.quantile(score, [0.2, 0.5])
    threshold = replace(detector.threshold, value=float(value), real_value=float(value))
    detector.settle(threshold, CalibrationEvidence(benign=Margins.of(np.array([usual]))))
    with torch.no_grad():
        excess: NDArray[np.float64] = detector(raw_graphs(graphs, np.arange(120))).excess.numpy()
    return excess


@pytest.mark.parametrize("policy", ["dqn", "logistic", "mean"])
def test_every_policy_and_ids_that_are_embedded(policy: str) -> None:
    experts = {name: made(name, "classic") for name in ("vgae", "gat")}
    fusion = FusionConfig(fusion_policy=policy)  # type: ignore[arg-type]
    require_same(ModuleFrameScorer(made("dqn", "classic", fusion=fusion), experts), np.arange(120))


def test_the_maximum_has_the_support_of_the_anomaly_detector() -> None:
    experts = {name: made(name, "classic") for name in ("vgae", "gat")}
    above = some_of_them_above(experts["vgae"])
    rising = SUPPORT_RISE * above < SUPPORT
    assert (above < 0).any() and ((above > 0) & rising).any() and (~rising).any()
    fused = ModuleFrameScorer(
        made("dqn", "classic", fusion=FusionConfig(fusion_policy="maximum")), experts
    )
    graphs = build_graphs(traffic()[: 120 * WINDOW], fused.spec)
    assert fused.score_graphs(graphs)["dqn"].doubt.any()
    # The unit of an excess is a hundredth here: what isn't trained scores all windows alike.
    require_same(fused, np.arange(120), apart=1e-4)


def test_the_maximum_hears_the_rhythm_where_the_others_are_silent() -> None:
    detector = fused(FusionConfig(fusion_policy="maximum"))
    assert isinstance(detector, ModuleFrameScorer)
    for each in detector.modules.values():
        if not each.fuses:
            high = replace(each.threshold, value=50.0, real_value=50.0, level=None)
            each.settle(high, each.evidence)
    graphs = build_graphs(traffic(), detector.spec)
    heard = np.flatnonzero(rhythm_in(graphs, np.arange(len(graphs))) > 0)
    assert len(heard) > 20
    found = ran(detector, graphs, heard)["fusion_margin"]
    expected = score_windows(detector.modules.values(), graphs, heard)["dqn"].score
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(np.unique(found)) > 10


@pytest.mark.parametrize(
    "sizes", [{"neighbours": "mean"}, {"neighbours": "none"}, {"edge_features": False}]
)
def test_weights_without_a_say_have_none(sizes: Mapping[str, object]) -> None:
    usual = config_of("gat").architecture
    assert isinstance(usual, GatConfig)
    architecture = replace(usual, pooling="mean", **sizes)  # type: ignore[arg-type]
    require_same(ModuleFrameScorer(made("gat", architecture=architecture), {}), np.arange(120))


def test_the_model_tells_what_its_user_has_to_know(detector: FrameScorer) -> None:
    model = model_of(detector, {"licence": "none"})
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["licence"] == "none"
    assert told["window"] == {"features": "relational", "frames": WINDOW, "stride": WINDOW}
    assert told["thresholds"]["fusion"] == detector.thresholds["fusion"].value
    levels = told["levels"]["fusion"]
    assert levels["level"] == detector.thresholds["fusion"].level
    assert levels["step"] == detector.thresholds["fusion"].level_step > 0
    assert (levels["steps"], levels["warm_up_windows"], levels["memory_windows"]) == (256, 20, 4096)
    assert "novelty" in told["node_features"]
    again = model_of(detector, {"licence": "none"})
    assert again.SerializeToString(deterministic=True) == model.SerializeToString(
        deterministic=True
    )


def test_a_detector_without_such_a_form_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, own in (("gat", of_gat), ("vgae", of_vgae), ("dqn", of_fusion)):
        assert implementation(spec_of(name).onnx) is own.add
    alone = ModuleFrameScorer(made("gat"), {})
    without = replace(spec_of("gat"), onnx="")
    monkeypatch.setattr("can_train.detectors.window_scorer.spec_of", lambda name: without)
    with pytest.raises(ArtifactError, match="gat: has no form in ONNX"):
        model_of(alone, {})
