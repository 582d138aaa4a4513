"""What is too short for several threads takes one."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from can_train.detectors.fusion.fitting import fit_linear
from can_train.evaluation.bootstrap import block_bootstrap
from can_train.evaluation.controls.fusion import fit_logistic_regression
from can_train.threads import _libraries, one_thread


def numbers() -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]


def test_every_library_has_one_thread_in_the_block_and_its_own_behind_it() -> None:
    before = numbers()
    with one_thread():
        assert set(numbers()) == {1}
    assert numbers() == before


def test_libraries_are_looked_for_again_only_when_modules_were_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looked() -> int:
        with one_thread():
            return _libraries.cache_info().misses

    before = looked()
    assert looked() == before
    monkeypatch.setitem(sys.modules, "loaded_for_this_test", ModuleType("loaded_for_this_test"))
    assert looked() == before + 1


def bootstrap() -> None:
    label = np.arange(3000) % 60 < 20
    block_bootstrap(label, np.random.default_rng(0).normal(size=3000), 0.0, 0)


def linear() -> None:
    features = np.random.default_rng(0).normal(size=(500, 8))
    label = (features[:, 0] > 0.0).astype(np.int64)
    fit_linear(features, label, np.full(len(label), 1.0 / len(label)))


def control() -> None:
    state = np.random.default_rng(0).normal(size=(100, 8))
    fit_logistic_regression(state, state[:, 0] > 0.0, 0)


@pytest.mark.parametrize(
    ("work", "inner"),
    [
        (control, "sklearn.pipeline.Pipeline.fit"),
        (bootstrap, "can_train.evaluation.bootstrap._f1_interval"),
        (linear, "scipy.optimize.minimize"),
    ],
)
def test_short_work_takes_one_thread(
    work: Callable[[], None], inner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = pkgutil.resolve_name(inner)
    seen: list[set[int]] = []

    def watched(*args: object, **words: object) -> object:
        seen.append(set(numbers()))
        return usual(*args, **words)

    monkeypatch.setattr(inner, watched)
    work()
    assert seen == [{1}]
