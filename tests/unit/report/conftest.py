"""Sweeps and plans whose runs are left as workers leave them."""

from tests.unit.pipeline.conftest import plan_of as plan_of
from tests.unit.sweeps.conftest import dataset as dataset
from tests.unit.sweeps.conftest import finish as finish
from tests.unit.sweeps.conftest import roots as roots
from tests.unit.sweeps.conftest import sweep_of as sweep_of
