"""What a margin means, as part of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from can_train.detectors.evidence import Margins
from can_train.detectors.kernels.window import SurpriseTable
from can_train.detectors.onnx.graph import OnnxGraph, Tensor
from can_train.detectors.onnx.parts import OnnxWindows
from can_train.detectors.window_scorer import TrainedDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxSaid:
    """What a detector says of B windows; names of tensors, float64.

    Attributes:
        score: Margins [B].
        excess: How far they lie above the threshold, in units of its `Yardstick` [B].
        state: What it shows a fusion [B, S].
        familiarity: [B].
        doubt: What is taken off margins that stay below the threshold [B]; None: nothing is.
    """

    score: Tensor
    excess: Tensor
    state: Tensor
    familiarity: Tensor
    doubt: Tensor | None = None


def judged(
    g: OnnxGraph,
    trained: TrainedDetector,
    margin: Tensor,
    windows: OnnxWindows,
    own: Sequence[Tensor] = (),
    *,
    relies: bool = False,
) -> OnnxSaid:
    """What margins mean; see `detectors.base.Detector.said`.

    Args:
        g: The graph.
        trained: Whose margins they are.
        margin: [B], float64.
        windows: The windows.
        own: Further numbers that a fusion sees [B] each.
        relies: On a familiar car, the state may hold what is rare there alone.
    """
    familiarity, experience = windows.familiarity, trained.experience
    score = relieved(g, trained, margin, familiarity)
    known = surprise(g, score, experience.known_car)
    relied = both = g.op("Min", known, surprise(g, score, experience.other_cars))
    if relies:
        relied = g.op("Add", both, g.op("Mul", familiarity, g.op("Sub", known, both)))
    columns = [g.lifted(each, 1) for each in (score, known, both, relied, *own)]
    state = g.op("Concat", *columns, axis=1)
    above = excess(g, trained, margin, familiarity)
    return OnnxSaid(score=score, excess=above, state=state, familiarity=familiarity)


def relieved(g: OnnxGraph, trained: TrainedDetector, margin: Tensor, familiarity: Tensor) -> Tensor:
    """Margins that one threshold holds for, on familiar cars and on others."""
    relief = g.number(trained.threshold.relief, np.float64)
    return g.op("Add", margin, g.op("Mul", relief, familiarity))


def excess(g: OnnxGraph, trained: TrainedDetector, score: Tensor, familiarity: Tensor) -> Tensor:
    """How far scores lie above the threshold; see `detectors.base.Detector.excess`."""
    each = trained.experience.yardstick
    near, far = (
        g.op("Div", g.op("Sub", score, g.number(at, np.float64)), g.number(unit, np.float64))
        for at, unit in ((each.threshold, each.unit), (each.far_threshold, each.far_unit))
    )
    return g.op("Add", far, g.op("Mul", familiarity, g.op("Sub", near, far)))


def surprise(g: OnnxGraph, margin: Tensor, table: SurpriseTable) -> Tensor:
    """-log p of margins [B], float64; see `detectors.surprise.Surprise`."""
    reached = g.op("GreaterOrEqual", g.lifted(margin, 1), g.constant(table.known[None], "known"))
    at = g.op("Sub", g.sum(g.cast(reached, np.int64), 1), g.constant([1]))
    at = g.op("Max", at, g.constant([0]))
    none, last = g.number(0.0, np.float64), g.number(table.known[-1], np.float64)
    level, slope, known = (
        g.rows_of(g.constant(column, "surprise"), at)
        for column in (table.level, table.slope, table.known)
    )
    inside = g.op("Mul", slope, g.op("Max", g.op("Sub", margin, known), none))
    within = g.op("Where", g.op("Greater", margin, last), none, inside)
    tails = g.op("Div", _beyond(g, margin, last), g.number(table.tail, np.float64))
    more = g.op("Log", g.op("Add", g.number(1.0, np.float64), tails))
    return g.op("Add", g.op("Add", level, within), more)


def p_value(g: OnnxGraph, margin: Tensor, margins: Margins, output: Tensor) -> Tensor:
    """How rare margins [B] are among benign windows, float64; see `Margins.p_value`."""
    if not margins.windows:
        ones = g.op("Mul", margin, g.number(0.0, np.float64))
        return g.op("Add", ones, g.number(1.0, np.float64), output=output)
    above = g.op("Greater", g.lifted(margin, 1), g.constant(margins.values[None], "margins"))
    share = np.append(margins.p_value(margins.values), 1.0 / (margins.windows + 1.0))
    first = g.rows_of(g.constant(share, "p_values"), g.sum(g.cast(above, np.int64), 1))
    last = g.number(margins.values[-1], np.float64)
    tails = g.op("Div", _beyond(g, margin, last), g.number(margins.tail, np.float64))
    rest = g.op("Add", g.number(1.0, np.float64), tails)
    return g.op("Div", first, rest, output=output)


def _beyond(g: OnnxGraph, margin: Tensor, last: Tensor) -> Tensor:
    return g.op("Max", g.op("Sub", margin, last), g.number(0.0, np.float64))
