"""Spoilt inputs for every reader: each is read, or refused with an error of can-train's own.

    python -m benchmarks.mutations --inputs 1000000 --seconds 3600 [READER …]

A reader's inputs begin as the sample recordings of its format (`$CAN_TRAIN_RECORDINGS`), cut to
some KB. Bits are flipped, parts cut, repeated and swapped, fields replaced, sizes inflated. What
takes longer than `LIMIT_S` of CPU time, or waits for `LONGEST_WAIT_S`, ends the process with a
traceback; what crashes it, or raises anything but can-train's errors, is kept in `--keep` and told,
and so are how many inputs a CPU-second took and how far memory grew.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.mutation_kinds import mutated
from benchmarks.mutation_seeds import READERS, seeds_of
from can_train.dataset.label_tables import read_label_table, read_road
from can_train.errors import CanTrainError
from can_train.frames.options import ReadOptions
from can_train.frames.readers import read_recording
from can_train.frames.readers.registry import Format, formats
from can_train.frames.result import ReadResult

LIMIT_S: Final = 60.0
"""CPU-seconds that one input of some KB may take."""

LONGEST_WAIT_S: Final = 900.0
"""Seconds by the clock after which it hangs; a machine may stop a process for minutes."""

_ARMED_S: Final = 1.0
"""How often these limits begin anew: to do so for each input would take longer than to read it."""

MOST_MEMORY: Final = 16 << 30
"""Address space of the process: what a claimed size asks for beyond it is a MemoryError."""

_RECOGNISED: Final = 64
"""Of so many inputs, one is read by `read_recording`, which has to recognise it."""

_IN_MEMORY: Final = Path("/dev/shm")
"""Where inputs lie on Linux: on a disk a file takes longer to open than to read."""

_WARM_UP: Final = 500
"""Inputs after which memory is no longer that of modules and compiled loops."""


def check(result: ReadResult) -> None:
    """What is read has to be frames.

    Raises:
        AssertionError: It isn't.
    """
    frames = result.frames
    assert len(frames) > 0
    assert np.isfinite(frames.timestamp).all()
    assert (frames.dlc <= frames.payload.shape[1]).all()
    assert frames.label.max() <= 1
    assert result.bus is None or len(result.bus) == len(frames)
    lengths = {len(column) for column in (frames.timestamp, frames.arbitration_id, frames.payload)}
    assert lengths == {len(frames)}


def read_spoilt(reader: str, format: Format | None, path: Path, draw: random.Random) -> bool:
    """Reads one input by a format, or as its content is recognised; False where it is refused."""
    options = ReadOptions(lenient=draw.choice((0.0, 0.0, 0.01, 1.0)))
    try:
        if reader == "labels":
            rows = read_road(path).values() if draw.random() < 0.3 else read_label_table(path)
            return bool(rows)
        empty = path.stat().st_size == 0  # no reader is asked about such files
        if format is None or empty or draw.randrange(_RECOGNISED) == 0:
            check(read_recording(path, lenient=options.lenient))
        else:
            check(format.read(path, options))
    except CanTrainError as error:
        assert str(error)
        return False
    return True


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of the inputs of one reader."""

    reader: str
    inputs: int = 0
    read: int = 0
    failures: dict[str, bytes] = field(default_factory=dict)
    growth: int = 0
    slowest_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def line(self) -> str:
        """What is told of it."""
        return (
            f"{self.reader}: {self.inputs:,} inputs, {self.read:,} read, "
            f"{self.inputs - self.read:,} refused or failed, {len(self.failures)} kinds of "
            f"failure, {self.inputs / self.cpu_s:,.0f} inputs/CPU-s, slowest "
            f"{self.slowest_s:.2f} CPU-s, memory +{self.growth / 1e6:.0f} MB"
        )


def attempt(reader: str, seeds: Sequence[bytes], *, inputs: int, seconds: float, seed: int,
            folder: Path) -> Outcome:  # fmt: skip
    """Reads spoilt inputs until there are enough, or time is up.

    Args:
        reader: Name of a format, `packed` or `labels`.
        seeds: What inputs begin as.
        inputs: How many there are at most.
        seconds: How long it takes at most.
        seed: Of what is drawn.
        folder: Where each input lies while it is read.
    """
    draw, outcome = random.Random(f"{reader} {seed}"), Outcome(reader=reader)
    path, before = folder / f"input{READERS.get(reader, '')}", 0
    format, armed = formats().get(reader), -_ARMED_S
    for data in seeds:  # compiles what they need, which is no time of an input
        path.write_bytes(data)
        read_spoilt(reader, format, path, draw)
    end, started = time.monotonic() + seconds, time.process_time()
    while outcome.inputs < inputs and time.monotonic() < end:
        if outcome.inputs == _WARM_UP:
            before = _peak()
        data = mutated(draw, seeds)
        # Another file: what a library still reads of the last one, in a thread, stays what it was.
        path.unlink()
        path.write_bytes(data)
        begin = time.process_time()
        if begin - armed > _ARMED_S:
            _arm(LIMIT_S, LONGEST_WAIT_S)
            armed = begin
        try:
            outcome.read += read_spoilt(reader, format, path, draw)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            outcome.failures.setdefault(_kind(error), data)
        outcome.slowest_s = max(outcome.slowest_s, time.process_time() - begin)
        outcome.inputs += 1
    _arm(0, 0)
    outcome.cpu_s = time.process_time() - started
    outcome.growth = max(0, _peak() - before) if before else 0
    return outcome


def _arm(cpu_s: float, wait_s: float) -> None:
    """Ends the process with a traceback after so much time; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    if wait_s:
        faulthandler.dump_traceback_later(wait_s, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _kind(error: BaseException) -> str:
    """Type and place of a failure, in can-train and where it was raised."""
    steps = traceback.extract_tb(error.__traceback__)
    own = [step for step in steps if "can_train" in step.filename]
    places = [f"{Path(step.filename).name}:{step.lineno}" for step in (*own[-1:], *steps[-1:])]
    return f"{type(error).__name__} at {', '.join(places)}: {str(error)[:80]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Tells a line for each reader; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument("--inputs", type=int, default=2000, help="of each reader")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each reader, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "mutations")
    parser.add_argument("--here", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.here:
        return _here(args)
    words = [f"--inputs={args.inputs}", f"--seconds={args.seconds}", f"--seed={args.seed}",
             f"--keep={args.keep}"]  # fmt: skip
    return int(any([_process(reader, words, args.keep) for reader in args.readers or READERS]))


def _process(reader: str, words: Sequence[str], keep: Path) -> int:
    """Exit code of a process of its own for a reader, which is told where it died.

    One that hangs or dies takes no other with it, and memory is its own.
    """
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as inputs:
        command = [sys.executable, "-m", "benchmarks.mutations", reader, *words, f"--here={inputs}"]
        quiet = {**os.environ, "RUST_BACKTRACE": "0"}  # what polars says of a panic costs most
        code = subprocess.run(command, env=quiet).returncode
        if code not in (0, 1):
            last = keep / reader / "died"
            for path in Path(inputs).iterdir():
                shutil.copyfile(path, last)
            sys.stdout.write(f"{reader}: the process ended with {code} ({last})\n")
    return code


def _recordings() -> Path:
    """Where real recordings lie."""
    if "CAN_TRAIN_RECORDINGS" not in os.environ:
        raise SystemExit("CAN_TRAIN_RECORDINGS isn't set: it names the folder of real recordings")
    return Path(os.environ["CAN_TRAIN_RECORDINGS"])


def _here(args: argparse.Namespace) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    (reader,) = args.readers
    folder = args.keep / reader
    folder.mkdir(parents=True, exist_ok=True)
    seeds = seeds_of(reader, _recordings())
    faulthandler.register(signal.SIGPROF, chain=True)
    gc.freeze()  # else what was imported is looked at again all the time
    outcome = attempt(
        reader, seeds, inputs=args.inputs, seconds=args.seconds, seed=args.seed, folder=args.here
    )
    sys.stdout.write(f"{outcome.line}\n")
    for number, (kind, data) in enumerate(outcome.failures.items()):
        (folder / f"failure-{number}").write_bytes(data)
        sys.stdout.write(f"  {kind} ({folder}/failure-{number})\n")
    return int(bool(outcome.failures))


if __name__ == "__main__":
    sys.exit(main())
