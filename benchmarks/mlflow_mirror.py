"""The mirror under stress: eight jobs at once, and a server that is killed and comes back.

    python -m benchmarks.mlflow_mirror

Needs MLflow (`can-train env --install mlflow`). Prints one line per step; anything lost, twice or
different is an error.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.unit.tracking.samples import EPOCHS, sample

from can_train.tracking.mirror import RECORD, Mirror, MirrorError
from can_train.tracking.store import store_uri

JOBS: Final = 8
START_S: Final = 300.0


def main() -> int:
    """Runs all of it in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _many_at_once(root)
        _killed_server(root)
    return 0


def _many_at_once(root: Path) -> None:
    """Eight processes write at once into a database that isn't there yet."""
    began = time.monotonic()
    children = []
    for number in range(JOBS):
        child = os.fork()
        if not child:
            mirror = Mirror(store_uri(root, {}), root)
            for epochs in (3, 10, EPOCHS):
                mirror.bring(sample(f"job {number}", epochs))
            os._exit(0)
        children.append(child)
    if any([os.waitpid(child, 0)[1] for child in children]):
        raise SystemExit("a job failed")
    mirror = Mirror(store_uri(root, {}), root)
    for number in range(JOBS):
        _check(mirror, f"job {number}")
    _say(f"{JOBS} jobs at once: nothing lost, none twice; {time.monotonic() - began:.1f} s")


def _killed_server(root: Path) -> None:
    """A server dies while a run goes on, and comes back."""
    port = _free_port()
    uri = f"http://127.0.0.1:{port}"
    server = _serve(root, port)
    mirror = Mirror(uri, root)
    mirror.bring(sample("server", 3))
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    began = time.monotonic()
    with suppress(MirrorError):
        mirror.bring(sample("server", 10))
        raise SystemExit("a dead server took something")
    _say(f"server killed: given up after {time.monotonic() - began:.1f} s")
    server = _serve(root, port)
    found = mirror.bring(sample("server", EPOCHS))
    _check(mirror, "server")
    again = Mirror(uri, root).bring(sample("server", EPOCHS))
    _say(f"server back: {found.metrics} metrics were missing, then {again.metrics}")
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _serve(root: Path, port: int) -> subprocess.Popen[bytes]:
    words: Sequence[str] = ("server", "--backend-store-uri", store_uri(root, {}), "--workers", "1")
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
            return server
        time.sleep(0.2)
    raise SystemExit("MLflow's server didn't start")


def _check(mirror: Mirror, key: str) -> None:
    """Compares every point of a run with what was told of it."""
    client: Any = mirror.client
    ids = [each.experiment_id for each in client.search_experiments()]
    (entry,) = client.search_runs(ids, f"tags.`{RECORD}` = '{key}'")
    run, found = sample(key), []
    for name in entry.data.metrics:
        history = client.get_metric_history(entry.info.run_id, name)
        found += [(name, m.step, m.value, m.timestamp) for m in history]
    expected = [(f.name, f.step, f.value, f.time_ms) for f in run.figures]
    if sorted(found) != sorted(expected) or entry.data.params != run.params:
        raise SystemExit(f"{key}: MLflow holds something else than the records")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
