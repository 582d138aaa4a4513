"""A page at full speed for a long time: frames, memory at begin and end, drops.

    .venv/bin/python -m benchmarks.live_page DETECTOR RECORDING --minutes 10 --rate 5000

The recording is sent again and again as `candump -L` writes it, through a pipe, at an even rate;
one client reads all that the page sends, and others that don't read come and go.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from can_train.frames.readers import read_recording

TICK_S = 0.05
SLOW_READERS = 20
WARM_S = 30.0
"""What is compiled and allocated by then is no growth."""


@dataclass(kw_only=True)
class Heard:
    """What one client that reads all was told."""

    messages: int = 0
    size: int = 0
    missed: int = 0
    status: dict[str, object] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("detector")
    parser.add_argument("recording", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=5000.0)
    args = parser.parse_args()
    words = [sys.executable, "-m", "can_train", "serve", args.detector, "--replay", "-"]
    process = subprocess.Popen(
        [*words, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    found = re.match(r"open: http://127.0.0.1:(\d+)/", process.stdout.readline())
    assert found is not None
    port, heard = int(found[1]), Heard()
    threading.Thread(target=_listen, args=(port, heard), daemon=True).start()
    threading.Thread(target=lambda: process.stdout.read(), daemon=True).start()  # type: ignore[union-attr]
    slow = [_slow_reader(port) for _ in range(SLOW_READERS)]
    sent, memory = _send(process, args.recording, args.rate, 60 * args.minutes)
    time.sleep(3)
    memory.append(_memory_mb(process.pid))
    process.send_signal(signal.SIGTERM)  # a shell's background jobs ignore Ctrl-C
    process.wait(60)
    cut = sum(_is_cut(each) for each in slow)
    print(f"frames sent {sent:,}, taken {heard.status.get('frames'):,}")
    print(
        f"dropped by the server {heard.status.get('dropped')}, alarms {heard.status.get('alarms')}"
    )
    print(f"messages {heard.messages:,}, {heard.size / 1e6:.1f} MB, missed {heard.missed}")
    print(f"slow readers cut off {cut} of {SLOW_READERS}")
    print("RSS in MB, each minute: " + " ".join(f"{each:.1f}" for each in memory))
    print(f"growth after {WARM_S:g} s: {memory[-1] - memory[0]:+.1f} MB")


def _send(
    process: subprocess.Popen[str], recording: Path, rate: float, seconds: float
) -> tuple[int, list[float]]:
    """Writes lines with times of their own at an even rate; gives their number, and memory."""
    frames = read_recording(recording).frames
    tails = [
        f") can0 {frames.arbitration_id[k]:03X}#"
        f"{frames.payload[k, : frames.dlc[k]].tobytes().hex().upper()}\n"
        for k in range(len(frames))
    ]
    assert process.stdin is not None
    begun, sent, memory, next_s = time.monotonic(), 0, list[float](), WARM_S
    while (now := time.monotonic() - begun) < seconds:
        due = int(now * rate)
        times = 1.7e9 + np.arange(sent, due) / rate
        process.stdin.write(
            "".join(f"({t:.6f}{tails[k % len(tails)]}" for k, t in enumerate(times, sent))
        )
        process.stdin.flush()
        sent = due
        if now >= next_s:
            memory.append(_memory_mb(process.pid))
            next_s += 60
        time.sleep(TICK_S)
    return sent, memory


def _listen(port: int, heard: Heard) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/events")
    answer, name = connection.getresponse(), b""
    while line := answer.readline():
        heard.size += len(line)
        if line.startswith(b"event: "):
            name = line[7:].strip()
            heard.messages += 1
        elif line.startswith(b"data: ") and name in (b"status", b"missed"):
            data = json.loads(line[6:])
            if name == b"status":
                heard.status = data
            else:
                heard.missed = data["total"]


def _slow_reader(port: int) -> socket.socket:
    """A client that asks and never reads."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.connect(("127.0.0.1", port))
    found.sendall(f"GET /events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    return found


def _is_cut(reader: socket.socket) -> bool:
    """Whether the server ended the connection by a reset, with what was still to come."""
    reader.settimeout(1)
    try:
        while reader.recv(65_536):
            pass
    except ConnectionResetError:
        return True
    except OSError:
        pass
    return False


def _memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


if __name__ == "__main__":
    main()
