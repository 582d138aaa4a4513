"""`can-train serve` in a process of its own, and what asks it for pages."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from can_train.cli.main import main
from can_train.frames.frame import Frames
from tests.lab import Lab

PATIENCE_S = 600.0
"""How long a busy machine may take for anything."""


@dataclass(kw_only=True)
class ServedPage:
    """A page that is served.

    Attributes:
        process: The server.
        url: What it printed.
        said: Further lines of its stdout, filled by `ended`.
    """

    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Code, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def events(self, **headers: str) -> Iterator[tuple[str, Any]]:
        """Server-sent events as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("GET", "/events", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        name = ""
        try:
            while line := answer.readline().decode():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ").strip()
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))
        finally:
            connection.close()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ends it as a user does; gives the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        self.said += out.splitlines()
        return self.process.returncode

    def memory_mb(self) -> float:
        """What it holds in memory."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found is not None
        return int(found[1]) / 1000


@contextmanager
def served(*words: str, stdin: Any = subprocess.DEVNULL, cwd: Path | None = None):
    """Serves on a free port while the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "can_train", "serve", *words, "--port", "0"],
        stdin=stdin, stdout=subprocess.PIPE, text=True, cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.match(r"open: (\S+) ", first)
        assert found is not None, first
        page = ServedPage(process=process, url=found[1])
        _wait_for(page)
        yield page
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _wait_for(page: ServedPage) -> None:
    for _ in range(int(10 * PATIENCE_S)):
        with socket.socket() as probe:
            probe.settimeout(PATIENCE_S)
            if probe.connect_ex(("127.0.0.1", page.port)) == 0:
                return
        time.sleep(0.1)


def exported(lab: Lab, folder: Path) -> Path:
    """A small detector as a bundle in `folder`."""
    path = folder / "car.cantrain"
    artifact = str(lab.student("gat").path)
    assert main(["export", artifact, "--format", "bundle", "--out", str(path)]) == 0
    return path


def attack_of(lab: Lab) -> Path:
    """A recording in which that detector raises one alarm."""
    folder = lab.home / "csv" / lab.dataset / "test_01_known_vehicle_known_attack"
    return folder / "DoS-bravo.csv"


def candump_lines(frames: Frames) -> str:
    """The frames as candump logs them."""
    return "".join(
        f"({frames.timestamp[k]:.6f}) can0 {frames.arbitration_id[k]:03X}#"
        f"{frames.payload[k, : frames.dlc[k]].tobytes().hex().upper()}\n"
        for k in range(len(frames))
    )
