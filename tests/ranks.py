"""Runs code in several processes that train together, as torch's launcher would start them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def calling(name: str, *words: object) -> list[str]:
    """What lets Python call a function of `tests/unit/training/steps_for_tests.py`."""
    code = f"import sys; from tests.unit.training.steps_for_tests import {name} as go; "
    return ["-c", code + "go(sys.argv[1:])", *map(str, words)]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What torch's launcher says to process `rank` of `size` on one machine."""
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


@contextmanager
def started(size: int, words: Sequence[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """The same command of Python in `size` processes, the first one first."""
    port = free_port()
    processes = [
        subprocess.Popen(
            [sys.executable, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment(rank, size, port)},
        )
        for rank in range(size)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


def ended(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit code and standard error of each, once all have ended."""
    said = [process.communicate(timeout=400)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]
