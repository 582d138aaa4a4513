"""The address of a packed store."""

from __future__ import annotations

import pytest

from can_train.config.schema import DataConfig
from can_train.errors import ConfigError
from can_train.graphs.identity import WindowSpec, store_key
from can_train.vocab import FeatureSet


def test_the_address_of_a_store_is_what_it_always_was():
    spec = WindowSpec(features="relational", window=100, stride=50)
    assert (
        store_key(["a", "b"], spec)
        == "1b6e2608dbf9286b6791267d7014582d11cd6a8ae2335623003fb1e6c3a11aab"
    )
    assert store_key(("a", "b"), spec) == store_key(["a", "b"], spec)


def test_everything_that_decides_the_numbers_is_part_of_the_address():
    def key(digests: str, features: FeatureSet, window: int, stride: int) -> str:
        return store_key(list(digests), WindowSpec(features=features, window=window, stride=stride))

    keys = {
        key("abc", "relational", 100, 100),
        key("ab", "relational", 100, 100),
        key("cba", "relational", 100, 100),
        key("abc", "classic", 100, 100),
        key("abc", "relational", 50, 100),
        key("abc", "relational", 100, 50),
    }
    assert len(keys) == 6


def test_a_run_says_how_its_recordings_become_graphs():
    data = DataConfig(dataset_digest="d", split_digest="s", features="classic", window=20, stride=5)
    assert WindowSpec.of(data) == WindowSpec(features="classic", window=20, stride=5)


def test_what_makes_no_windows_is_refused():
    with pytest.raises(ConfigError, match=r"no feature set clasic; did you mean classic\? Allowed"):
        WindowSpec(features="clasic", window=100, stride=100)  # type: ignore[arg-type]
    for window, stride in ((1, 1), (100, 0)):
        with pytest.raises(ConfigError, match=f"a window of {window} frames every {stride} frames"):
            WindowSpec(features="classic", window=window, stride=stride)
