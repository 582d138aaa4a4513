"""Frames of a live bus, by python-can: received in a thread, and after the bus was gone, again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from can_train.errors import ConfigError, PreflightError
from can_train.frames.extras import extra
from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.text.reading import CLASSIC_BYTES, FD_BYTES
from can_train.streaming.drops import dropped_by_system
from can_train.streaming.ring import ROOM, FrameRing

if TYPE_CHECKING:
    import can

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""Between two tries to open a bus that is gone; each pause is twice the one before."""

_LOOK_S: Final = 0.2
"""How soon a silent bus notices that it is to end, and how often the system is asked what it had to
drop."""

_EXTENDED: Final = int(EXTENDED_FLAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusAddress:
    """Which bus.

    Attributes:
        interface: As python-can names it, such as `socketcan`.
        channel: Of that interface, such as `can0`.
        fd: Whether it is CAN FD.
    """

    interface: str
    channel: str
    fd: bool = False

    @classmethod
    def of(cls, text: str, *, fd: bool = False) -> BusAddress:
        """From `interface:channel`.

        Raises:
            ConfigError: It isn't of that form.
        """
        interface, _, channel = text.partition(":")
        if not interface or not channel:
            raise ConfigError(
                f"--bus {text}: not of the form INTERFACE:CHANNEL. Use: --bus socketcan:can0, or "
                f"another interface of python-can"
            )
        return cls(interface=interface, channel=channel, fd=fd)

    def __str__(self) -> str:
        """As it was typed."""
        return f"{self.interface}:{self.channel}"

    def open(self) -> can.BusABC:
        """The bus, opened; whatever else an interface needs stands in python-can's own files."""
        library: Any = extra("can", Path(f"--bus {self}"), "a live bus")
        more = {"fd": True} if self.fd else {}
        opened: can.BusABC = library.Bus(interface=self.interface, channel=self.channel, **more)
        return opened


class BusFrames:
    """The frames of a bus, until it is stopped.

    Args:
        address: Which bus.
        tell: Takes each line worth telling, in any thread.
        room: Frames that may wait.
        opened: Opens the bus; absent: python-can does.

    Raises:
        PreflightError: The bus can't be opened.
        DataError: python-can isn't installed.
    """

    def __init__(
        self,
        address: BusAddress,
        tell: Callable[[str], None],
        *,
        room: int = ROOM,
        opened: Callable[[], can.BusABC] | None = None,
    ) -> None:
        library = extra("can", Path(f"--bus {address}"), "a live bus")
        self._gone = (library.CanError, OSError, ValueError)
        self._error: BaseException | None = None
        self._address, self._tell = address, tell
        self._open = opened or address.open
        self._width = FD_BYTES if address.fd else CLASSIC_BYTES
        self.ring = FrameRing(room, self._width)
        self.too_long = 0
        self._lost = 0
        self._stop = Event()
        bus = self._first()
        self._thread = Thread(target=self._receive, args=(bus,), name=str(address), daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that had to go: those that waited too long here, or in the bus's socket."""
        return self.ring.dropped + self._lost

    def blocks(self) -> Iterator[Frames]:
        """All frames that wait, again and again; empty where none came for a while.

        Raises:
            BaseException: Whatever ended the thread; it isn't that the bus is gone.
        """
        while (frames := self.ring.take(_LOOK_S)) is not None:
            yield frames
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Ends the thread and closes the bus."""
        self._stop.set()
        self._thread.join()

    def _first(self) -> can.BusABC:
        try:
            return self._open()
        except self._gone as error:
            raise PreflightError(
                f"--bus {self._address}: can't be opened ({error}). Look at it: ip -details link "
                f"show, and at the interfaces of python-can"
            ) from error

    def _receive(self, bus: can.BusABC | None) -> None:
        try:
            self._receive_again(bus)
        except BaseException as error:  # noqa: BLE001 - raised again where the frames are taken
            self._error = error
        finally:
            self.ring.close()

    def _receive_again(self, bus: can.BusABC | None) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                with bus or self._open() as opened:
                    if bus is None:
                        self._tell(f"bus {self._address}: is back")
                    bus = None
                    pause_s = self._messages(opened, pause_s)
            except self._gone as error:
                bus = None
                self._tell(f"bus {self._address}: gone ({error}). Next try in {pause_s:g} s")
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _messages(self, bus: can.BusABC, pause_s: float) -> float:
        """Puts what is received into the ring until it is stopped; gives the next pause."""
        before, look_s = self._lost, 0.0
        while not self._stop.is_set():
            message = bus.recv(_LOOK_S)
            if message is not None:
                self._take(message)
                pause_s = FIRST_PAUSE_S
            if time.monotonic() >= look_s:
                self._lost = before + dropped_by_system(bus)
                look_s = time.monotonic() + _LOOK_S
        self._lost = before + dropped_by_system(bus)
        return pause_s

    def _take(self, message: can.Message) -> None:
        if message.is_error_frame:
            return
        data = b"" if message.is_remote_frame else message.data
        if len(data) > self._width:
            self.too_long += 1
            if self.too_long == 1:
                self._tell(f"bus {self._address}: leaves out frames of CAN FD. Take them: --fd")
            return
        identity = message.arbitration_id | _EXTENDED * message.is_extended_id
        self.ring.put(message.timestamp, identity, data)
