"""The fusion as part of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from can_train.config.schema import FusionConfig
from can_train.config.spec import spec_of
from can_train.detectors.kernels.window_fusion import ALPHAS, STATE_LIMIT, SUPPORT, SUPPORT_RISE
from can_train.detectors.onnx.graph import OnnxGraph, Tensor
from can_train.detectors.onnx.judging import OnnxSaid, excess, relieved
from can_train.detectors.onnx.parts import dense
from can_train.detectors.window_scorer import TrainedDetector, layers_of
from can_train.graphs.features import RelationalNode
from can_train.graphs.kernels.earliness import EARLY


def add(g: OnnxGraph, trained: TrainedDetector, experts: Mapping[str, OnnxSaid]) -> OnnxSaid:
    """The fused margin of what its experts say."""
    by_role = {spec_of(name).role: said for name, said in experts.items()}
    one, other = by_role["anomaly"], by_role["probability"]
    state = g.op("Concat", one.state, other.state, axis=1)
    off = g.op("Sub", state, g.constant(trained.extras["state_mean"], "state_mean"))
    z = g.op("Div", off, g.constant(trained.extras["state_scale"], "state_scale"))
    said = one.excess, other.excess, _rhythm(g, trained)
    margin = _margin(g, trained, z, said)
    score = relieved(g, trained, margin, one.familiarity)
    above = excess(g, trained, score, one.familiarity)
    return OnnxSaid(
        score=score,
        excess=above,
        state=state,
        familiarity=one.familiarity,
        doubt=_doubt(g, trained, one.excess),
    )


def _margin(
    g: OnnxGraph, trained: TrainedDetector, z: Tensor, said: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    """By its policy, of standardised states [B, S] and three excesses [B]."""
    policy = (trained.config.fusion or FusionConfig()).fusion_policy
    if policy == "dqn":
        return _by_agent(g, trained, z, said)
    weight = g.constant(trained.weights["weight"].astype(np.float64), "weight")
    if policy == "logistic":
        seen = z
    elif policy == "maximum":
        seen = g.lifted(_most(g, *said), 1)
    else:
        seen = g.lifted(g.op("Div", g.op("Add", *said[:2]), g.number(2.0, np.float64)), 1)
    total = g.sum(g.op("Mul", seen, weight), 1)
    return g.op("Add", total, g.constant(trained.weights["bias"].astype(np.float64), "bias"))


def _most(g: OnnxGraph, anomaly: Tensor, probability: Tensor, rhythm: Tensor) -> Tensor:
    """The classifier's excess with the anomaly detector's support, or that of the rhythm."""
    nothing = g.number(0.0, np.float64)
    above = g.op("Max", anomaly, nothing)
    rise = g.op("Mul", above, g.number(SUPPORT_RISE, np.float64))
    most = g.op("Add", probability, g.op("Min", rise, g.number(SUPPORT, np.float64)))
    return g.op("Where", g.op("Greater", rhythm, nothing), g.op("Max", rhythm, most), most)


def _doubt(g: OnnxGraph, trained: TrainedDetector, anomaly: Tensor) -> Tensor | None:
    """See `policies.LinearFusion.doubt`."""
    if (trained.config.fusion or FusionConfig()).fusion_policy != "maximum":
        return None
    below = g.op("Max", g.op("Neg", anomaly), g.number(0.0, np.float64))
    return g.op("Mul", below, g.number(float(trained.weights["weight"][0]), np.float64))


def _rhythm(g: OnnxGraph, trained: TrainedDetector) -> Tensor:
    """How early the earliest frame of each window is [B]; see `fusion.rhythm.rhythm`."""
    windows = g.op("Add", g.op("ReduceMax", "window", keepdims=1), g.constant([1]))
    earliest = g.filled(windows, None, 0.0, np.float32)
    if trained.config.data.features == "relational":
        early = g.column("node_x", int(RelationalNode.EARLINESS))
        earliest = g.maxima(early, "window", windows)
    scaled = g.op("Div", g.cast(earliest, np.float64), g.number(EARLY, np.float64))
    return g.op("Sub", scaled, g.number(1.0, np.float64))


def _by_agent(
    g: OnnxGraph, trained: TrainedDetector, z: Tensor, said: tuple[Tensor, Tensor, Tensor]
) -> Tensor:
    low, high = g.number(-STATE_LIMIT, np.float64), g.number(STATE_LIMIT, np.float64)
    seen = g.cast(g.op("Clip", z, low, high), np.float32)
    values = dense(g, seen, trained.weights, layers_of(trained.weights, "agent.layers"), "Relu")
    best = g.op("ArgMax", values, axis=1, keepdims=0)
    alpha = g.rows_of(g.constant(ALPHAS, "alphas"), best)
    rest = g.op("Sub", g.number(1.0, np.float64), alpha)
    return g.op("Add", g.op("Mul", rest, said[0]), g.op("Mul", alpha, said[1]))
