"""Products in bfloat16: only where they are asked for, and only where the CPU has them."""

from __future__ import annotations

import pytest
import torch

from can_train.detectors.linear import Linear
from can_train.errors import ConfigError
from can_train.training.precision import products_in, require


def test_products_are_rounded_as_long_as_it_lasts_also_after_an_error() -> None:
    torch.manual_seed(0)
    layer, x = Linear(256, 256), torch.randn(256, 256)
    exact = layer(x)
    with products_in("bfloat16"):
        rounded = layer(x)
        with products_in("float32"):
            assert torch.equal(layer(x), exact)
        assert torch.equal(layer(x), rounded)
    assert torch.equal(layer(x), exact)
    assert 1e-3 < (rounded - exact).abs().max() < 0.1
    with pytest.raises(RuntimeError), products_in("bfloat16"):
        raise RuntimeError
    assert torch.equal(layer(x), exact)


def test_a_machine_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "Old"})
    require("float32")
    with pytest.raises(ConfigError, match=r"the CPU Old can't.*Use: --precision float32"):
        require("bfloat16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ConfigError, match="train on a GPU"):
        require("bfloat16")
