"""Policies of the fusion on what two experts say of one window."""

from __future__ import annotations

from enum import auto, unique
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.detectors.kernels.layers import dense
from can_train.detectors.kernels.stacks import DenseStack, LayerRoom
from can_train.detectors.kernels.window import Experience, excess_of
from can_train.graphs.features import Column, RelationalNode
from can_train.graphs.kernels.earliness import EARLY

ACTIONS: Final = 21

ALPHAS: Final = np.linspace(0.0, 1.0, ACTIONS)
"""Fusion weights 0, 0.05, ... 1 that the agent chooses from."""

STATE_LIMIT: Final = 5.0
"""Standardised state numbers are clipped here: far outside, the agent knows nothing more."""


SUPPORT: Final = 0.85
"""Most that an alarm of the anomaly detector adds to the classifier's excess: it never overrules a
classifier that finds a window as usual as most (-1), and settles what that one has a suspicion of
(docs/decisions/0026, 0027)."""

SUPPORT_RISE: Final = 3.0
"""How fast that comes above its threshold: a jump would make two windows that are alike far
apart."""


@unique
class Policy(Column):
    """Policies; the names are those of settings, in capitals."""

    DQN = auto()
    LOGISTIC = auto()
    MAXIMUM = auto()
    MEAN = auto()


class FusionParts(NamedTuple):
    """A trained fusion.

    Attributes:
        policy: `Policy`.
        mean: Of the states that it was fitted on [S], float64.
        scale: Their standard deviation [S], float64.
        agent: The Q-network; without layers where there is none.
        weight: Of a linear policy, and its bias last [C + 1], float64.
        experience: Benign margins.
    """

    policy: int
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    agent: DenseStack
    weight: NDArray[np.float64]
    experience: Experience


@compiled()
def rhythm_excess(node_x: NDArray[np.float32], nodes: int) -> float:
    """How far the earliest frame of a window is beyond `EARLY`, in units of it.

    Args:
        node_x: `relational` node features, of which the first `nodes` count [N, F].
        nodes: Nodes of the window.
    """
    earliest = 0.0
    for node in range(nodes):
        earliest = max(earliest, float(node_x[node, RelationalNode.EARLINESS]))
    return earliest / EARLY - 1.0


@compiled()
def fuse(
    fusion: FusionParts,
    state: NDArray[np.float64],
    excess: tuple[float, float, float],
    familiarity: float,
    room: LayerRoom,
) -> tuple[float, float, float]:
    """The fused margin, how far it lies above its threshold, and its doubt.

    The maximum's doubt is what the anomaly detector lies below its threshold: of windows that the
    classifier finds equally usual, those rank lower that the other one finds usual, too
    (docs/decisions/0028).

    Args:
        fusion: The policy.
        state: What both experts show it [S].
        excess: That of the anomaly detector, that of the classifier, and that of the rhythm.
        familiarity: How far the window's car is one that was trained on, from 0 to 1.
        room: Memory for the agent.
    """
    margin = _margin(fusion, state, excess, room)
    score = margin + fusion.experience.relief * familiarity
    doubt = 0.0
    if fusion.policy == Policy.MAXIMUM:
        doubt = fusion.weight[0] * max(-excess[0], 0.0)
    return score, excess_of(score, familiarity, fusion.experience.yardstick), doubt


@compiled()
def _margin(
    fusion: FusionParts,
    state: NDArray[np.float64],
    excess: tuple[float, float, float],
    room: LayerRoom,
) -> float:
    one, other, rhythm = excess
    if fusion.policy == Policy.DQN:
        alpha = float(ALPHAS[_action(fusion, state, room)])
        return (1.0 - alpha) * one + alpha * other
    if fusion.policy == Policy.MAXIMUM:
        most = other + min(SUPPORT_RISE * max(one, 0.0), SUPPORT)
        if rhythm > 0.0:
            most = max(most, rhythm)
        return float(most * fusion.weight[0] + fusion.weight[1])
    if fusion.policy == Policy.MEAN:
        return float((one + other) / 2.0 * fusion.weight[0] + fusion.weight[1])
    total = 0.0
    for k in range(len(state)):
        total += (state[k] - fusion.mean[k]) / fusion.scale[k] * fusion.weight[k]
    return float(total + fusion.weight[-1])


@compiled()
def _action(fusion: FusionParts, state: NDArray[np.float64], room: LayerRoom) -> int:
    """The action with the largest Q-value, the first of several."""
    for k in range(len(state)):
        z = (state[k] - fusion.mean[k]) / fusion.scale[k]
        room.x[0, k] = min(max(z, -STATE_LIMIT), STATE_LIMIT)
    dense(fusion.agent, 1, room, True)
    return int(np.argmax(room.x[0, :ACTIONS]))
