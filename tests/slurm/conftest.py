"""Data and roots for tests on a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from tests.slurm.login import COMMON, ONE_GAT, Login, slurm

LONG = (*ONE_GAT, "--epochs", "100")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, root = tmp_path_factory.mktemp("csv"), tmp_path_factory.mktemp("data")
    generate(source, seed=1, scale=0.3)
    prepare_dataset(
        PrepareRequest(modality="automotive", dataset="synthetic", data_root=root, source=source)
    )
    return root


@pytest.fixture(scope="session")
def teachers(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Registry with teachers of one epoch."""
    home = tmp_path_factory.mktemp("teachers")
    login = Login(data=data, experiments=home / "runs", teachers=home / "registry")
    login.ok("pipeline", *COMMON, "--model", "vgae,gat", "--model-size", "teacher",
             "--training-strategy", "autoencoder,normal", "--epochs", "1")  # fmt: skip
    return home / "registry"


@pytest.fixture
def login(data: Path, tmp_path: Path) -> Iterator[Login]:
    """A user whose jobs are gone after the test."""
    yield Login(data=data, experiments=tmp_path / "runs", teachers=tmp_path / "registry")
    if jobs := slurm("squeue", "-h", "--me", "-o", "%A").split():
        slurm("scancel", *jobs)


@pytest.fixture(scope="session")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The artifact of the run `LONG`, trained here without an interruption."""
    home = tmp_path_factory.mktemp("whole")
    login = Login(data=data, experiments=home / "runs", teachers=home / "registry")
    login.ok(*LONG)
    return (login.run_of("gat") / "models" / "gat_student.pth").read_bytes()
