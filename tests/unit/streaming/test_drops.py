"""What a socket had to drop."""

from __future__ import annotations

import socket
import sys

import can
import pytest

from can_train.streaming.drops import dropped_by_system


class SocketBus(can.BusABC):
    """A bus that is no more than its socket."""

    def __init__(self, of: socket.socket) -> None:
        self._socket = of

    def fileno(self) -> int:
        return self._socket.fileno()

    def __del__(self) -> None:
        """Nothing was opened."""

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        raise NotImplementedError


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what a socket dropped")
def test_every_datagram_is_taken_or_counted() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        receiver.setblocking(False)
        assert dropped_by_system(SocketBus(receiver)) == 0
        for _ in range(1000):
            sender.sendto(b"frame", receiver.getsockname())
        taken = 0
        while True:
            try:
                taken += len(receiver.recv(16)) // 5
            except BlockingIOError:
                break
        assert 0 < taken < 1000
        assert taken + dropped_by_system(SocketBus(receiver)) == 1000
        assert receiver.fileno() >= 0  # still open


def test_a_bus_without_a_socket_tells_nothing() -> None:
    with can.Bus(interface="virtual", channel="can-train-drops") as bus:
        assert dropped_by_system(bus) == 0
