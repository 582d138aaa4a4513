"""Measuring a batch: what it finds, and that it leaves no trace."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from can_train.detectors.stage import StageModule
from can_train.training.batch_probe import measure
from can_train.training.host_memory import CpuMemory
from can_train.training.memory import MIB, MemoryDevice, MemoryLimit, PeakMemory
from tests.lab import Lab


class Meter(MemoryDevice):
    """A device with exact memory: a step takes `fixed`, and `each` per window that it trains."""

    def __init__(self, module: StageModule[Any], *, free: int, fixed: int, each: int) -> None:
        self._free, self._fixed, self._each = free, fixed, each
        self._peak = 0
        self.trained: list[int] = []
        self.highest = 0
        step = module.training_step

        def counted(batch: Any) -> Tensor:
            self.trained.append(len(batch))
            nodes = module.sizes_of(batch.window.numpy())
            everything = module.sizes_of(module.chosen)
            mean = (everything.nodes + everything.edges).mean()
            size = float((nodes.nodes + nodes.edges).sum() / mean)
            self._peak = max(self._peak, fixed + int(each * size))
            self.highest = max(self.highest, self._peak)
            return step(batch)

        module.training_step = counted  # type: ignore[method-assign]

    def limit(self) -> MemoryLimit:
        return MemoryLimit(name="meter", total=self._free, used=0)

    @property
    def device_class(self) -> str:
        return "meter"

    def forget_peak(self) -> None:
        self._peak = 0

    def settle(self) -> None:
        self.forget_peak()

    def used(self) -> int:
        return 0

    def peak(self) -> int:
        return self._peak

    def peaks(self) -> PeakMemory:
        return PeakMemory(host_mib=self._peak / MIB, host_share=self._peak / self._free)


def everything(module: StageModule[Any]) -> Iterator[Tensor]:
    """All that training changes, and where random numbers come from."""
    yield from (value.clone() for value in module.state_dict().values())
    yield torch.get_rng_state()
    yield torch.from_numpy(np.random.get_state()[1].astype(np.int64))  # type: ignore[index]
    yield torch.tensor(random.getstate()[1][:-1])
    yield torch.from_numpy(module.chosen)
    yield torch.tensor([part.training for part in module.modules()])


@pytest.mark.parametrize("model", ["vgae", "gat", "distilled"])
def test_measuring_leaves_no_trace(lab: Lab, model: str) -> None:
    config = (
        lab.distilled("gat", {"feature_weight": 0.5}) if model == "distilled" else lab.config(model)
    )
    module = lab.stage(config).module
    before = list(everything(module))
    steps, budget = module.steps, module.budget
    measured = measure(module, CpuMemory())
    assert measured.largest >= 1 and measured.bytes_per_window >= 1
    for one, other in zip(before, everything(module), strict=True):
        assert torch.equal(one, other)
    assert all(parameter.grad is None for parameter in module.parameters())
    assert module.means.sums == {} and module.means.weight == 0
    assert (module.steps, module.budget) == (steps, budget)


def test_the_largest_batch_is_where_the_line_meets_what_is_free(lab: Lab) -> None:
    module = lab.stage(lab.config("gat")).module
    meter = Meter(module, free=1000 * MIB, fixed=100 * MIB, each=3 * MIB)
    measured = measure(module, meter)
    assert measured.largest == pytest.approx(300, abs=1)
    assert measured.bytes_per_window == pytest.approx(3 * MIB, rel=1e-3)
    sizes = module.sizes_of(module.chosen)
    assert measured.nodes == pytest.approx(measured.largest * sizes.nodes.mean(), abs=1)
    assert measured.edges == pytest.approx(measured.largest * sizes.edges.mean(), abs=1)
    assert (measured.limit, measured.free_bytes) == ("meter", 1000 * MIB)


def test_it_costs_less_than_five_percent_of_ten_epochs(lab: Lab) -> None:
    module = lab.stage(lab.config("gat")).module
    meter = Meter(module, free=1000 * MIB, fixed=0, each=MIB)
    measure(module, meter)
    assert 0 < sum(meter.trained) < 0.05 * 10 * len(module.chosen)
    assert len(meter.trained) == 4


def test_no_garbage_is_collected_meanwhile_which_costs_more_than_the_probes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = lab.stage(lab.config("gat")).module
    seen: list[tuple[str, bool]] = []

    def told(phase: str, _: dict[str, int]) -> None:
        seen.append((phase, gc.isenabled()))

    learn = module.learn

    def learning(batch: Any) -> None:
        told("learn", {})
        [[k] for k in range(5000)]  # what would have some garbage collected
        learn(batch)

    monkeypatch.setattr(module, "learn", learning)
    gc.callbacks.append(told)
    try:
        measure(module, CpuMemory())
    finally:
        gc.callbacks.remove(told)
    assert gc.isenabled() and seen[:4] == [("learn", False)] * 4
    assert all(enabled for _, enabled in seen[4:])  # what was put off may come at once afterwards


def test_noise_never_makes_a_window_cost_nothing(lab: Lab) -> None:
    module = lab.stage(lab.config("gat")).module
    meter = Meter(module, free=1000 * MIB, fixed=10 * MIB, each=0)
    measured = measure(module, meter)
    assert measured.bytes_per_window > MIB / 2  # all of it is put on the windows
    assert measured.largest < 2000


@pytest.mark.parametrize("each", [MIB, 3 * MIB, 4 * MIB])
def test_no_probe_comes_near_a_limit_that_is_kept_by_killing(lab: Lab, each: int) -> None:
    data = lab.data(stride=10, windows_per_side=600)
    module = lab.stage(lab.config("gat", data=data)).module
    assert 0.2 * len(module.chosen) > 90
    meter = Meter(module, free=100 * MIB, fixed=10 * MIB, each=each)
    assert measure(module, meter).largest == pytest.approx(90 * MIB / each, abs=1)
    assert meter.highest < 0.75 * 100 * MIB


@pytest.mark.parametrize("hidden", [1, 2])
def test_memory_that_others_give_back_meanwhile_makes_no_window_cheaper(
    lab: Lab, hidden: int
) -> None:
    data = lab.data(stride=10, windows_per_side=600)
    module = lab.stage(lab.config("gat", data=data)).module
    meter = Meter(module, free=1000 * MIB, fixed=10 * MIB, each=MIB)
    peaks, peak = iter(range(3)), meter.peak

    def hiding() -> int:
        return peak() - (8 * MIB if next(peaks) == hidden else 0)

    meter.peak = hiding  # type: ignore[method-assign]
    measured = measure(module, meter)
    assert MIB * 0.999 < measured.bytes_per_window < 1.5 * MIB
    assert measured.largest < 1001


def test_probes_that_do_not_fit_become_smaller(lab: Lab) -> None:
    module = lab.stage(lab.config("gat")).module
    meter = Meter(module, free=1000 * MIB, fixed=0, each=MIB)
    step, tried = module.training_step, []

    def greedy(batch: Any) -> Tensor:
        tried.append(len(batch))
        if len(batch) > 4:
            raise MemoryError
        return step(batch)

    module.training_step = greedy  # type: ignore[method-assign]
    assert measure(module, meter).largest == pytest.approx(1000, abs=1)
    assert max(tried) > 4 >= max(tried[-2:])
