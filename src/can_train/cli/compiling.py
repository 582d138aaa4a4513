"""Compiles what numba keeps compiled, once: a small chain on synthetic traffic, at installation.

    python -m can_train.cli.compiling

Else the first command of a new environment does it: most of a minute, and several workers side by
side do it several times. After a change of the sources that is still so.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from can_train.cli.main import main as can_train

DATASET: Final = "small"
SCALE: Final = 0.3
"""Length of its drives: the shortest whose fusion has attack windows."""

OF_DATASET: Final = ("--modality", "automotive", "--dataset", DATASET)
CHAIN: Final = (
    "--model", "vgae,gat,dqn", "--model-size", "student", "--epochs", "1",
    "--windows-per-epoch", "64", "--threads", "1", "--no-mlflow", "--local",
    "--fusion-policy=dqn",
)  # fmt: skip
"""The agent's fusion compiles what those of other policies do, and its own steps."""


def main() -> int:
    """Prepares, trains, evaluates and detects; the exit code of what failed, else 0."""
    from can_train.dataset.synth import generate
    from can_train.runs.layout import evaluation_path, iter_runs

    with tempfile.TemporaryDirectory(prefix="can-train-") as folder:
        root = Path(folder)
        source, runs = root / "source", root / "runs"
        files = generate(source, scale=SCALE)
        data = ("--data-root", str(root / "data"))
        kept = ("--experiment-root", str(runs))
        code = can_train(["data", "prepare", *OF_DATASET, "--source", str(source), *data])
        teachers = ("--teacher-root", str(root / "teachers"))
        code = code or can_train(["pipeline", *OF_DATASET, *CHAIN, *data, *kept, *teachers])
        if code:
            return code
        (last,) = (run for run in iter_runs(runs) if evaluation_path(run).is_file())
        return can_train(["detect", str(last), str(files[-1]), *kept])


if __name__ == "__main__":
    sys.exit(main())
