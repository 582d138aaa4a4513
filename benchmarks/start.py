"""What starting costs, as multiples of starting Python.

    python -m benchmarks.start [OTHER_CHECKOUT]

In CPU seconds of one process, the lowest of seven; the commands and checkouts take turns. Each
checkout needs its own `.venv`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE = Path(__file__).resolve().parents[1]
ROUNDS = 7
COMMANDS: Final = {
    "Python alone": ("-c", "pass"),
    "--help": ("-m", "can_train", "--help"),
    "train --help": ("-m", "can_train", "train", "--help"),
    "a VGAE worker": ("-c", "import can_train.training.run"),
    "a GAT worker": ("-c", "import can_train.training.run, torch_geometric.nn"),
}


def main() -> int:
    """Prints a line per command and checkout."""
    checkouts = [HERE, *(Path(name).resolve() for name in sys.argv[1:2])]
    best: dict[tuple[str, Path], float] = {}
    for _ in range(ROUNDS):
        for name, words in COMMANDS.items():
            for checkout in checkouts:
                key = (name, checkout)
                best[key] = min(best.get(key, float("inf")), _cpu_s(checkout, words))
    for (name, checkout), seconds in best.items():
        alone = best["Python alone", checkout]
        sys.stdout.write(f"{name:<14}{seconds:7.3f} s {seconds / alone:7.1f} x  {checkout}\n")
    return 0


def _cpu_s(checkout: Path, words: tuple[str, ...]) -> float:
    python = str(checkout / ".venv" / "bin" / "python")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [python, "-P", *words],
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
