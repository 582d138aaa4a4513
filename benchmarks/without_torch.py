"""What an exported detector says without torch, beside what `evaluate` said of the same windows.

    python -m benchmarks.without_torch RUN/windows.parquet MODEL.cantrain MODEL.onnx FILE ...

For an environment without torch: what requirements.lock names, and ONNX Runtime.
FILE are the test recordings, `<scenario>__<name>` or `<scenario>/<name>`. By file and scorer:
largest difference of margins, and windows whose severity differs.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import polars as pl
from numpy.typing import NDArray

from benchmarks.onnx_inputs import inputs_of
from can_train.alarms.rule import SEVERITIES
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.level import Levelling
from can_train.detectors.loading import load_detector
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.graphs.build import graphs_in_turn
from can_train.streaming.opening import stream_of

AT_ONCE: Final = 256
Margins = Mapping[str, NDArray[np.float64]]


def main() -> None:
    """Prints a line per way, file and scorer, and the worst of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("windows", type=Path, metavar="WINDOWS")
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument("onnx", metavar="ONNX")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    args = parser.parse_args()
    if importlib.util.find_spec("torch") is not None:
        raise SystemExit("torch is installed here. Run this where it isn't")
    expected = pl.read_parquet(args.windows)
    detector = load_detector(args.bundle)
    session = onnxruntime.InferenceSession(args.onnx, providers=["CPUExecutionProvider"])
    worst = {"bundle": Worst(), "onnx": Worst()}
    compared = 0
    for file in args.files:
        frames = read_recording(file).frames
        of_file = expected.filter(pl.col("file") == file.stem.rpartition("__")[2])
        decisions = list(stream_of(detector).push(frames))
        compared += len(decisions)
        for name in detector.thresholds:
            verdicts = [each.verdicts[name] for each in decisions]
            severity = of_file[f"{name}_severity"].to_numpy()
            found = np.array([SEVERITIES.index(each.severity) for each in verdicts])
            margin = np.array([each.score for each in verdicts])
            worst["bundle"].add(file, name, of_file, margin, found != severity)
        for name, margin in _of_onnx(session, detector, frames).items():
            threshold = detector.thresholds[name]
            above = of_file[f"{name}_score"].to_numpy() > threshold.value
            worst["onnx"].add(file, name, of_file, margin, (margin > threshold.value) != above)
    for way, each in worst.items():
        told = f"margins to {each.margin:.2g}, alarms differ {each.alarms}"
        print(f"{way}: {compared:,} windows, {told}")


@dataclass(slots=True)
class Worst:
    """The largest difference of margins, and all alarms that differ."""

    margin: float = 0.0
    alarms: int = 0

    def add(
        self,
        file: Path,
        name: str,
        expected: pl.DataFrame,
        margin: NDArray[np.float64],
        differs: NDArray[np.bool_],
    ) -> None:
        """Takes one scorer's windows of a recording."""
        off = float(np.abs(margin - expected[f"{name}_score"].to_numpy()).max())
        self.margin, self.alarms = max(self.margin, off), self.alarms + int(differs.sum())
        print(f"{file.stem} {name}: {off:.2g}, {int(differs.sum())} alarms differ")


def _of_onnx(
    session: onnxruntime.InferenceSession, detector: FrameScorer, frames: Frames
) -> Margins:
    """Margins of the model, each recording against its own level."""
    outputs = [each.name for each in session.get_outputs()]
    parts = []
    for graphs in graphs_in_turn(frames, detector.spec, AT_ONCE):
        if not len(graphs):
            continue
        parts.append(session.run(outputs, inputs_of(graphs)))
    said = {name: np.concatenate(each) for name, *each in zip(outputs, *parts, strict=True)}
    found = {}
    for name in (each.removesuffix("_margin") for each in outputs if each.endswith("_margin")):
        margin = said[f"{name}_margin"]
        doubt = said.get(f"{name}_doubt", np.zeros(len(margin)))
        found[name] = Levelling(detector.thresholds[name]).follow(margin, doubt)
    return found


if __name__ == "__main__":
    main()
