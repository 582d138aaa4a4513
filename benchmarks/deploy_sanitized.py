"""The C detector under AddressSanitizer and UndefinedBehaviorSanitizer.

    python -m benchmarks.deploy_sanitized RUN [DIR ...] [--random N] [--experiment-root DIR]

Float32, int8 and the small export each take N random and adversarial frames, then all recordings
below every DIR that can be read. Any finding ends it. Memory is what a process held
after a tenth of the frames and after all.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.deploy_frames import PROGRAMS, compiled, log_of, written
from can_train.deploy.c99.reduced import reduced
from can_train.deploy.c99.rounding import quantized
from can_train.detectors.loading import load_detector
from can_train.errors import CanTrainError
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording

SANITIZED: Final = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CROWDED: Final = ("-DCT_MOST_IDS=40", "-DCT_MOST_NODES=20", "-DCT_NO_LIBM")
_STEP: Final = 1_000_000


def main() -> None:
    """Prints what each program counted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--random", type=int, default=_STEP, metavar="N")
    parser.add_argument("--experiment-root", type=Path, metavar="DIR")
    args = parser.parse_args()
    detector = load_detector(args.run, experiment_root=args.experiment_root)
    small = reduced(detector)
    with tempfile.TemporaryDirectory() as home:
        exact = written(detector, Path(home) / "float32", whole=False)
        whole = written(quantized(detector), Path(home) / "int8", whole=True)
        little = written(quantized(small), Path(home) / "small", whole=True, small=True)
        programs = [(exact, ()), (whole, ()), (little, ()), (exact, CROWDED)]
        for folder, flags in programs:
            name = " ".join([folder.name, *flags])
            random = compiled(folder, PROGRAMS / "random_frames.c", *SANITIZED, *flags)
            print(f"{name}: {_ran([str(random), str(args.random)])}", flush=True)
        replays = [compiled(f, f / "main.c", *SANITIZED, *flags) for f, flags in programs]
        _replay(replays, args.folders)


def _replay(programs: Sequence[Path], folders: Sequence[Path]) -> None:
    """Every recording through every program."""
    files = taken = 0
    for frames in _recordings(folders):
        files, taken = files + 1, taken + len(frames)
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write(log_of(frames))
            log.flush()
            for program in programs:
                _ran([str(program), log.name])
    print(f"{files:,} recordings, {taken:,} frames, {len(programs)} programs: no finding")


def _recordings(folders: Sequence[Path]) -> Iterator[Frames]:
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        try:
            frames = read_recording(path).frames if path.is_file() else None
        except CanTrainError:
            continue
        if frames is not None and len(frames):
            # As programs take them: no time before 0.
            first = min(float(frames.timestamp.min()), 0.0)
            yield replace(frames, timestamp=frames.timestamp - first)


def _ran(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[:4000]}{done.stdout[-500:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    main()
