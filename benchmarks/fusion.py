"""The fusion's agent: CPU-seconds of 10,000 steps by the training loop, with all that it writes.

Beside it the same network, rewards and steps as torch's tutorials have them: `nn.Sequential`,
`DataLoader` and `torch.optim.AdamW`, without any judgement or file.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.rows import Row, measured
from can_train.config.spec import spec_of
from can_train.detectors.fusion.fitting import balanced_weights
from can_train.detectors.fusion.policies import AgentFusion, fusion_network
from can_train.detectors.fusion.stage import AgentStage
from can_train.detectors.fusion.windows import ExpertView, FusionWindows, fusion_windows
from can_train.detectors.kernels.elementary import exponential
from can_train.detectors.kernels.window_fusion import ACTIONS
from can_train.training.loop import fit
from can_train.training.recorder import Recorder

STATES: Final = 10
BATCH: Final = 64
STEPS: Final = 50
SHARES: Final = {"student": 20, "teacher": 100}
"""A round trains this share of the 10,000 steps."""

ALL_STEPS: Final = 10_000


def rows(rounds: int) -> Iterator[Row]:
    """A row per size of the agent."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for size, share in SHARES.items():
            yield measured(
                "Fusion",
                f"agent of {size} size, 10,000 steps",
                "CPU-s",
                Ours(size, ALL_STEPS // share // STEPS, Path(folder)),
                "plain torch loop",
                Plain(size, ALL_STEPS // share),
                rounds,
            )


class Ours:
    """Some epochs of the stage, in a folder of their own.

    A stage has scored its experts' windows before, by compiled loops: what numba loads with the
    first of them (half a CPU-second) belongs to that.
    """

    def __init__(self, size: str, epochs: int, folder: Path) -> None:
        exponential(np.float32(0.0))
        self._size, self._epochs, self._folder = size, epochs, folder
        self._numbers = count()

    def __call__(self) -> float:
        """CPU-seconds of all 10,000 steps."""
        run = self._folder / f"{self._size}-{next(self._numbers)}"
        training = replace(
            spec_of("dqn").training["teacher"],
            epochs=self._epochs, patience=self._epochs, batch_size=BATCH,
        )  # fmt: skip
        stage = AgentStage(
            _agent(self._size), training, 0,
            train=_windows(0, STEPS * BATCH), validation=_windows(1, STEPS * BATCH // 3),
        )  # fmt: skip
        recorder = Recorder(run, epochs=self._epochs)
        begin = time.process_time()
        fit(stage, run / "checkpoints", recorder)
        return (time.process_time() - begin) * ALL_STEPS / (self._epochs * STEPS)


class Plain:
    """The same steps, plainly."""

    def __init__(self, size: str, steps: int) -> None:
        self._steps = steps
        layers: list[nn.Module] = []
        for layer in _agent(size).agent.layers.lins:
            outputs, inputs = layer.weight.shape  # type: ignore[misc]
            layers += [nn.Linear(int(inputs), int(outputs)), nn.ReLU()]
        self._network = nn.Sequential(*layers[:-1])
        self._optimizer = torch.optim.AdamW(self._network.parameters(), lr=1e-3)
        windows = _windows(0, STEPS * BATCH)
        rewards = torch.rand(len(windows.label), ACTIONS)
        self._loader = DataLoader(
            TensorDataset(windows.state.float(), rewards), BATCH, shuffle=True
        )

    def __call__(self) -> float:
        """CPU-seconds of all 10,000 steps."""
        begin = time.process_time()
        for _ in range(self._steps // STEPS):
            for state, reward in self._loader:
                self._optimizer.zero_grad()
                nn.functional.mse_loss(self._network(state), reward).backward()
                nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
                self._optimizer.step()
        return (time.process_time() - begin) * ALL_STEPS / self._steps


def _agent(size: str) -> AgentFusion:
    torch.manual_seed(0)
    presets: dict[str, Any] = {str(k): v for k, v in spec_of("dqn").presets.items()}
    network = fusion_network("dqn", presets[size], STATES)
    assert isinstance(network, AgentFusion), asdict(presets[size])
    return network


def _windows(seed: int, number: int) -> FusionWindows:
    generator = np.random.default_rng(seed)
    state, label = generator.normal(size=(number, STATES)), generator.integers(0, 2, number)
    surprise = np.exp(generator.normal(size=(number, 3))) + 3.0 * label[:, None]
    view = ExpertView(
        state=state + label[:, None],
        excess=surprise,
        label=label.astype(np.uint8),
        weights=balanced_weights(label, np.zeros(number, np.int64)),
    )
    return fusion_windows(view, np.zeros(STATES), np.ones(STATES))
