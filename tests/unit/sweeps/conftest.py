"""Sweeps on a prepared dataset with real frames, whose runs are left as workers leave them."""

from collections.abc import Callable

import pytest

from can_train.config.typed import Typed
from can_train.dataset.manifest import DatasetManifest
from can_train.runs.layout import Roots
from can_train.sweeps.axes import parse_axis
from can_train.sweeps.grid import Grid, spanned
from can_train.sweeps.make import Order, Sweep, make_sweep
from tests.unit.pipeline.conftest import dataset as dataset
from tests.unit.pipeline.conftest import finish as finish
from tests.unit.pipeline.conftest import roots as roots

MakeSweep = Callable[..., Sweep]
ALONE = Grid()


@pytest.fixture
def sweep_of(roots: Roots, dataset: DatasetManifest) -> MakeSweep:
    """The sweep of some axes, such as `learning_rate=0.001,0.003`; other words are the request."""

    def make(*axes: str, one_stage: bool = False, grid: Grid = ALONE, **text: str) -> Sweep:
        words = {"modality": "automotive", "dataset": "car", **text}
        typed = Typed(text=words, one_stage=one_stage)
        parts = spanned(typed, [parse_axis(axis) for axis in axes], grid)
        order = Order(parts=parts, name="a name", command="typed", one_stage=one_stage)
        return make_sweep(order, roots)

    return make
