"""The fusion as part of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from can_train.config.schema import FusionConfig
from can_train.config.spec import spec_of
from can_train.detectors.kernels.window_fusion import ALPHAS, ANOMALY_MARGIN, STATE_LIMIT
from can_train.detectors.onnx.graph import OnnxGraph, Tensor
from can_train.detectors.onnx.parts import OnnxSaid, dense, excess, relieved
from can_train.detectors.window_scorer import TrainedDetector, layers_of


def add(g: OnnxGraph, trained: TrainedDetector, experts: Mapping[str, OnnxSaid]) -> OnnxSaid:
    """The fused margin of what its experts say."""
    by_role = {spec_of(name).role: said for name, said in experts.items()}
    one, other = by_role["anomaly"], by_role["probability"]
    state = g.op("Concat", one.state, other.state, axis=1)
    off = g.op("Sub", state, g.constant(trained.extras["state_mean"], "state_mean"))
    z = g.op("Div", off, g.constant(trained.extras["state_scale"], "state_scale"))
    margin = _margin(g, trained, z, (one.excess, other.excess))
    score = relieved(g, trained, margin, one.familiarity)
    above = excess(g, trained, score, one.familiarity)
    return OnnxSaid(score=score, excess=above, state=state, familiarity=one.familiarity)


def _margin(
    g: OnnxGraph, trained: TrainedDetector, z: Tensor, said: tuple[Tensor, Tensor]
) -> Tensor:
    """By its policy, of standardised states [B, S] and two excesses [B]."""
    policy = (trained.config.fusion or FusionConfig()).fusion_policy
    if policy == "dqn":
        return _by_agent(g, trained, z, said)
    weight = g.constant(trained.weights["weight"].astype(np.float64), "weight")
    if policy == "logistic":
        seen = z
    elif policy == "maximum":
        seen = g.lifted(_most(g, *said), 1)
    else:
        seen = g.lifted(g.op("Div", g.op("Add", *said), g.number(2.0, np.float64)), 1)
    total = g.sum(g.op("Mul", seen, weight), 1)
    return g.op("Add", total, g.constant(trained.weights["bias"].astype(np.float64), "bias"))


def _most(g: OnnxGraph, anomaly: Tensor, probability: Tensor) -> Tensor:
    """The classifier's excess, and the anomaly detector's where it is sure and larger."""
    sure = g.op("Sub", anomaly, g.number(ANOMALY_MARGIN, np.float64))
    has_a_say = g.op("Greater", sure, g.number(0.0, np.float64))
    return g.op("Where", has_a_say, g.op("Max", sure, probability), probability)


def _by_agent(
    g: OnnxGraph, trained: TrainedDetector, z: Tensor, said: tuple[Tensor, Tensor]
) -> Tensor:
    low, high = g.number(-STATE_LIMIT, np.float64), g.number(STATE_LIMIT, np.float64)
    seen = g.cast(g.op("Clip", z, low, high), np.float32)
    values = dense(g, seen, trained.weights, layers_of(trained.weights, "agent.layers"), "Relu")
    best = g.op("ArgMax", values, axis=1, keepdims=0)
    alpha = g.rows_of(g.constant(ALPHAS, "alphas"), best)
    rest = g.op("Sub", g.number(1.0, np.float64), alpha)
    return g.op("Add", g.op("Mul", rest, said[0]), g.op("Mul", alpha, said[1]))
