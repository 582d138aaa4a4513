"""Answering `--help` or a mistake costs no heavy import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "torch_geometric",
    "lightning",
    "mlflow",
    "numpy",
    "polars",
    "numba",
    "sklearn",
    "matplotlib",
    "pydantic",
    "hydra_zen",
    "omegaconf",
    "rich",
    "yaml",
}

PROBE = """\
import contextlib, io, json, sys
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    try:
        {code}
    except SystemExit:
        pass
sys.stdout.write(json.dumps(sorted(sys.modules)))
"""

# What readers of recordings, the control plane, tables and the tests' references need.
NOT_IN_A_WORKER = {
    "polars",
    "pydantic",
    "hydra_zen",
    "omegaconf",
    "rich",
    "sklearn",
    "lightning",
    "torchmetrics",
}


def loaded_by(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has imported after running `code`."""
    return {name.partition(".")[0] for name in modules_after(code)}


def modules_after(code: str) -> set[str]:
    """Modules that a fresh interpreter has imported after running `code`."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE.format(code=code)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("import can_train")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["pipeline", "--help"],
        ["sweep", "--help"],
        ["sweep", "train", "--help"],
        ["sweep", "results", "--help"],
        ["run", "--help"],
        ["evaluate", "--help"],
        ["score", "--help"],
        ["serve", "--help"],
        ["status", "--help"],
        ["logs", "--help"],
        ["cancel", "--help"],
        ["resume", "--help"],
        ["demo", "--help"],
        ["validate", "--help"],
        ["config", "explain", "--help"],
        ["config", "diff", "--help"],
        ["list-configs", "--help"],
        ["models", "--help"],
        ["env", "--help"],
        ["completion", "bash"],
        ["teachers", "--help"],
        ["teachers", "find", "--help"],
        ["teachers", "add", "--from-state-dict"],
        ["compare", "--help"],
        ["data", "--help"],
        ["data", "prepare", "--help"],
        ["pipelin"],
        ["train", "--modalty", "automotive"],
    ],
    ids=" ".join,
)
def test_help_and_usage_errors_import_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"import can_train.cli.main as cli; cli.main({arguments!r})")
    assert "can_train" in loaded
    assert not HEAVY & loaded


@pytest.mark.parametrize(
    "module", ["graphs.store", "dataset.windows", "training.run", "detectors.fusion.stage"]
)
def test_a_worker_loads_neither_parsers_nor_tables(module: str) -> None:
    names = modules_after(f"import can_train.{module}")
    assert f"can_train.{module}" in names
    assert not NOT_IN_A_WORKER & {name.partition(".")[0] for name in names}
    assert not names & {"scipy.optimize", "sympy"}  # a third of a CPU-second each
    ours = {name for name in names if name.startswith("can_train.")}
    assert not {name for name in ours if ".readers" in name or "frames.text" in name}
    assert "can_train.dataset.prepare" not in ours


def test_a_stored_evaluation_is_read_without_scikit_learn() -> None:
    assert "sklearn" not in loaded_by("import can_train.evaluation.report")


def test_a_projection_is_made_without_sympy() -> None:
    code = "from can_train.distil.losses import make_projection as m; m(4, 9, seed=1)"
    assert "sympy" not in loaded_by(code)
