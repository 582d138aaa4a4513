"""`make bench`: frames per second of graph building and import, and memory of building.

Each figure is the median of five runs on one core after a warm-up. Needs the hcrl_sa training
recordings at `$CAN_TRAIN_RECORDINGS`, else it uses synthetic traffic and says so.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

for variable in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest  # noqa: E402
from can_train.dataset.prepare import PrepareRequest, prepare_dataset  # noqa: E402
from can_train.dataset.synth import generate  # noqa: E402
from can_train.frames.frame import Frames  # noqa: E402
from can_train.frames.store import load_frames  # noqa: E402
from can_train.graphs.build import GraphBuilder  # noqa: E402
from can_train.graphs.identity import WindowSpec  # noqa: E402
from can_train.graphs.store import open_store  # noqa: E402
from can_train.vocab import FeatureSet  # noqa: E402

RUNS = 5
FEATURES: Final[tuple[FeatureSet, ...]] = ("classic", "relational")
MEMORY_FRAMES = 5_000_000


def main() -> int:
    """Prints one line per figure."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        manifest = training_dataset(root)
        recordings = [
            load_frames(dataset_dir(root, "automotive", "bench"), r) for r in manifest.train
        ]
        frames = sum(map(len, recordings))
        _say(f"{frames:,} training frames; median of {RUNS} runs on one core (lowest, highest)")
        for features in FEATURES:
            _rate(f"graph building, {features}", frames, partial(_build, recordings, features))
        source = root / "csv"
        _write_csv(source, manifest, recordings)
        for features in FEATURES:
            _rate(
                f"CSV text to packed store, {features}",
                frames,
                partial(_import, source, features, root),
            )
        _memory(source, root)
    return 0


def training_dataset(root: Path) -> DatasetManifest:
    """The training recordings of hcrl_sa, or synthetic ones, stored below `root`."""
    recordings = os.environ.get("CAN_TRAIN_RECORDINGS")
    if recordings:
        source = Path(recordings) / "parquet" / "hcrl_sa"
    else:
        _say("CAN_TRAIN_RECORDINGS isn't set: synthetic traffic instead of hcrl_sa")
        source = root / "synthetic"
        generate(source, seed=0, scale=4.0)
    _prepare(source, root)
    return load_manifest(root, "automotive", "bench")


def _prepare(source: Path, root: Path) -> None:
    request = PrepareRequest(modality="automotive", dataset="bench", data_root=root, source=source)
    prepare_dataset(request, report=lambda _: None)


def _build(recordings: Sequence[Frames], features: FeatureSet) -> None:
    for frames in recordings:
        words = frames.payload.shape[1] // 8
        builder = GraphBuilder(_spec(features), words=words)
        for _ in builder.build(frames):
            pass


def _spec(features: FeatureSet) -> WindowSpec:
    return WindowSpec(features=features, window=100, stride=100)


def _write_csv(folder: Path, manifest: DatasetManifest, recordings: Sequence[Frames]) -> None:
    for recording, frames in zip(manifest.train, recordings, strict=True):
        path = folder / recording.scenario / f"{recording.name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="ascii") as file:
            file.write("timestamp,arbitration_id,data_field,attack\n")
            for t, i, d, p, y in zip(
                frames.timestamp.tolist(),
                frames.arbitration_id.tolist(),
                frames.dlc.tolist(),
                frames.payload,
                frames.label.tolist(),
                strict=True,
            ):
                file.write(f"{t:.6f},{i:03X},{bytes(p[:d]).hex().upper()},{y}\n")


def _import(source: Path, features: FeatureSet, root: Path) -> None:
    """Imports and packs into an empty data root, which is removed with everything else."""
    data_root = Path(tempfile.mkdtemp(dir=root))
    _prepare(source, data_root)
    manifest = load_manifest(data_root, "automotive", "bench")
    open_store(manifest.ref.folder(data_root), manifest.train, _spec(features))


def _rate(name: str, frames: int, work: Callable[[], None]) -> None:
    work()
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    rates = sorted(frames / s for s in seconds)
    middle = statistics.median(rates)
    _say(f"{name:36s} {middle:12,.0f} frames/s  ({rates[0]:,.0f}, {rates[-1]:,.0f})")


def _memory(source: Path, root: Path) -> None:
    """Peak memory of importing and packing five million frames, over that of the imports."""
    _write_long_csv(source, root / "long", MEMORY_FRAMES)
    for features in FEATURES:
        script = Path(__file__).with_name("memory.py")
        done = subprocess.run(
            [sys.executable, str(script), str(root / "long"), features],
            check=True,
            capture_output=True,
            text=True,
        )
        growth, store = map(float, done.stdout.split())
        _say(
            f"memory on {MEMORY_FRAMES:,} frames, {features:12s} {growth / 1e6:8.0f} MB growth, "
            f"store {store / 1e6:.0f} MB, ratio {growth / store:.2f}"
        )


def _write_long_csv(source: Path, folder: Path, frames: int) -> None:
    """Four recordings with `frames` frames in all: one recording repeated, shifted in time."""
    lines = min(source.glob("*/*.csv")).read_text().splitlines(keepends=True)
    for number in range(4):
        path = folder / "train_01_attack_free" / f"long-{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="ascii") as file:
            file.write(lines[0])
            for k in range(frames // 4):
                repeat, row = divmod(k, len(lines) - 1)
                seconds, rest = lines[1 + row].split(".", 1)
                file.write(f"{int(seconds) + 1000 * repeat + number}.{rest}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
