"""How fast text becomes frames and graphs, and in how much memory.

    python -m benchmarks.reading [--frames N ...] [--rounds N] [--forms FORM ...]

prints what `make bench` measures, for other numbers of frames, or some forms of text alone. What is
compared runs in turn: the readers as they are, without their fast pass, and polars' CSV reader,
which splits the same text into columns of strings but makes no frames of them. Beside storing
graphs stands writing as many bytes into as many files: what a disk and its cache ask for.
Peak memory is that of a process of its own which imports two files at once, beside their size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

for variable in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import polars as pl  # noqa: E402

from benchmarks.memory import peak_bytes  # noqa: E402
from benchmarks.rows import Row, measured, row_of  # noqa: E402
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

ROUNDS: Final = 5
FRAMES: Final = 200_000
MEGA: Final = 1e6
WRITTEN_AT_ONCE: Final = 1 << 20

LAYOUTS: Final[dict[str, Callable[[Path], TextLayout]]] = {
    "candump": candump.layout_of,
    "can-train-and-test": can_train_and_test.layout_of,
    "hcrl": hcrl.layout_of,
    "table": lambda path: table.layout_of(table.understood(path, {})),
}
"""Formats with a fast pass."""

SEPARATORS: Final = {"candump": " ", "can-train-and-test": ",", "hcrl": ",", "table": ","}
"""Of what polars can split."""


def rows(rounds: int, sizes: Sequence[int] = (FRAMES,), *forms: str) -> Iterator[Row]:
    """All figures, for recordings of so many frames in these forms, or in all."""
    forms = forms or tuple(FORMS)
    with tempfile.TemporaryDirectory() as folder:
        for frames in sizes:
            for form in forms:
                path = Path(folder) / f"{form}.txt"
                write_text(path, form, frames)
                yield from _reading(path, form, frames, rounds)
                path.unlink()
        for form in forms:
            yield _peak(Path(folder), form, max(sizes))


def _reading(path: Path, form: str, frames: int, rounds: int) -> Iterator[Row]:
    """Rates of reading one text, and of storing its graphs."""
    beside, reference = _split(path, form)
    what = f"{form}, {frames:,} frames"
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source = _scenario(Path(folder), form)
        (source / "DoS-0.txt").symlink_to(path)
        rates = [("", _rate(partial(read_recording, path), frames))]
        kinds: tuple[FeatureSet, ...] = ("classic", "relational")
        for features in kinds:
            packed = _import_rate(source.parent, Path(folder), features, frames)
            rates.append((f", to stored {features} graphs", packed))
        for name, rate in rates:
            yield measured(
                "Reading", what + name, "frames/s", rate, beside, _rate(reference, frames), rounds
            )
        written = _written_rate(source.parent, Path(folder), frames)
        yield measured(
            "Reading", f"{what}, to as many bytes", "frames/s", written,
            "to stored relational graphs", rates[-1][1], rounds,
        )  # fmt: skip
    if form in LAYOUTS:
        layout = LAYOUTS[form](path)
        fast, slow = (
            _rate(partial(read_text, path, each, ReadOptions()), frames)
            for each in (layout, replace(layout, scan=None))
        )
        yield measured(
            "Reading", f"{what}, fast pass", "frames/s", fast, "without it", slow, rounds
        )


def _split(path: Path, form: str) -> tuple[str, Callable[[], object]]:
    """What else makes columns of the text."""
    if form not in SEPARATORS:
        return "str.split", partial(_split_lines, path)
    return "polars.read_csv", lambda: pl.read_csv(
        path, has_header=form in ("table", "can-train-and-test"), separator=SEPARATORS[form],
        infer_schema=False, truncate_ragged_lines=True,
    )  # fmt: skip


def _split_lines(path: Path) -> None:
    """Splits all lines of a text; of a long one not all words are held at once."""
    with path.open(encoding="utf-8") as file:
        while lines := list(islice(file, FRAMES)):
            [line.split() for line in lines]


def _rate(work: Callable[[], object], frames: int) -> Callable[[], float]:
    def measure() -> float:
        begin = time.process_time()
        work()
        return frames / (time.process_time() - begin)

    return measure


def _import_rate(
    source: Path, folder: Path, features: FeatureSet, frames: int
) -> Callable[[], float]:
    """The same of an import with its graphs; to remove them afterwards isn't a part of it."""

    def measure() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            begin = time.process_time()
            _import(source, Path(inner), features)
            return frames / (time.process_time() - begin)

    return measure


def _written_rate(source: Path, folder: Path, frames: int) -> Callable[[], float]:
    """How fast files of the sizes that an import leaves are written and brought to the disk."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        _import(source, Path(inner), "relational")
        sizes = [path.stat().st_size for path in Path(inner).rglob("*") if path.is_file()]
    piece = memoryview(os.urandom(WRITTEN_AT_ONCE))

    def measure() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            begin = time.process_time()
            for number, size in enumerate(sizes):
                with (Path(inner) / str(number)).open("wb", buffering=0) as file:
                    for written in range(0, size, WRITTEN_AT_ONCE):
                        file.write(piece[: size - written])
                    os.fsync(file.fileno())
            return frames / (time.process_time() - begin)

    return measure


def _scenario(folder: Path, form: str) -> Path:
    """An empty scenario folder for recordings of a form."""
    labelled = form not in ("candump", "otids")
    scenario = folder / "source" / ("train_02_with_attacks" if labelled else "train_01_attack_free")
    scenario.mkdir(parents=True)
    return scenario


def _import(source: Path, root: Path, features: FeatureSet | None) -> None:
    """Imports recordings into an empty folder, and stores their graphs if `features` are named."""
    request = PrepareRequest(modality="automotive", dataset="bench", data_root=root, source=source)
    prepare_dataset(request, report=lambda _: None)
    if features is not None:
        manifest = load_manifest(root, "automotive", "bench")
        spec = WindowSpec(features=features, window=100, stride=100)
        open_store(manifest.ref.folder(root), manifest.train, spec)


def _peak(folder: Path, form: str, frames: int) -> Row:
    """Peak memory of importing two recordings at once."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        scenario = _scenario(Path(inner), form)
        for number in range(2):
            write_text(scenario / f"DoS-{number}.txt", form, frames - number)
        size = sum(path.stat().st_size for path in scenario.iterdir())
        command = [sys.executable, "-m", "benchmarks.reading", "--import"]
        done = subprocess.run(
            [*command, str(scenario.parent), inner], check=True, capture_output=True, text=True
        )
    what = f"{form}, peak memory of two files at once"
    pair = (json.loads(done.stdout) / MEGA, size / MEGA)
    return row_of("Reading", what, "MB", "both texts", [pair])


def main() -> int:
    """Prints one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=lambda text: int(float(text)), nargs="+", default=[FRAMES])
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=())
    parser.add_argument("--import", dest="folders", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folders:
        source, folder = given.folders
        _import(source, folder, None)
        sys.stdout.write(f"{peak_bytes()}\n")
        return 0
    for row in rows(given.rounds, given.frames, *given.forms):
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
