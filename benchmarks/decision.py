"""Time from a window's last frame to its decision on a stream, beside the batch path.

    python -m benchmarks.decision RUN FILE ... [--decisions N] [--experiment-root DIR]

One thread on one core. The files are played as one endless stream, as many frames at a time as a
window is behind the one before; a decision is everything from these frames to scores, p-values,
severities and events of the run and what it fuses, with and without vehicle profiles, at strides of
100 and of 10 frames. Beside it, in the same run: the same windows by whole recordings (`score`),
and one at a time by the modules. `make bench` does a part of it with a trio that it trains.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Final

for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks.chain import student_trio  # noqa: E402
from benchmarks.data import training_dataset, training_frames  # noqa: E402
from benchmarks.memory import resident_mb  # noqa: E402
from benchmarks.rows import Row, Unit, measured  # noqa: E402
from can_train.detectors.frame_scorer import ModuleFrameScorer  # noqa: E402
from can_train.detectors.known_vehicle import KnownVehicles  # noqa: E402
from can_train.detectors.loading import load_detector  # noqa: E402
from can_train.detectors.module_scorer import ModuleWindowScorer  # noqa: E402
from can_train.detectors.window_scorer import WindowScorer  # noqa: E402
from can_train.evaluation.latency import one_core  # noqa: E402
from can_train.frames.frame import Frames  # noqa: E402
from can_train.frames.readers import read_recording  # noqa: E402
from can_train.graphs.live import LiveGraphs  # noqa: E402
from can_train.streaming.opening import stream_of  # noqa: E402

STRIDES: Final = (100, 10)
WARM_UP: Final = 300
DECISIONS: Final = 4_000
"""Of a round of `make bench`."""

SHARE_BESIDE: Final = 20
"""The paths beside it get one in so many of the windows."""

COLUMNS: Final = (
    "stride", "scored by", "windows", "median ms", "p99 ms", "p99.9 ms", "frames/s",
    "CPU µs/window", "memory +MB",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timed:
    """What some decisions took.

    Attributes:
        seconds: Of each, by the clock [decisions], float64.
        cpu: CPU-seconds of all.
        memory_mb: What the process grew by.
    """

    seconds: NDArray[np.float64]
    cpu: float
    memory_mb: float


def _frames_per_s(timed: Timed, stride: int) -> float:
    return float(stride * len(timed.seconds) / timed.seconds.sum())


Figure = Callable[[Timed, int], float]
FIGURES: Final[tuple[tuple[str, Unit, Figure], ...]] = (
    ("median", "ms", lambda timed, _: float(np.median(timed.seconds)) * 1e3),
    ("99th percentile", "ms", lambda timed, _: float(np.percentile(timed.seconds, 99)) * 1e3),
    ("frames", "frames/s", _frames_per_s),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--decisions", type=int, default=100_000, metavar="N")
    parser.add_argument("--experiment-root", type=Path, metavar="DIR")
    args = parser.parse_args()
    torch.set_num_threads(1)
    recordings = [read_recording(file).frames for file in args.files]
    load = os.getloadavg()[0]
    _row(COLUMNS)
    with one_core():
        for stride in STRIDES:
            detector = _opened(args.run, experiment_root=args.experiment_root)
            _print_at(_at_stride(detector, stride), recordings, args.decisions)
    print(f"{platform.processor() or platform.machine()}, one core, load average {load:.2f}")


def _opened(run: str | Path, experiment_root: Path | None = None) -> ModuleFrameScorer:
    detector = load_detector(run, experiment_root=experiment_root)
    if not isinstance(detector, ModuleFrameScorer):
        raise SystemExit(f"{run}: has no modules to compare with. Name a run")
    return detector


def rows(rounds: int) -> Iterator[Row]:
    """Decisions of a student trio on a stream, beside its modules."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, one_core():
        data = Path(folder) / "data"
        recordings = training_frames(data, training_dataset(data))
        run = student_trio(Path(folder))
        for stride in STRIDES:
            detector = _at_stride(_opened(run), stride)
            yield from _rows_at(detector, recordings, rounds)


def _rows_at(
    detector: ModuleFrameScorer, recordings: Sequence[Frames], rounds: int
) -> Iterator[Row]:
    stride, profiles = detector.spec.stride, detector.own.vehicles

    def decisions(figure: Figure, vehicles: KnownVehicles | None) -> float:
        detector.own.vehicles = vehicles
        return figure(_streamed(detector, recordings, DECISIONS), stride)

    def by_modules(figure: Figure) -> float:
        detector.own.vehicles = None
        return figure(_by_modules(detector, recordings, DECISIONS // SHARE_BESIDE), stride)

    known = {"": None} if profiles is None else {"": None, ", vehicle profiles": profiles}
    for name, vehicles in known.items():
        for what, unit, figure in FIGURES:
            ours, reference = partial(decisions, figure, vehicles), partial(by_modules, figure)
            whole = f"stride {stride}{name}: {what}"
            yield measured("Decision", whole, unit, ours, "modules", reference, rounds)


def _at_stride(detector: ModuleFrameScorer, stride: int) -> ModuleFrameScorer:
    for each in detector.detectors.values():
        each.config = replace(each.config, data=replace(each.config.data, stride=stride))
    return detector


def _print_at(detector: ModuleFrameScorer, recordings: Sequence[Frames], decisions: int) -> None:
    stride, profiles = detector.spec.stride, detector.own.vehicles
    for name, vehicles in (("stream", None), ("stream, profiles", profiles)):
        detector.own.vehicles = vehicles
        if name == "stream" or vehicles is not None:
            _row((str(stride), name, *_shown(_streamed(detector, recordings, decisions), stride)))
    detector.own.vehicles = None
    few = decisions // SHARE_BESIDE
    timed = _by_modules(detector, recordings, few)
    _row((str(stride), "modules, one window", *_shown(timed, stride)))
    _row((str(stride), "whole recordings", *_whole(detector, recordings, few)))
    detector.own.vehicles = profiles


def _streamed(detector: ModuleFrameScorer, recordings: Sequence[Frames], decisions: int) -> Timed:
    """Every decision timed, from its frames to all that is said."""
    stream = stream_of(detector, words=recordings[0].payload.shape[1] // 8)
    pieces = _pieces(recordings, detector.spec.window, detector.spec.stride)
    return _timed(lambda piece: list(stream.push(piece)), pieces, decisions)


def _by_modules(detector: ModuleFrameScorer, recordings: Sequence[Frames], decisions: int) -> Timed:
    """Graphs as for the stream, each window a batch of its own."""
    live = LiveGraphs(detector.spec, words=recordings[0].payload.shape[1] // 8)
    scorers: dict[str, WindowScorer] = {}
    for name, each in detector.modules.items():
        scorers[name] = ModuleWindowScorer(each, {**scorers} if each.fuses else {})

    def decide(piece: Frames) -> None:
        for graph in live.windows_of(piece):
            for scorer in scorers.values():
                scorer.look(graph)

    pieces = _pieces(recordings, detector.spec.window, detector.spec.stride)
    return _timed(decide, pieces, decisions)


def _timed(decide: Callable[[Frames], object], pieces: Iterator[Frames], decisions: int) -> Timed:
    for piece in islice(pieces, min(WARM_UP, decisions)):
        decide(piece)
    seconds = np.empty(decisions)
    memory, began = resident_mb(), time.thread_time()
    for number, piece in enumerate(islice(pieces, decisions)):
        before = time.perf_counter()
        decide(piece)
        seconds[number] = time.perf_counter() - before
    cpu = time.thread_time() - began
    return Timed(seconds=seconds, cpu=cpu, memory_mb=resident_mb() - memory)


def _whole(
    detector: ModuleFrameScorer, recordings: Sequence[Frames], least: int
) -> tuple[str, ...]:
    """Recordings in batches, at least so many windows."""
    windows = 0
    memory, began, cpu = resident_mb(), time.perf_counter(), time.thread_time()
    for frames in cycle(recordings):
        windows += len(detector.score(frames))
        if windows >= least:
            break
    seconds, cpu = time.perf_counter() - began, time.thread_time() - cpu
    return (
        f"{windows:,}", "", "", "", f"{windows * detector.spec.stride / seconds:,.0f}",
        f"{1e6 * cpu / windows:.0f}", f"{resident_mb() - memory:.1f}",
    )  # fmt: skip


def _pieces(recordings: Sequence[Frames], window: int, stride: int) -> Iterator[Frames]:
    """The recordings over and over; the first piece is a window, later ones a stride."""
    size = window
    for frames in cycle(recordings):
        begin = 0
        while begin + size <= len(frames):
            yield frames[begin : begin + size]
            begin, size = begin + size, stride


def _shown(timed: Timed, stride: int) -> tuple[str, ...]:
    median, high, highest = np.percentile(timed.seconds, (50, 99, 99.9)) * 1e3
    decisions = len(timed.seconds)
    return (
        f"{decisions:,}", f"{median:.3f}", f"{high:.3f}", f"{highest:.3f}",
        f"{_frames_per_s(timed, stride):,.0f}", f"{1e6 * timed.cpu / decisions:.0f}",
        f"{timed.memory_mb:.1f}",
    )  # fmt: skip


def _row(cells: Sequence[str]) -> None:
    print("".join(f"{cell:>{21 if at == 1 else 14}}" for at, cell in enumerate(cells)), flush=True)


if __name__ == "__main__":
    main()
