"""What starting costs: CPU-seconds and memory of one process, beside `import torch`.

    python -m benchmarks.start [OTHER_CHECKOUT]

prints the same as multiples of starting Python, also for another checkout that has its own `.venv`:
the lowest of seven; the commands and checkouts take turns.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.rows import Row, measured

HERE = Path(__file__).resolve().parents[1]
ROUNDS = 7
COMMANDS: Final = {
    "Python alone": ("-c", "pass"),
    "--help": ("-m", "can_train", "--help"),
    "train --help": ("-m", "can_train", "train", "--help"),
    "torch alone": ("-c", "import torch"),
    "a worker": (
        "-c",
        "import can_train.training.run, can_train.detectors.gat.stage\n"
        "import can_train.detectors.vgae.stage, can_train.detectors.fusion.stage\n"
        "from can_train.detectors.adamw import AdamW\n"
        "AdamW([], rate=0.1, weight_decay=0.0).step()",
    ),
}
_PEAK: Final = (
    "\nimport sys\nlines = open('/proc/self/status').read().splitlines()\n"
    "sys.stderr.write(next(l.split()[1] for l in lines if l.startswith('VmHWM')))"
)
_KB_PER_MB: Final = 1e3


def rows(rounds: int) -> Iterator[Row]:
    """A worker's start and its memory."""
    worker, torch_alone = COMMANDS["a worker"], COMMANDS["torch alone"]
    one, other = (lambda words=words: _cpu_s(HERE, words) for words in (worker, torch_alone))
    yield measured("Start", "a worker's imports", "CPU-s", one, "import torch", other, rounds)
    one, other = (lambda words=words: _peak_mb(words) for words in (worker, torch_alone))
    yield measured("Start", "memory of the same", "MB", one, "import torch", other, 1)


def _peak_mb(words: tuple[str, ...]) -> float:
    done = subprocess.run(
        [sys.executable, "-P", words[0], words[1] + _PEAK],
        env={**os.environ, "PYTHONPATH": str(HERE / "src")},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stderr.split()[-1]) / _KB_PER_MB


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
