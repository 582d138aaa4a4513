"""CPU-seconds of whole commands: a run of one step, the demo, and the distilled student chain.

Beside each a process that only imports torch. The chain trains vgae, gat and dqn of student size,
as their presets have it, distilled from teachers that are there, and evaluates them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.data import NAME, training_dataset
from benchmarks.rows import QUICK, Row, measured, row_of
from can_train.runs.layout import iter_runs

BESIDE: Final = "import torch"
REQUEST: Final = ("--modality", "automotive", "--dataset", NAME, "--threads", "1")
TEACHERS: Final = (
    "pipeline", *REQUEST, "--model", "vgae,gat", "--model-size", "teacher",
    "--training-strategy", "autoencoder,normal", "--epochs", "1", "--windows-per-epoch", "64",
)  # fmt: skip
STUDENTS: Final = ("pipeline", *REQUEST, "--model", "vgae,gat,dqn", "--model-size", "student")
CHAIN: Final = (*STUDENTS, "--distillation", "with-kd,with-kd,no-kd", "--auto-find-teacher")
ONE_STEP: Final = (
    "train", *REQUEST, "--model", "gat", "--model-size", "student", "--training-strategy", "normal",
    "--epochs", "1", "--windows-per-epoch", "64", "--force",
)  # fmt: skip
HERE: Final = Path(__file__).resolve().parents[1]


def rows(rounds: int) -> Iterator[Row]:
    """The quick one in turn with its reference, the long ones once."""
    with tempfile.TemporaryDirectory() as folder:
        home, demo = Path(folder) / "home", Path(folder) / "demo"
        training_dataset(home / "data")
        torch_alone = partial(_cpu_s, home, "-c", "import torch")
        once = partial(can_train, home, *ONE_STEP)
        yield measured("Commands", "train, one step", "CPU-s", once, BESIDE, torch_alone, rounds)
        if rounds < QUICK:
            return
        can_train(home, *TEACHERS)
        for what, where, words in (
            ("distilled student chain", home, CHAIN),
            ("the demo", demo, ("demo",)),
        ):
            yield row_of(
                "Commands", what, "CPU-s", BESIDE, [(can_train(where, *words), torch_alone())]
            )
            again = can_train(where, "evaluate", str(fusion_of(where)))
            what = f"evaluation at the end of {what}"
            yield row_of("Commands", what, "CPU-s", BESIDE, [(again, torch_alone())])


def student_trio(home: Path) -> Path:
    """Trains a small trio on the dataset below `home`; the run of its fusion."""
    can_train(home, *STUDENTS, "--epochs", "1", "--windows-per-side", "800")
    return fusion_of(home)


def fusion_of(home: Path) -> Path:
    """The only run of a fusion."""
    (found,) = (run for run in iter_runs(home / "experimentruns") if "dqn" in run.parts)
    return found


def can_train(home: Path, *words: str) -> float:
    """CPU-seconds of a command beside a launcher in `home`, its workers included."""
    return _cpu_s(home, "-m", "can_train", *words)


def _cpu_s(home: Path, *words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", *words],
        env={**os.environ, "PYTHONPATH": str(HERE / "src"), "CAN_TRAIN_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
