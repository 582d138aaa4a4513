"""The budget of the C detector: agreement, F1, flash, RAM, instructions and speed, as a page.

    python -m benchmarks.deploy RUN [--data-root DIR] [--experiment-root DIR] [--random N]

Needs gcc; with arm-none-eabi-gcc and qemu-system-arm the Cortex-M7 is counted, too (Debian:
gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm). Replaces docs/deploy/budget.md.
`--random N` first runs N random and adversarial frames under sanitizers.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.deploy_frames import log_of, write_frames
from benchmarks.deploy_page import Budget, Row, page_of
from benchmarks.tables import ROOT
from can_train.dataset.manifest import load_manifest
from can_train.deploy.c99.folder import c_files
from can_train.deploy.c99.rounding import quantized
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.frames.frame import Frames
from can_train.frames.store import verified_frames
from can_train.streaming.opening import stream_of

PAGE: Final = ROOT / "docs" / "deploy" / "budget.md"
PROGRAMS: Final = ROOT / "benchmarks" / "deploy_c"
CORTEX: Final = ("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-mthumb")
HOST: Final = (
    "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
    "-ffinite-math-only", "-fno-signed-zeros", "-DCT_LANE=16",
)  # fmt: skip
ALL_IDS: Final = "-DCT_MOST_IDS=4096"
SANITIZED: Final = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(kw_only=True)
class Said:
    """Labels, margins [B, scorers] and severities [B, scorers] of the windows of a scenario."""

    label: list[np.ndarray] = field(default_factory=list)
    margin: dict[str, list[np.ndarray]] = field(default_factory=dict)
    severity: dict[str, list[np.ndarray]] = field(default_factory=dict)


def main() -> None:
    """Measures, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR")
    parser.add_argument("--experiment-root", type=Path, metavar="DIR")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    args = parser.parse_args()
    detector = load_detector(args.run, experiment_root=args.experiment_root)
    with tempfile.TemporaryDirectory() as home:
        folders = {
            "float32": _folder(detector, Path(home) / "float32", whole=False),
            "int8": _folder(quantized(detector), Path(home) / "int8", whole=True),
        }
        if args.random:
            print(_random(folders["float32"], args.random))
        said = _said(detector, folders, args.data_root)
        budgets = [_budget(name, folder) for name, folder in folders.items()]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page_of(_rows(detector, said), budgets), encoding="utf-8")


def _folder(detector: FrameScorer, folder: Path, *, whole: bool) -> Path:
    folder.mkdir()
    for name, text in c_files(detector, whole=whole).items():
        (folder / name).write_text(text)
    return folder


def _compiled(folder: Path, program: Path, *flags: str) -> Path:
    out = folder / f"{program.stem}{abs(hash(flags))}"
    sources = [str(program), "can_train.c", "can_train_tables.c"]
    standard = "-std=c99" if program.parent == folder else "-std=gnu99"
    command = ["gcc", standard, *flags, "-I.", "-o", str(out), *sources, "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return out


def _random(folder: Path, frames: int) -> str:
    program = _compiled(folder, PROGRAMS / "random_frames.c", *SANITIZED)
    return subprocess.run(
        [program, str(frames)], check=True, capture_output=True, text=True
    ).stdout.strip()


def _said(detector: FrameScorer, folders: Mapping[str, Path], root: Path) -> dict[str, Said]:
    """By scenario: what Python and the programs say of every test recording."""
    config = detector.own.config
    manifest = load_manifest(root, config.modality, config.dataset)
    programs = {
        f"{name}, {ids or 64} IDs": _compiled(folder, folder / "main.c", *HOST, *flags)
        for name, folder in folders.items()
        for ids, flags in (("all", (ALL_IDS,)), ("", ()))
    }
    found: dict[str, Said] = {}
    for recording in manifest.recordings:
        if not recording.scenario.startswith("test"):
            continue
        frames = verified_frames(root / config.modality / config.dataset, recording)
        if not (next(iter(folders.values())) / "frames.h").exists():
            for folder in folders.values():
                write_frames(frames, folder / "frames.h")
        said = found.setdefault(recording.scenario, Said())
        _add(detector, frames, programs, said)
    return found


def _add(detector: FrameScorer, frames: Frames, programs: Mapping[str, Path], said: Said) -> None:
    verdicts = [list(each.verdicts.values()) for each in stream_of(detector).push(frames)]
    margins = {"Python": np.array([[each.score for each in row] for row in verdicts])}
    severities = {"Python": np.array([[each.severity for each in row] for row in verdicts])}
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
        log.write(log_of(frames))
        log.flush()
        for name, program in programs.items():
            lines = _windows(program, log.name)
            margins[name] = np.array([line[3:-2:4] for line in lines], float)
            severities[name] = np.array([line[5:-2:4] for line in lines])
    starts = np.arange(len(verdicts)) * detector.spec.stride
    attacks = np.concatenate([[0], np.cumsum(frames.label)])
    said.label.append(attacks[starts + detector.spec.window] > attacks[starts])
    for name in margins:
        said.margin.setdefault(name, []).append(margins[name])
        said.severity.setdefault(name, []).append(severities[name])


def _windows(program: Path, log: str) -> list[list[str]]:
    done = subprocess.run([program, "--windows", log], check=True, capture_output=True, text=True)
    return [line.split() for line in done.stdout.splitlines() if line.startswith("window")]


def _rows(detector: FrameScorer, said: Mapping[str, Said]) -> list[Row]:
    """A row for each scenario, scorer and way of scoring."""
    rows = []
    for scenario, of in said.items():
        label = np.concatenate(of.label)
        margin = {name: np.concatenate(parts) for name, parts in of.margin.items()}
        severity = {name: np.concatenate(parts) for name, parts in of.severity.items()}
        for at, (scorer, threshold) in enumerate(detector.thresholds.items()):
            for name in margin:
                above = margin[name][:, at] > threshold.value
                off = np.abs(margin[name][:, at] - margin["Python"][:, at]).max()
                changed = int((severity[name][:, at] != severity["Python"][:, at]).sum())
                rows.append(Row(
                    scenario=scenario, scorer=scorer, by=name, f1=_f1(above, label),
                    off=float(off), severities=changed, windows=len(label),
                ))  # fmt: skip
    return rows


def _f1(above: np.ndarray, label: np.ndarray) -> float:
    hits = int((above & label).sum())
    return 2 * hits / max(int(above.sum()) + int(label.sum()), 1)


def _budget(name: str, folder: Path) -> Budget:
    host = _figures([str(_compiled(folder, PROGRAMS / "speed.c", *HOST))])
    common = ["-std=gnu99", *CORTEX, "-O3", "-ffp-contract=fast", "-ffunction-sections", "-I."]
    sizes = {}
    for source in ("can_train.c", "can_train_tables.c"):
        target = folder / f"{source}.o"
        flags = [*common, "-fstack-usage", "-c", source, "-o", str(target)]
        subprocess.run(["arm-none-eabi-gcc", *flags], cwd=folder, check=True)
        shown = subprocess.run(
            ["arm-none-eabi-size", target], check=True, capture_output=True, text=True
        )
        sizes[source] = int(shown.stdout.splitlines()[1].split()[0])
    program = folder / "count.elf"
    sources = [str(PROGRAMS / "cortex_m7.c"), "can_train.c.o", "can_train_tables.c.o"]
    link = ["-ffreestanding", "-nostartfiles", "-T", str(PROGRAMS / "cortex_m7.ld")]
    command = ["arm-none-eabi-gcc", *common, *link, *sources, "-lm", "-lc", "-lnosys"]
    subprocess.run([*command, "-o", str(program)], cwd=folder, check=True, capture_output=True)
    counted = _figures([
        "qemu-system-arm", "-M", "mps2-an500", "-cpu", "cortex-m7", "-nographic", "-semihosting",
        "-icount", "shift=0", "-kernel", str(program),
    ])  # fmt: skip
    stack = sum(_frames_of_stack(folder / "can_train.c.su"))
    return Budget(name=name, code=sizes["can_train.c"], tables=sizes["can_train_tables.c"],
                  stack=stack, host=host, counted=counted)  # fmt: skip


def _frames_of_stack(usage: Path) -> Sequence[int]:
    """The largest stack frames of functions: no chain of calls holds more than six at once."""
    sizes = [int(line.split("\t")[1]) for line in usage.read_text().splitlines()]
    return sorted(sizes, reverse=True)[:6]


def _figures(command: list[str]) -> dict[str, float]:
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    lines = (shown.stdout + shown.stderr).splitlines()
    pairs = [line.split() for line in lines if len(line.split()) == 2]
    return {name: float(value) for name, value in pairs}


if __name__ == "__main__":
    main()
