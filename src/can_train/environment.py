"""Makes or renews the environment the launcher hands over to (stdlib only).

The launcher runs this file by its path, with the system's Python, before anything is installed.
A killed installation leaves its marker behind, and the next start begins from an empty folder:
pip takes a half-copied package for an installed one. Starts at the same time wait for each other.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

STAMP: Final = "can-train.stamp"
"""Written last: what the environment was made from."""

MARKER: Final = "can-train.installing"
"""Exists while something is being installed, and after that was killed."""

LOG: Final = "can-train.install.log"
"""In the environment: everything that its installation wrote."""

TAIL_LINES: Final = 15
"""Of the log that are shown when a step fails."""

STEPS: Final = 5
TICK_S: Final = 0.5
"""Pause between two looks at a step that runs."""

LOCK_FILES: Final = ("requirements-torch.txt", "requirements.lock")
EXIT_NOT_READY: Final = 3

_OTHER_FOLDER: Final = "Name another folder: CAN_TRAIN_VENV=DIR ./can-train --version"


class SetupError(Exception):
    """The environment can't be made; the text says why and what to do."""


def main(argv: Sequence[str]) -> int:
    """Makes the environment `argv[1]` for the checkout `argv[0]`; gives the exit code."""
    home, venv = Path(argv[0]), Path(argv[1])
    try:
        with _exclusive(venv):
            if not is_current(home, venv):
                install(home, venv)
    except SetupError as error:
        _say(str(error))
        return EXIT_NOT_READY
    except OSError as error:
        _say(f"{error.filename or venv} can't be used ({error.strerror}). {_OTHER_FOLDER}")
        return EXIT_NOT_READY
    except KeyboardInterrupt:
        _say("stopped; the next start sets up the environment from the beginning.")
        return 130
    return 0


def stamp_text(home: Path) -> bytes:
    """What the environment of the checkout `home` is made from; the launcher compares it."""
    return b"".join(
        [os.fsencode(home), b"\n", *((home / name).read_bytes() for name in LOCK_FILES)]
    )


def is_current(home: Path, venv: Path) -> bool:
    """Whether `venv` was completely installed from the present lock files of `home`."""
    stamp = venv / STAMP
    return (
        os.access(venv / "bin" / "python", os.X_OK)
        and stamp.is_file()
        and stamp.read_bytes() == stamp_text(home)
    )


def install(home: Path, venv: Path) -> None:
    """Installs torch, the locked packages and the checkout `home` into `venv`, and compiles.

    Raises:
        SetupError: The folder belongs to somebody else, or one of the steps failed.
    """
    fresh = _prepare_folder(home, venv)
    version = ".".join(map(str, sys.version_info[:3]))
    if fresh:
        _say(f"first use: setting up {venv} with Python {version}. This takes a few minutes, once.")
        _run(1, "virtual environment", [sys.executable, "-m", "venv", str(venv)], venv / LOG)
    else:
        _say(f"the lock file has changed: renewing {venv}.")
    text = stamp_text(home)
    torch, lock = (str(home / name) for name in LOCK_FILES)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    hashed = ["--require-hashes", "--no-deps", "-r", lock]
    editable = ["--no-deps", "--no-build-isolation", "-e", str(home)]
    _run(2, "torch, the largest download", [*pip, "-r", torch], venv / LOG)
    _run(3, "locked packages", [*pip, *hashed], venv / LOG)
    _run(4, "can-train itself", [*pip, *editable], venv / LOG)
    written = venv / f"{STAMP}.new"
    written.write_bytes(text)
    written.replace(venv / STAMP)
    (venv / MARKER).unlink()
    compiling = [str(venv / "bin" / "python"), "-P", "-s", "-m", "can_train.cli.compiling"]
    try:
        _run(5, "functions that are compiled once", compiling, venv / LOG)
    except SetupError:
        _say(f"that failed ({venv / LOG}); nothing is lost: the first command compiles them.")
    _say(f"{venv} is ready.")


def _prepare_folder(home: Path, venv: Path) -> bool:
    """Sets the marker; True if the environment has to be made from nothing."""
    marker = venv / MARKER
    killed = marker.exists()
    _refuse_foreign(home, venv)
    venv.mkdir(parents=True, exist_ok=True)
    marker.touch()
    (venv / STAMP).unlink(missing_ok=True)
    if killed or not os.access(venv / "bin" / "python", os.X_OK):
        if killed:
            _say("the last installation didn't finish; starting again.")
        _empty(venv, keep=marker)
        return True
    return False


def _refuse_foreign(home: Path, venv: Path) -> None:
    """Refuses a folder that this checkout didn't fill: nothing of somebody else's is changed.

    Raises:
        SetupError: It is no environment, one that can-train didn't make, or another checkout's.
    """
    if not os.access(home, os.W_OK):
        raise SetupError(
            f"the environment {venv} isn't ready, and the checkout {home} is write-protected, so "
            "none can be made for it. Ask its owner to run ./can-train --version, or clone it"
        )
    stamp = venv / STAMP
    if stamp.is_file():
        owner = Path(os.fsdecode(stamp.read_bytes().partition(b"\n")[0]))
        if owner != home and (owner / "can-train").exists():
            raise SetupError(f"{venv} is the environment of the checkout {owner}. {_OTHER_FOLDER}")
    elif venv.is_dir() and any(venv.iterdir()) and not (venv / MARKER).exists():
        is_venv = (venv / "pyvenv.cfg").is_file()
        what = (
            "is an environment that can-train didn't make"
            if is_venv
            else ("exists and isn't a virtual environment")
        )
        raise SetupError(f"{venv} {what}. Move it away. {_OTHER_FOLDER}")


def _empty(folder: Path, *, keep: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != keep:
            entry.unlink()


@contextmanager
def _exclusive(venv: Path) -> Iterator[None]:
    """Holds the lock beside `venv`; the system releases it when the process dies."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / f"{venv.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"another can-train is setting up {venv}; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(number: int, what: str, command: Sequence[str], log: Path) -> None:
    """Runs one step, whose output goes into the log; stdout stays the command's own."""
    step = f"[{number}/{STEPS}] {what}"
    started = time.monotonic()
    with log.open("ab") as stream:
        worker = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            _wait(worker, number, what, log)
        except BaseException:
            worker.kill()
            raise
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
    if worker.returncode:
        raise SetupError(
            f"setting up the environment failed at {step} (exit code {worker.returncode}):\n"
            f"{_tail(log, TAIL_LINES)}\nAll of its output: {log}. "
            "Remove the cause, then type the same command again: it begins from an empty folder."
        )
    _say(f"{step}: {time.monotonic() - started:.0f} s")


def _wait(worker: subprocess.Popen[bytes], number: int, what: str, log: Path) -> None:
    """Waits for the end of a step; on a terminal with a bar and what it does."""
    started = time.monotonic()
    while worker.poll() is None:
        if sys.stderr.isatty():
            bar = "#" * (number - 1) + ">" + "." * (STEPS - number)
            seconds = time.monotonic() - started
            line = f"can-train: [{bar}] {what} {seconds:.0f} s  {_tail(log, 1).strip()}"
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[2K{line[:width]}")
            sys.stderr.flush()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(TICK_S)


def _tail(log: Path, lines: int) -> str:
    """The last lines of the log, without what a terminal would obey."""
    found = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join("".join(c for c in line if c.isprintable()) for line in found)


def _say(text: str) -> None:
    sys.stderr.write(f"can-train: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
