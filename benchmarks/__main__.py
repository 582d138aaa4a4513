"""`make bench`: every figure of docs/performance.md, each beside a reference of the same run.

    python -m benchmarks [--rounds N] [--only PART,...] [--check]

Each part (a module of this package with `rows`) runs in a process of its own, one at a time. All
parts take some ten minutes with five rounds; `--rounds 3 --only steps` is a quick look, and under
three rounds the longest figures are left out. A run of all parts replaces benchmarks/results/ and
the tables of docs/performance.md; one of some parts replaces theirs. `--check` (`make bench-check`)
writes nothing: it compares the ratios with the stored ones and fails where one fell beyond noise.
Real recordings are used where `$CAN_TRAIN_RECORDINGS` is set, else synthetic traffic; the two can't
be compared.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.rows import Row, lost, read_rows, write_rows
from benchmarks.tables import FIGURES, MACHINE, ROOT
from benchmarks.tables import main as write_tables

PARTS: Final = (
    "steps", "fusion", "inputs", "building", "reading", "curves", "decision", "start", "chain",
)  # fmt: skip
ROUNDS: Final = 5
PACKAGES: Final = ("torch", "torch_geometric", "numba", "numpy", "polars")
ONE_THREAD: Final = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, then writes or compares."""
    asked = _parser().parse_args(arguments)
    if asked.one:
        write_rows(
            asked.into, importlib.import_module(f"benchmarks.{asked.one}").rows(asked.rounds)
        )
        return 0
    parts = asked.only.split(",") if asked.only else list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        raise SystemExit(f"--only: no part {unknown[0]}. Allowed: {', '.join(PARTS)}")
    stored = read_rows(FIGURES) if FIGURES.is_file() else []
    found: list[Row] = []
    for part in parts:
        found += _measured(part, asked.rounds)
        if not asked.check:
            _store(found, stored if asked.only else [])
    if asked.check:
        return _compared(found, stored)
    return 0


def _store(found: Sequence[Row], before: Sequence[Row]) -> None:
    """Renews file and page: what was found, and the tables of before that nothing was found for."""
    tables = {row.part for row in found}
    kept = [row for row in before if row.part not in tables]
    write_rows(FIGURES, sorted([*kept, *found], key=lambda row: row.part))
    MACHINE.write_text(json.dumps(_machine(), indent=1) + "\n", encoding="utf-8")
    write_tables()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--only", metavar="PART,...")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    return parser


def _measured(part: str, rounds: int) -> list[Row]:
    """The rows of one part, which says them as soon as it has them all."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "rows.csv"
        words = ("--one", part, "--rounds", str(rounds), "--into", str(into))
        one = dict.fromkeys(ONE_THREAD, "1")
        subprocess.run(
            [sys.executable, "-m", "benchmarks", *words],
            check=True,
            cwd=ROOT,
            env={**os.environ, **one},
        )
        found = read_rows(into)
    for row in found:
        _say(str(row))
    return found


def _compared(found: Sequence[Row], stored: Sequence[Row]) -> int:
    worse = lost(found, stored)
    for now, before in worse:
        _say(
            f"{now.part}, {now.what}: {now.ratio:g} times {now.beside}, stored is {before.ratio:g}"
        )
    if not worse:
        _say(f"{len(found)} figures: none fell behind the stored ones beyond noise")
    return 1 if worse else 0


def _machine() -> dict[str, str]:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "versions": f"Python {platform.python_version()}, {versions}",
        "commit": commit,
        "load before": f"{os.getloadavg()[2]:.1f} over a quarter of an hour",
    }


def _processor() -> str:
    """The name that the system has for it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
