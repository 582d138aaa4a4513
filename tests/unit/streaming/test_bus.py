"""Frames of a live bus, by python-can: received, left out, gone and back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from threading import Event

import can
import pytest

from can_train.errors import ConfigError, PreflightError
from can_train.streaming import bus
from can_train.streaming.bus import BusAddress, BusFrames

CHANNEL = "can-train-tests"


def message(number: int) -> can.Message:
    return can.Message(arbitration_id=number, data=[number % 256], is_extended_id=False)


def until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it didn't happen within five seconds")


def received(frames: BusFrames, count: int) -> list[tuple[int, bytes]]:
    """The first `count` frames."""
    found: list[tuple[int, bytes]] = []
    for block in frames.blocks():
        found += [
            (int(block.arbitration_id[k]), block.payload[k, : block.dlc[k]].tobytes())
            for k in range(len(block))
        ]
        if len(found) >= count:
            return found
    raise AssertionError("the bus ended")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def sender() -> Iterator[can.BusABC]:
    with can.Bus(interface="virtual", channel=CHANNEL) as opened:
        yield opened


def test_frames_of_a_virtual_bus(sender: can.BusABC, told: list[str]) -> None:
    frames = BusFrames(BusAddress.of(f"virtual:{CHANNEL}"), told.append)
    sender.send(can.Message(is_error_frame=True))
    sender.send(can.Message(arbitration_id=1, is_remote_frame=True, dlc=3, is_extended_id=False))
    sender.send(can.Message(arbitration_id=2, data=[7] * 12, is_fd=True))
    sender.send(can.Message(arbitration_id=3, data=[1, 2]))
    try:
        assert received(frames, 2) == [(1, b""), (0x80000003, b"\x01\x02")]
        assert frames.too_long == 1
        assert "leaves out frames of CAN FD. Take them: --fd" in told[0]
    finally:
        frames.stop()
    assert list(frames.blocks()) == []


def test_can_fd_is_taken_where_it_was_asked_for(sender: can.BusABC, told: list[str]) -> None:
    frames = BusFrames(BusAddress.of(f"virtual:{CHANNEL}", fd=True), told.append)
    sender.send(can.Message(arbitration_id=2, data=[7] * 12, is_fd=True, is_extended_id=False))
    try:
        assert received(frames, 1) == [(2, bytes([7] * 12))]
    finally:
        frames.stop()


@pytest.mark.multicast
def test_frames_of_a_multicast_group(told: list[str]) -> None:
    channel = "239.74.163.77"
    frames = BusFrames(BusAddress.of(f"udp_multicast:{channel}"), told.append)
    try:
        with can.Bus(interface="udp_multicast", channel=channel) as sender:
            for number in range(50):
                sender.send(message(number))
            assert [number for number, _ in received(frames, 50)] == list(range(50))
    finally:
        frames.stop()


def test_more_than_can_wait_is_dropped_and_counted(sender: can.BusABC, told: list[str]) -> None:
    frames = BusFrames(BusAddress.of(f"virtual:{CHANNEL}"), told.append, room=100)
    for number in range(1000):
        sender.send(message(number))
    try:
        until(lambda: frames.ring.offered == 1000)
        assert frames.ring.dropped == 900
        assert [number for number, _ in received(frames, 100)] == list(range(900, 1000))
    finally:
        frames.stop()


@pytest.mark.multicast
@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what a socket dropped")
def test_what_the_system_had_to_drop_is_counted_too(told: list[str]) -> None:
    channel, count = "239.74.163.78", 5000
    opened = can.Bus(interface="udp_multicast", channel=channel)
    receive, sent = opened.recv, Event()

    def busy(timeout: float | None = None) -> can.Message | None:
        sent.wait()
        return receive(timeout)

    opened.recv = busy  # type: ignore[method-assign]
    frames = BusFrames(
        BusAddress.of(f"udp_multicast:{channel}"), told.append, opened=lambda: opened
    )
    try:
        with can.Bus(interface="udp_multicast", channel=channel) as sender:
            for number in range(count):
                sender.send(message(number % 2048))
            sent.set()
            until(lambda: frames.ring.offered + frames.dropped == count)
        assert 0 < frames.dropped < count
        assert frames.ring.dropped == 0
    finally:
        sent.set()
        frames.stop()


def test_a_bus_that_is_gone_is_tried_again(
    sender: can.BusABC, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "FIRST_PAUSE_S", 0.01)
    opened: list[can.BusABC] = []

    def unplugged(timeout: float | None = None) -> None:
        raise can.CanOperationError("Network is down")

    def open_bus() -> can.BusABC:
        if len(opened) == 1:
            opened.append(opened[0])
            raise ValueError("No such device")
        opened.append(can.Bus(interface="virtual", channel=CHANNEL))
        return opened[-1]

    frames = BusFrames(BusAddress.of(f"virtual:{CHANNEL}"), told.append, opened=open_bus)
    try:
        sender.send(message(1))
        assert received(frames, 1) == [(1, b"\x01")]
        monkeypatch.setattr(opened[0], "recv", unplugged)
        until(lambda: len(opened) == 3 and "is back" in told[-1])
        sender.send(message(2))
        assert received(frames, 1) == [(2, b"\x02")]
    finally:
        frames.stop()
    assert [line.partition(": ")[2] for line in told] == [
        "gone (Network is down). Next try in 0.01 s",
        "gone (No such device). Next try in 0.02 s",
        "is back",
    ]


def test_what_ends_the_thread_ends_the_frames(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with can.Bus(interface="virtual", channel=CHANNEL) as opened:

        def broken(timeout: float | None = None) -> None:
            raise KeyError("driver")

        monkeypatch.setattr(opened, "recv", broken)
        frames = BusFrames(BusAddress.of(f"virtual:{CHANNEL}"), told.append, opened=lambda: opened)
        with pytest.raises(KeyError, match="driver"):
            list(frames.blocks())
        frames.stop()


def test_a_bus_that_cannot_be_opened_says_so_at_once(told: list[str]) -> None:
    with pytest.raises(PreflightError, match=r"--bus nosuch:can9: can't be opened \(Unknown"):
        BusFrames(BusAddress.of("nosuch:can9"), told.append)
    with pytest.raises(ConfigError, match="not of the form INTERFACE:CHANNEL"):
        BusAddress.of("can0")
