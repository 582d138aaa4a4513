"""How far a run's bundle and ONNX model are from the run, on every window of recordings.

    python -m benchmarks.exported RUN FILE ... --experiment-root DIR

Both are exported for it. Largest difference of margins and p-values by scorer, and windows on which
they disagree about the stored threshold.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from can_train.deploy.bundle.write import about
from can_train.deploy.exporter import Export
from can_train.deploy.onnx.write import model_of
from can_train.detectors.bundle import bundle_bytes, read_bundle
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.graphs.build import graphs_in_turn
from can_train.graphs.feed import raw_graphs

AT_ONCE = 256
Outputs = dict[str, NDArray[np.float64]]


def main() -> None:
    """Prints a line per way and scorer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--experiment-root", type=Path)
    args = parser.parse_args()
    detector = load_detector(args.run, experiment_root=args.experiment_root)
    told = about(Export(detector=detector, source=Path(), out=Path(), given={}, report=print))
    model = model_of(detector, {"identity": told["identity"]}).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "exported.cantrain"
        path.write_bytes(bundle_bytes(detector, told))
        bundle = read_bundle(path).detector
    parts = []
    for file in args.files:
        frames = read_recording(file).frames
        whole = (_said(detector, frames), _said(bundle, frames))
        parts.append((*whole, *_ran(session, detector, frames)))
    expected, by_bundle, alone, by_onnx = (_joined(list(way)) for way in zip(*parts, strict=True))
    print(f"{len(next(iter(expected.values()))):,} windows of {len(args.files)} recordings")
    _print("bundle", detector, expected, by_bundle)
    _print("onnx", detector, alone, by_onnx)


def _said(detector: FrameScorer, frames: Frames) -> Outputs:
    scored = detector.score(frames)
    margins = {f"{name}_margin": score for name, score in scored.score.items()}
    return margins | {f"{name}_p_value": p for name, p in scored.p_value.items()}


def _ran(
    session: onnxruntime.InferenceSession, detector: FrameScorer, frames: Frames
) -> tuple[Outputs, Outputs]:
    """What the run says of each window alone, and what the model says."""
    names, alone, found = [output.name for output in session.get_outputs()], [], []
    for graphs in graphs_in_turn(frames, detector.spec, AT_ONCE):
        if not len(graphs):
            continue
        raw = raw_graphs(graphs, np.arange(len(graphs)))
        inputs = {
            "node_x": raw.node_x, "node_id": raw.node_id, "edge_x": raw.edge_x,
            "edge_index": raw.edge_index, "window": raw.batch,
        }  # fmt: skip
        out = session.run(names, {name: tensor.numpy() for name, tensor in inputs.items()})
        found.append(dict(zip(names, out, strict=True)))
        scores = detector.score_graphs(graphs)
        by_row = {detector.detectors[name].spec.row: said.margin for name, said in scores.items()}
        alone.append(
            {f"{row}_margin": score for row, score in by_row.items()}
            | {f"{r}_p_value": detector.evidence[r].p_value(s) for r, s in by_row.items()}
        )
    return _joined(alone), _joined(found)


def _joined(parts: list[Outputs]) -> Outputs:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _print(
    way: str, detector: FrameScorer, expected: Mapping[str, NDArray[np.float64]], found: Outputs
) -> None:
    for name, threshold in detector.thresholds.items():
        margin, p_value = f"{name}_margin", f"{name}_p_value"
        if margin in found:
            off = np.abs(found[margin] - expected[margin]).max()
            rare = np.abs(found[p_value] - expected[p_value]).max()
            above = (found[margin] > threshold.value) != (expected[margin] > threshold.value)
            print(
                f"{way} {name}: margin {off:.2g}, p-value {rare:.2g}, alarms differ {above.sum()}"
            )


if __name__ == "__main__":
    main()
