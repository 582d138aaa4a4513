"""How fast text becomes frames and graphs, and in how much memory: `python -m benchmarks.reading`.

Every figure is of CPU-seconds of one core. What is compared runs in turn, in one process: the
readers as they are, without their fast pass, and polars' CSV reader, which splits the same text
into columns of strings but makes no frames of them. Peak memory is that of a process of its own
which imports two files at once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

for variable in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import polars as pl  # noqa: E402

from benchmarks.memory import peak_bytes  # noqa: E402
from benchmarks.texts import FORMS, write_text  # noqa: E402
from can_train.dataset.manifest import load_manifest  # noqa: E402
from can_train.dataset.prepare import PrepareRequest, prepare_dataset  # noqa: E402
from can_train.frames.options import ReadOptions  # noqa: E402
from can_train.frames.readers import (  # noqa: E402
    can_train_and_test,
    candump,
    hcrl,
    read_recording,
    table,
)
from can_train.frames.text.reading import TextLayout, read_text  # noqa: E402
from can_train.graphs.identity import WindowSpec  # noqa: E402
from can_train.graphs.store import open_store  # noqa: E402
from can_train.vocab import FeatureSet  # noqa: E402

RUNS: Final = 5
FRAMES: Final = (100_000, 1_000_000, 20_000_000)
STORE_FRAMES: Final = 1_000_000
"""Of the recordings that are stored, or fewer if all sizes are smaller."""

LAYOUTS: Final[dict[str, Callable[[Path], TextLayout]]] = {
    "candump": candump.layout_of,
    "can-train-and-test": can_train_and_test.layout_of,
    "hcrl": hcrl.layout_of,
    "table": lambda path: table.layout_of(table.understood(path, {})),
}
"""Formats with a fast pass."""

FEATURES: Final[tuple[FeatureSet, ...]] = ("classic", "relational")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        what: What was done.
        frames: With how many frames.
        value: The median, and the lowest and highest of all runs.
        unit: What it counts.
    """

    what: str
    frames: int
    value: tuple[float, float, float]
    unit: str

    def __str__(self) -> str:
        middle, low, high = self.value
        return (
            f"{self.what:52s} {self.frames:>11,} {middle:10.3f} ({low:.3f}, {high:.3f}) {self.unit}"
        )


def rows(sizes: Sequence[int] = FRAMES) -> Iterator[Row]:
    """All figures, for recordings of so many frames."""
    with tempfile.TemporaryDirectory() as folder:
        for frames in sizes:
            for form in FORMS:
                path = Path(folder) / f"{form}.txt"
                write_text(path, form, frames)
                yield from _reading(path, form, frames)
                path.unlink()
        yield from _storing(Path(folder), min(STORE_FRAMES, max(sizes)))
        for form in FORMS:
            yield _peak(Path(folder), form, max(sizes))


def _reading(path: Path, form: str, frames: int) -> Iterator[Row]:
    """Rates of reading one text."""
    ways: dict[str, Callable[[], object]] = {"read": lambda: read_recording(path)}
    if form in LAYOUTS:
        layout = LAYOUTS[form](path)
        slow = replace(layout, scan=None)
        ways["fast path"] = lambda: read_text(path, layout, ReadOptions())
        ways["slow path"] = lambda: read_text(path, slow, ReadOptions())
    if form != "otids":
        separator = " " if form == "candump" else ","
        ways["polars"] = lambda: pl.read_csv(
            path, has_header=form in ("table", "can-train-and-test"), separator=separator,
            infer_schema=False, truncate_ragged_lines=True,
        )  # fmt: skip
    seconds = in_turn(ways)
    rates = [frames / each / 1e6 for each in seconds["read"]]
    yield Row(what=f"{form}: read", frames=frames, value=spread(rates), unit="M frames/CPU-s")
    for other, own in (("slow path", "fast path"), ("polars", "read")):
        if other in ways:
            pairs = zip(seconds[other], seconds[own], strict=True)
            ratios = [slower / faster for slower, faster in pairs]
            what = f"{form}: {other} / {own}"
            yield Row(what=what, frames=frames, value=spread(ratios), unit="times")


def _storing(folder: Path, frames: int) -> Iterator[Row]:
    """Rates from text to the stored frames, and on to the stored graphs."""
    for form in FORMS:
        source = _source(folder, form, [frames])
        stored = partial(_import, source, folder)
        ways = {"frames": partial(stored, None)}
        ways |= {f"{features} graphs": partial(stored, features) for features in FEATURES}
        for way, seconds in in_turn(ways).items():
            rates = [frames / each / 1e6 for each in seconds]
            name = f"{form}: text to {way} in the store"
            yield Row(what=name, frames=frames, value=spread(rates), unit="M frames/CPU-s")


def _source(folder: Path, form: str, sizes: Sequence[int]) -> Path:
    """A folder of recordings of a form."""
    source = Path(tempfile.mkdtemp(dir=folder))
    labelled = form not in ("candump", "otids")
    scenario = source / ("train_02_with_attacks" if labelled else "train_01_attack_free")
    scenario.mkdir()
    for number, frames in enumerate(sizes):
        write_text(scenario / f"DoS-{number}.txt", form, frames)
    return source


def _import(source: Path, folder: Path, features: FeatureSet | None) -> None:
    """Imports recordings into an empty folder, and stores their graphs if `features` are named."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        root = Path(inner)
        request = PrepareRequest(
            modality="automotive", dataset="bench", data_root=root, source=source
        )
        prepare_dataset(request, report=lambda _: None)
        if features is not None:
            manifest = load_manifest(root, "automotive", "bench")
            spec = WindowSpec(features=features, window=100, stride=100)
            open_store(manifest.ref.folder(root), manifest.train, spec)


def _peak(folder: Path, form: str, frames: int) -> Row:
    """Peak memory of importing two recordings at once."""
    source = _source(folder, form, [frames, frames - 1])
    command = [sys.executable, "-m", "benchmarks.reading", "--import", str(source), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for path in source.glob("*/*"):
        path.unlink()
    megabytes = json.loads(done.stdout) / 1e6
    name = f"{form}: peak memory, two files"
    return Row(what=name, frames=frames, value=(megabytes,) * 3, unit="MB")


def in_turn(ways: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """CPU-seconds of each run of each way, one after the other in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(RUNS + 1):
        for name, work in ways.items():
            started = time.process_time()
            work()
            if number:  # the first compiles
                seconds[name].append(time.process_time() - started)
    return seconds


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, lowest and highest."""
    return statistics.median(values), min(values), max(values)


def main() -> int:
    """Prints one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=lambda text: int(float(text)), nargs="+", default=FRAMES)
    parser.add_argument("--import", dest="folders", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folders:
        source, folder = given.folders
        _import(source, folder, None)
        sys.stdout.write(f"{peak_bytes()}\n")
        return 0
    for row in rows(given.frames):
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
