"""Products in bfloat16: only where they are asked for, and only where the CPU has them."""

from __future__ import annotations

import pytest
import torch

from can_train.errors import ConfigError
from can_train.training.precision import INSTRUCTIONS, products_in, require

HERE = any(torch.cpu.get_capabilities().get(name) for name in INSTRUCTIONS)


@pytest.mark.skipif(not HERE, reason="the CPU has no bfloat16")
def test_products_are_rounded_as_long_as_it_lasts_and_gradients_too() -> None:
    torch.manual_seed(0)
    x, w = torch.randn(256, 256), torch.randn(256, 256, requires_grad=True)
    exact = (x.double() @ w.double()).detach()

    def errors() -> tuple[float, float]:
        product = x @ w
        (found,) = torch.autograd.grad(product, w, x)
        gradient = x.double().t() @ x.double()
        return (
            float((product.detach() - exact).abs().max()),
            float((found - gradient).abs().max()),
        )

    before = errors()
    with products_in("bfloat16"):
        within = errors()
    with products_in("float32"):
        after = errors()
    assert before == after
    assert max(before) < 1e-3 < 1e-2 < min(within) < max(within) < 1.0


def test_ends_with_what_goes_wrong() -> None:
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # set at run time
    before = matmul.fp32_precision
    with pytest.raises(RuntimeError), products_in("bfloat16"):
        raise RuntimeError
    assert matmul.fp32_precision == before


def test_a_machine_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "Old"})
    require("float32")
    with pytest.raises(ConfigError, match=r"the CPU Old can't.*Use: --precision float32"):
        require("bfloat16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ConfigError, match="train on a GPU"):
        require("bfloat16")
