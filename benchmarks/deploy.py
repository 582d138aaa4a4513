"""The budget of exported detectors: agreement, F1, flash, RAM, instructions and speed, as a page.

    python -m benchmarks.deploy RUN [--data-root DIR] [--experiment-root DIR]

Needs gcc, ONNX Runtime (`can-train env --install onnx`), arm-none-eabi-gcc and qemu-system-arm
(Debian: gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm). Replaces
docs/deploy/budget.md.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.deploy_cores import budgets_of
from benchmarks.deploy_frames import compiled, log_of, write_frames, written
from benchmarks.deploy_host import HOST, host_rows
from benchmarks.deploy_page import Row, page_of
from benchmarks.tables import ROOT
from can_train.dataset.manifest import load_manifest
from can_train.deploy.c99.reduced import reduced
from can_train.deploy.c99.rounding import quantized
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.frames.frame import Frames
from can_train.frames.store import verified_frames
from can_train.streaming.opening import stream_of
from can_train.streaming.scorer import Decision

PAGE: Final = ROOT / "docs" / "deploy" / "budget.md"
ALL_IDS: Final = "-DCT_MOST_IDS=4096"
SOME_IDS: Final = "-DCT_MOST_IDS=96"


@dataclass(kw_only=True)
class Said:
    """Of a scenario: labels; by way and scorer margins, severities and which windows are above the
    threshold, a part per recording."""

    label: list[np.ndarray] = field(default_factory=list)
    margin: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    severity: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    above: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)

    def add(self, way: str, scorer: str, margin: object, severity: object, above: object) -> None:
        """Takes what one way says of a recording."""
        self.above.setdefault((way, scorer), []).append(np.asarray(above, bool))
        self.margin.setdefault((way, scorer), []).append(np.asarray(margin, float))
        self.severity.setdefault((way, scorer), []).append(np.asarray(severity))


def main() -> None:
    """Measures, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR")
    parser.add_argument("--experiment-root", type=Path, metavar="DIR")
    args = parser.parse_args()
    detector = load_detector(args.run, experiment_root=args.experiment_root)
    recordings = _recordings(detector, args.data_root)
    frames = next(iter(recordings.values()))[0]
    with tempfile.TemporaryDirectory() as home:
        small = quantized(reduced(detector))
        folders = {
            "float32": written(detector, Path(home) / "float32", whole=False),
            "int8": written(quantized(detector), Path(home) / "int8", whole=True),
            "small, int8": written(small, Path(home) / "small", whole=True, small=True),
        }
        for folder in folders.values():
            write_frames(frames, folder / "frames.h")
        host = host_rows(detector, frames, folders)
        budgets = budgets_of(folders)
        rows = _rows(_said(detector, folders, recordings))
    PAGE.write_text(page_of(detector, rows, budgets, host), encoding="utf-8")


def _recordings(detector: FrameScorer, root: Path) -> dict[str, list[Frames]]:
    """The test recordings of the detector's dataset, by scenario."""
    config = detector.own.config
    found: dict[str, list[Frames]] = {}
    for recording in load_manifest(root, config.modality, config.dataset).recordings:
        if recording.scenario.startswith("test"):
            frames = verified_frames(root / config.modality / config.dataset, recording)
            found.setdefault(recording.scenario, []).append(frames)
    return found


def _said(
    detector: FrameScorer, folders: Mapping[str, Path], recordings: Mapping[str, list[Frames]]
) -> dict[str, Said]:
    """By scenario: what Python and the programs say of every test recording."""
    programs = {
        f"{name}, {told} IDs": compiled(folder, folder / "main.c", *HOST, *flags)
        for name, folder in folders.items()
        for told, flags in (("all", (ALL_IDS,)), ("96", (SOME_IDS,)), ("64", ()))
        if not (name.startswith("small") and flags)
    }
    found: dict[str, Said] = {}
    for scenario, parts in recordings.items():
        said = found.setdefault(scenario, Said())
        for frames in parts:
            _add(detector, frames, programs, said)
    return found


def _add(detector: FrameScorer, frames: Frames, programs: Mapping[str, Path], said: Said) -> None:
    decisions = list(stream_of(detector).push(frames))
    for name in detector.thresholds:
        verdicts = [each.verdicts[name] for each in decisions]
        columns = ([v.score for v in verdicts], [v.severity for v in verdicts])
        said.add("Python", name, *columns, [v.above for v in verdicts])
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
        log.write(log_of(frames))
        log.flush()
        for way, program in programs.items():
            lines = _windows(program, log.name)
            for at, name in enumerate(lines[0][2:-2:4]):
                margin = [float(line[3 + 4 * at]) for line in lines]
                words = [line[5 + 4 * at] for line in lines]
                severities = [word.rstrip("!") for word in words]
                said.add(way, name, margin, severities, [word.endswith("!") for word in words])
    said.label.append(_labels(detector, frames, decisions))


def _labels(detector: FrameScorer, frames: Frames, decisions: list[Decision]) -> np.ndarray:
    starts = np.array([each.start for each in decisions])
    attacks = np.concatenate([[0], np.cumsum(frames.label)])
    return np.asarray(attacks[starts + detector.spec.window] > attacks[starts])


def _windows(program: Path, log: str) -> list[list[str]]:
    done = subprocess.run([program, "--windows", log], check=True, capture_output=True, text=True)
    return [line.split() for line in done.stdout.splitlines() if line.startswith("window")]


def _rows(said: Mapping[str, Said]) -> list[Row]:
    """A row for each scenario, scorer and way of scoring."""
    rows = []
    for scenario, of in said.items():
        label = np.concatenate(of.label)
        above = {key: np.concatenate(parts) for key, parts in of.above.items()}
        margin = {key: np.concatenate(parts) for key, parts in of.margin.items()}
        severity = {key: np.concatenate(parts) for key, parts in of.severity.items()}
        for way, name in margin:
            off = np.abs(margin[way, name] - margin["Python", name]).max()
            changed = severity[way, name] != severity["Python", name]
            rows.append(Row(
                scenario=scenario, scorer=name, by=way, f1=_f1(above[way, name], label),
                off=float(off), severities=int(changed.sum()), windows=len(label),
            ))  # fmt: skip
    return rows


def _f1(above: np.ndarray, label: np.ndarray) -> float:
    hits = int((above & label).sum())
    return 2 * hits / max(int(above.sum()) + int(label.sum()), 1)


if __name__ == "__main__":
    main()
