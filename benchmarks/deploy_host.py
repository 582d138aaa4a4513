"""How fast exported detectors are on this host: Python, ONNX Runtime and C, one thread each."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from benchmarks.deploy_frames import PROGRAMS, compiled
from benchmarks.onnx_inputs import inputs_of
from can_train.deploy.onnx.write import model_of
from can_train.detectors.bundle import bundle_bytes, read_bundle
from can_train.detectors.frame_scorer import FrameScorer
from can_train.frames.frame import Frames
from can_train.graphs.build import graphs_in_turn
from can_train.streaming.detection import Detection
from can_train.streaming.pacing import in_pieces

HOST: Final = (
    "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
    "-ffinite-math-only", "-fno-signed-zeros", "-DCT_LANE=24",
)  # fmt: skip
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """One way of scoring: frames per second, and microseconds per decision."""

    name: str
    frames_per_s: float
    p50_us: float
    p99_us: float


def host_rows(detector: FrameScorer, frames: Frames, folders: Mapping[str, Path]) -> list[HostRow]:
    """Of every way, on one recording."""
    rows = [
        _by_python(detector, frames, next(iter(folders.values())).parent / "it.cantrain"),
        _by_onnx(detector, frames),
    ]
    for name, folder in folders.items():
        program = compiled(folder, PROGRAMS / "speed.c", *HOST)
        shown = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        said = dict(line.split() for line in shown.splitlines())
        rows.append(HostRow(
            name=f"C, {name}", frames_per_s=float(said["frames_per_s"]),
            p50_us=float(said["p50_us"]), p99_us=float(said["p99_us"]),
        ))  # fmt: skip
    return rows


def _by_python(detector: FrameScorer, frames: Frames, path: Path) -> HostRow:
    """What stands behind `detect` with a bundle, events and their reasons included."""
    path.write_bytes(bundle_bytes(detector, {}))
    bundle = read_bundle(path).detector
    for _ in Detection(bundle).take(frames[:20_000]):  # compiled
        pass
    seconds = []
    for _ in range(_ROUNDS):
        detection = Detection(bundle)
        began = time.thread_time()
        for piece in in_pieces(frames):
            for _ in detection.take(piece):
                pass
        seconds.append(time.thread_time() - began)
    stride, detection = detector.spec.stride, Detection(bundle)
    single = []
    for begin in range(0, len(frames), stride):
        piece = frames[begin : begin + stride]
        before = time.perf_counter()
        for _ in detection.take(piece):
            pass
        single.append(time.perf_counter() - before)
    return _row("Python (`detect`, of a bundle)", len(frames) / min(seconds), single)


def _by_onnx(detector: FrameScorer, frames: Frames) -> HostRow:
    """The networks alone: graphs are there already."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = model_of(detector, {}).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    single = []
    for graphs in graphs_in_turn(frames, detector.spec, 1):
        if len(graphs):
            inputs = inputs_of(graphs)
            before = time.perf_counter()
            session.run(None, inputs)
            single.append(time.perf_counter() - before)
    per_s = detector.spec.stride * len(single) / sum(single)
    return _row("ONNX Runtime, without building graphs", per_s, single)


def _row(name: str, frames_per_s: float, single: list[float]) -> HostRow:
    p50, p99 = np.percentile(single, (50, 99)) * 1e6
    return HostRow(name=name, frames_per_s=frames_per_s, p50_us=float(p50), p99_us=float(p99))
