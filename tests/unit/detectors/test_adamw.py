"""Our optimiser is torch's, without what it imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from can_train.detectors.adamw import AdamW

SHAPES = ((3, 4), (4,), (1, 2, 2))
TINY = torch.finfo(torch.float32).tiny
"""The smallest number that isn't subnormal."""


def parameters(shapes: tuple[tuple[int, ...], ...] = SHAPES) -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in shapes]


def pull(moved: list[nn.Parameter], step: int) -> None:
    """Gradients of one step; the last parameter has none at first."""
    torch.manual_seed(step)
    for number, parameter in enumerate(moved):
        gradient = torch.randn_like(parameter)
        parameter.grad = None if number == len(SHAPES) - 1 and step < 2 else gradient


def test_every_step_is_that_of_torch_bit_for_bit() -> None:
    ours, theirs = parameters(), parameters()
    one = AdamW(ours, rate=0.01, weight_decay=0.1)
    other = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1, fused=True)
    for step in range(5):
        one.rate = other.param_groups[0]["lr"] = 0.01 / (step + 1)
        pull(ours, step)
        pull(theirs, step)
        one.step()
        other.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    one.zero_grad()
    assert all(parameter.grad is None for parameter in ours)


def test_parameters_that_pause_go_on_with_their_own_count() -> None:
    """Those of a step share one count as long as they move together."""
    ours, theirs = parameters(), parameters()
    one = AdamW(ours, rate=0.01, weight_decay=0.1)
    other = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1, fused=True)
    for step, there in enumerate([(0, 1, 2), (0,), (0, 2), (1,), (0, 1, 2)]):
        for moved, optimizer in ((ours, one), (theirs, other)):
            torch.manual_seed(step)
            for number, parameter in enumerate(moved):
                gradient = torch.randn_like(parameter)
                parameter.grad = gradient if number in there else None
            optimizer.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert [float(count) for count, _, _ in one.state_dict()["moments"].values()] == [4, 3, 3]


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_a_silent_unit_leaves_no_subnormal_numbers_and_the_same_weights() -> None:
    """A processor takes ten times as long on them."""
    assert float(torch.ones(1_000_000).sum()) == 1e6  # whoever else computes has begun
    ours, theirs = parameters(((64, 64), (64,))), parameters(((64, 64), (64,)))
    one = AdamW(ours, rate=0.01, weight_decay=0.1)
    other = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1, fused=True)
    for step in range(523):
        for moved, optimizer in ((ours, one), (theirs, other)):
            torch.manual_seed(step)
            for parameter in moved:
                gradient = torch.randn_like(parameter)
                parameter.grad = gradient * (1e-15 if step < 2 else float(step > 520))
            optimizer.step()
        means = [mean.abs() for _, mean, _ in one.state_dict()["moments"].values()]
        assert not any(((mean > 0.0) & (mean < TINY)).any() for mean in means)
        if step == 520:
            assert not any(mean.any() for mean in means)
            theirs_now = [other.state[parameter]["exp_avg"].abs() for parameter in theirs]
            assert all(0.0 < mean.max() < TINY for mean in theirs_now)  # what there is without it
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_no_thread_computes_otherwise_because_of_a_step() -> None:
    words = (
        "import numpy as np, torch\n"
        "from can_train.detectors.adamw import AdamW\n"
        "torch.set_num_threads(2)\n"
        "weight = torch.nn.Parameter(torch.from_numpy(np.zeros(10_000, np.float32)))\n"
        "weight.grad = torch.from_numpy(np.ones(10_000, np.float32))\n"
        "AdamW([weight], rate=0.1, weight_decay=0.0).step()  # it starts the other thread\n"
        "tiny = torch.from_numpy(np.full(1_000_000, 1e-39, np.float32))\n"
        "print(np.count_nonzero((tiny * 2.0).numpy()))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "1000000\n"


@pytest.mark.parametrize("share", [0.5, 0.99995, 1.00005, 2.0])
def test_near_the_norm_it_clips_as_torch_does(share: float) -> None:
    ours, theirs = parameters(), parameters()
    for moved in (ours, theirs):
        pull(moved, 3)
    norm = share * float(torch.cat([p.grad.flatten() for p in ours]).norm())  # type: ignore[union-attr]
    AdamW(ours, rate=0.01, weight_decay=0.0).clip(norm)
    nn.utils.clip_grad_norm_(theirs, norm)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one.grad, other.grad)  # type: ignore[arg-type]


def test_gradients_that_are_no_numbers_are_not_let_through() -> None:
    ours = parameters()
    pull(ours, 3)
    ours[1].grad.fill_(float("nan"))  # type: ignore[union-attr]
    AdamW(ours, rate=0.01, weight_decay=0.0).clip(1.0)
    assert all(p.grad.isnan().all() for p in ours)  # type: ignore[union-attr]


@pytest.mark.parametrize("norm", [0.1, 100.0])
def test_clips_like_torch_bit_for_bit(norm: float) -> None:
    ours, theirs = parameters(), parameters()
    for moved in (ours, theirs):
        pull(moved, 1)
    AdamW(ours, rate=0.01, weight_decay=0.0).clip(norm)
    nn.utils.clip_grad_norm_(theirs, norm)
    for one, other in zip(ours[:-1], theirs[:-1], strict=True):
        assert one.grad is not None and other.grad is not None
        assert torch.equal(one.grad, other.grad)
    assert ours[-1].grad is None


def test_goes_on_from_its_state() -> None:
    whole, parts = parameters(), parameters()
    optimizers = [AdamW(moved, rate=0.01, weight_decay=0.1) for moved in (whole, parts)]
    for step in range(4):
        if step == 2:
            state = optimizers[1].state_dict()
            optimizers[1] = AdamW(parts, rate=1.0, weight_decay=0.1)
            optimizers[1].load_state_dict(state)
        for moved, optimizer in zip((whole, parts), optimizers, strict=True):
            pull(moved, step)
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_state_of_other_parameters_is_refused() -> None:
    moved = parameters()
    optimizer = AdamW(moved, rate=0.01, weight_decay=0.0)
    pull(moved, 3)
    optimizer.step()
    with pytest.raises(KeyError, match="parameter 2"):
        AdamW(moved[:2], rate=0.01, weight_decay=0.0).load_state_dict(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"parameter 0 has shape \[3, 4\]"):
        AdamW(moved[::-1], rate=0.01, weight_decay=0.0).load_state_dict(optimizer.state_dict())


def test_without_parameters_nothing_happens() -> None:
    optimizer = AdamW([], rate=0.0, weight_decay=0.0)
    optimizer.clip(1.0)
    optimizer.step()


def test_training_imports_neither_torchs_compiler_nor_torch_geometric() -> None:
    """They are two thirds of what a stage's start would cost."""
    words = (
        "import sys, torch, can_train.training.run\n"
        "import can_train.detectors.gat.stage, can_train.detectors.vgae.stage\n"
        "import can_train.detectors.fusion.stage\n"
        "from can_train.detectors.adamw import AdamW\n"
        "weight = torch.nn.Parameter(torch.zeros(2)); weight.grad = torch.ones(2)\n"
        "AdamW([weight], rate=0.1, weight_decay=0.0).step()\n"
        "print([n for n in ('torch._dynamo', 'torch_geometric', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("share", [0.5, 0.99995, 2.0])
def test_parameters_joined_into_one_move_as_they_do_alone_bit_for_bit(share: float) -> None:
    alone = parameters(((16, 4), (16,), (21, 16), (21,)))  # of whole vectors, but for the last
    flat = nn.Parameter(torch.cat([p.detach().flatten() for p in alone]))
    lengths = [p.numel() for p in alone]
    one = AdamW(alone, rate=0.01, weight_decay=0.1)
    other = AdamW([flat], rate=0.01, weight_decay=0.1, parts=lengths)
    for step in range(40):
        torch.manual_seed(step)
        for parameter in alone:
            parameter.grad = torch.randn_like(parameter)
        flat.grad = torch.cat([p.grad.flatten() for p in alone])  # type: ignore[union-attr]
        norm = share * float(flat.grad.norm())
        for optimizer in (one, other):
            optimizer.clip(norm)
            optimizer.step()
        assert torch.equal(flat, torch.cat([p.flatten() for p in alone]))


@pytest.mark.parametrize("share", [0.5, 0.99995, 1.00005, 2.0, float("nan")])
def test_a_single_flat_gradient_is_clipped_as_torch_does(share: float) -> None:
    ours, theirs = parameters(((5000,),)), parameters(((5000,),))
    for (moved,) in (ours, theirs):
        moved.grad = torch.randn(5000, generator=torch.Generator().manual_seed(1))
        if share != share:
            moved.grad[7] = share
    norm = share * float(ours[0].grad.norm()) if share == share else 1.0  # type: ignore[union-attr]
    AdamW(ours, rate=0.01, weight_decay=0.0).clip(norm)
    nn.utils.clip_grad_norm_(theirs, norm)
    one, other = ours[0].grad, theirs[0].grad
    assert one is not None and other is not None
    assert torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))
    assert bool(one.isnan().any()) == (share != share)


def test_steps_leave_no_trace_in_autograd() -> None:
    """Nobody switches it off around them."""
    (weight,) = parameters(((6,),))
    optimizer = AdamW([weight], rate=0.01, weight_decay=0.1)
    for _ in range(2):
        (weight**2).sum().backward()
        optimizer.clip(0.1)
        optimizer.step()
        optimizer.zero_grad()
    assert weight.is_leaf
    assert weight.requires_grad
    (_, mean, square) = optimizer.state_dict()["moments"][0]
    assert not mean.requires_grad
    assert not square.requires_grad


def test_a_parameter_that_was_given_other_memory_is_still_moved() -> None:
    (weight,) = parameters(((6,),))
    optimizer = AdamW([weight], rate=0.01, weight_decay=0.1)
    for _ in range(2):
        before = weight.detach().clone()
        weight.grad = torch.ones(6)
        optimizer.step()
        assert (weight < before).all()
        weight.data = weight.data.clone()
