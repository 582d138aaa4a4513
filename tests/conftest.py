"""Fixtures and rules that all tests share."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hypothesis
import pytest

from tests import kept
from tests.browser import CHROMIUM

if TYPE_CHECKING:
    from tests.lab import Lab

RECORDINGS_VARIABLE = "CAN_TRAIN_RECORDINGS"

# A busy machine is no failure: no test, drawn inputs included, has a time limit of its own. The
# same inputs are drawn each time, so that no change fails by luck; `exploring` looks for new ones.
ANY_MACHINE: Final[Mapping[str, Any]] = {
    "deadline": None,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("repeatable", derandomize=True, **ANY_MACHINE)
hypothesis.settings.register_profile("exploring", max_examples=1000, **ANY_MACHINE)
hypothesis.settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C works in tests of Ctrl-C, even if a shell started them in the background.

    Runs of tests are mirrored in MLflow only where a test asks for it.
    """
    if kept.begin():
        config.add_cleanup(kept.end)
    os.environ["CAN_TRAIN_MLFLOW"] = "off"
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips tests on recordings where there are none."""
    if RECORDINGS_VARIABLE in os.environ:
        return
    skip = pytest.mark.skip(reason=f"needs real recordings: set {RECORDINGS_VARIABLE}")
    for item in items:
        if item.get_closest_marker("recordings"):
            item.add_marker(skip)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests whose device, cluster or extra is missing."""
    if item.get_closest_marker("gpu") and not _has_gpu():
        pytest.skip("needs a CUDA device")
    if item.get_closest_marker("slurm") and "CAN_TRAIN_SLURM" not in os.environ:
        pytest.skip("needs a Slurm cluster: set CAN_TRAIN_SLURM=1 where sbatch works")
    if item.get_closest_marker("mlflow") and importlib.util.find_spec("mlflow") is None:
        pytest.skip("needs MLflow: can-train env --install mlflow")
    if item.get_closest_marker("search") and importlib.util.find_spec("optuna") is None:
        pytest.skip("needs Optuna: can-train env --install search")
    if item.get_closest_marker("multicast") and importlib.util.find_spec("msgpack") is None:
        pytest.skip("needs msgpack: can-train env --install formats")
    if item.get_closest_marker("live") and importlib.util.find_spec("starlette") is None:
        pytest.skip("needs Starlette and uvicorn: can-train env --install live")
    if item.get_closest_marker("browser") and not _has_browser():
        pytest.skip("needs Playwright and /usr/bin/chromium: apt-get install chromium")
    if item.get_closest_marker("onnx") and importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("needs ONNX: can-train env --install onnx")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """In CI a skipped test on recordings, MLflow or pages is a failure: nobody would notice it."""
    report = yield
    marked = any(item.get_closest_marker(name) for name in ("recordings", "mlflow", "browser"))
    if report.skipped and _in_ci() and marked:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Folder of the real recordings; for tests marked `recordings`."""
    return Path(os.environ[RECORDINGS_VARIABLE]).resolve()


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data root that the tests of one session share; datasets in it are never changed."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def experiment_root(tmp_path: Path) -> Path:
    """An empty experiment root."""
    root = tmp_path / "experimentruns"
    root.mkdir()
    return root


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A small dataset to train on; teachers and experts are trained once per test module."""
    from tests.lab import make_lab

    return make_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """Root of the checkout."""
    return Path(__file__).resolve().parents[1]


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _has_browser() -> bool:
    return importlib.util.find_spec("playwright") is not None and CHROMIUM.is_file()


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
