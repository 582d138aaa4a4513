"""One MLflow database for all tests of the mirror: making one costs seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.runs.made import finish
from tests.lab import Lab, make_lab
from tests.unit.tracking.samples import JOBS

WRITERS = """\
import os, sys
from pathlib import Path
import mlflow.store.tracking.sqlalchemy_store
from can_train.tracking.mirror import Mirror
from can_train.tracking.store import store_uri
from tests.unit.tracking.samples import EPOCHS, sample
root = Path(sys.argv[1])
children = []
for number in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        mirror = Mirror(store_uri(root, {}), root)
        for epochs in (3, EPOCHS):
            mirror.bring(sample(f"job {number}", epochs))
        os._exit(0)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One small dataset for all of them."""
    return make_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def trained(lab: Lab) -> Path:
    """A finished run."""
    run = lab.train(lab.config("gat", seed=3))
    finish(run)
    return run


@pytest.fixture(scope="session")
def mirrored_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment root on whose empty database eight jobs began at once."""
    root = tmp_path_factory.mktemp("experimentruns")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITERS, str(root), str(JOBS)]
    subprocess.run(command, check=True, env=environment)
    return root
