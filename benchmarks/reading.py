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
import shutil
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
    otids,
    read_recording,
    table,
)
from can_train.frames.text.reading import TextLayout, read_text  # noqa: E402
from can_train.graphs.identity import WindowSpec  # noqa: E402
from can_train.graphs.store import open_store  # noqa: E402
from can_train.vocab import FeatureSet  # noqa: E402

RUNS: Final = 3
FRAMES: Final = (100_000, 1_000_000, 20_000_000)
LONG: Final = 5_000_000
"""Recordings of more frames are of `LONG_FORMS` alone, and each way of reading them runs once."""

LONG_FORMS: Final = ("candump", "hcrl")
WARM_UP: Final = 2_000
"""Frames that are read and stored before anything counts: every loop is compiled then."""

_LONGEST_LINE: Final = 200

LAYOUTS: Final[dict[str, Callable[[Path], TextLayout]]] = {
    "candump": candump.layout_of,
    "can-train-and-test": can_train_and_test.layout_of,
    "hcrl": hcrl.layout_of,
    "table": lambda path: table.layout_of(table.understood(path, {})),
    "otids": otids.layout_of,
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form in FORMS:
            list(_of_one(folder, form, WARM_UP, runs=1))
        for frames in sizes:
            long = frames > LONG
            for form in LONG_FORMS if long else FORMS:
                yield from _of_one(folder, form, frames, runs=1 if long else RUNS)
        for form in LONG_FORMS:
            yield _peak(folder, form, max(sizes))


def _of_one(folder: Path, form: str, frames: int, *, runs: int) -> Iterator[Row]:
    """Rates of reading and storing one text."""
    source = _source(folder, form, frames)
    (path,) = source.glob("*/*")
    yield from _reading(path, form, frames, runs)
    yield from _storing(source, form, frames, runs)
    shutil.rmtree(source)


def _reading(path: Path, form: str, frames: int, runs: int) -> Iterator[Row]:
    """Rates of reading one text."""
    layout = LAYOUTS[form](path)
    slow = replace(layout, scan=None)
    ways: dict[str, Callable[[], object]] = {
        "read": lambda: read_recording(path),
        "fast path": lambda: read_text(path, layout, ReadOptions()),
        "slow path": lambda: read_text(path, slow, ReadOptions()),
    }
    if form != "otids":
        separator = " " if form == "candump" else ","
        ways["polars"] = lambda: pl.read_csv(
            path, has_header=form in ("table", "can-train-and-test"), separator=separator,
            infer_schema=False, truncate_ragged_lines=True,
        )  # fmt: skip
    seconds = in_turn(ways, runs)
    rates = [frames / each / 1e6 for each in seconds["read"]]
    yield Row(what=f"{form}: read", frames=frames, value=spread(rates), unit="M frames/CPU-s")
    for other, own in (("slow path", "fast path"), ("polars", "read")):
        if other in ways:
            pairs = zip(seconds[other], seconds[own], strict=True)
            ratios = [slower / faster for slower, faster in pairs]
            what = f"{form}: {other} / {own}"
            yield Row(what=what, frames=frames, value=spread(ratios), unit="times")


def _storing(source: Path, form: str, frames: int, runs: int) -> Iterator[Row]:
    """Rates from text to the stored frames, and on to the stored graphs."""
    stored = partial(_import, source, source.parent)
    ways = {"frames": partial(stored, None)}
    ways |= {f"{features} graphs": partial(stored, features) for features in FEATURES}
    for way, seconds in in_turn(ways, runs).items():
        rates = [frames / each / 1e6 for each in seconds]
        name = f"{form}: text to {way} in the store"
        yield Row(what=name, frames=frames, value=spread(rates), unit="M frames/CPU-s")


def _source(folder: Path, form: str, frames: int) -> Path:
    """A folder with a recording of a form."""
    source = Path(tempfile.mkdtemp(dir=folder))
    labelled = form not in ("candump", "otids")
    scenario = source / ("train_02_with_attacks" if labelled else "train_01_attack_free")
    scenario.mkdir()
    write_text(scenario / "DoS-0.txt", form, frames)
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
    source = _source(folder, form, frames)
    (path,) = source.glob("*/*")
    other = Path(shutil.copy(path, path.with_name("DoS-1.txt")))
    _drop_last_line(other)  # twice the same recording would be imported once
    command = [sys.executable, "-m", "benchmarks.reading", "--import", str(source), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(source)
    megabytes = json.loads(done.stdout) / 1e6
    name = f"{form}: peak memory, two files"
    return Row(what=name, frames=frames, value=(megabytes,) * 3, unit="MB")


def _drop_last_line(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(-_LONGEST_LINE, os.SEEK_END)
        end = file.read().rstrip(b"\n").rindex(b"\n") + 1
        file.truncate(path.stat().st_size - _LONGEST_LINE + end)


def in_turn(ways: Mapping[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """CPU-seconds of each run of each way, one after the other in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, work in ways.items():
            started = time.process_time()
            work()
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
