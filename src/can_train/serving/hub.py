"""Everybody who watches: a bounded queue each, so that a slow reader costs nobody anything.

All of it runs in the event loop of the server, and imports the standard library only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

ROOM: Final = 64
"""Messages that may wait for one client: some six seconds."""

MOST_CLIENTS: Final = 64
PATIENCE_S: Final = 30.0
"""A client that takes nothing for so long is cut off."""

Record = dict[str, Any]


class HubIsFull(Exception):
    """As many clients as there may be are watching."""


def encoded(record: Record) -> bytes:
    """A record as a server-sent event; its type names the event."""
    text = json.dumps(record, allow_nan=False, separators=(",", ":"))
    return f"event: {record['type']}\ndata: {text}\n\n".encode()


class HubClient:
    """One who watches.

    Args:
        cut: Ends the connection at once.
        caught_up: What is told to a client that missed messages, so that it misses no alarm.
        room: Messages that may wait.
        clock: Gives seconds.

    Attributes:
        missed: Messages that had to go before they were taken.
        taken_at: When it asked for more last.
    """

    def __init__(
        self,
        cut: Callable[[], None],
        caught_up: Callable[[], list[Record]],
        room: int = ROOM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cut, self._caught_up, self._clock = cut, caught_up, clock
        self._waiting: deque[bytes] = deque(maxlen=room)
        self._changed = asyncio.Event()
        self._closed = False
        self._told = 0
        self.missed = 0
        self.taken_at = clock()

    def put(self, message: bytes) -> None:
        """Adds a message; where there is no room, the oldest one goes."""
        self.missed += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(message)
        self._changed.set()

    def close(self) -> None:
        """Tells that no further message will come."""
        self._closed = True
        self._changed.set()

    async def take(self) -> bytes | None:
        """All messages that wait, oldest first; None once it is closed and empty."""
        self.taken_at = self._clock()
        while not self._waiting:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        messages = b"".join(self._waiting)
        self._waiting.clear()
        self.taken_at = self._clock()
        if self.missed > self._told:
            record = {"type": "missed", "total": self.missed, "events": self._caught_up()}
            self._told = self.missed
            return encoded(record) + messages
        return messages

    def is_stuck(self, patience_s: float) -> bool:
        """Whether messages have waited for it all that time."""
        return bool(self._waiting) and self._clock() - self.taken_at > patience_s


class Hub:
    """Hands each message to everybody who watches.

    Args:
        patience_s: A client that takes nothing for so long is cut off.
        most: Clients that may watch.

    Attributes:
        cut_off: Clients that were cut off.
    """

    def __init__(self, patience_s: float = PATIENCE_S, most: int = MOST_CLIENTS) -> None:
        self._clients: set[HubClient] = set()
        self._patience_s, self._most = patience_s, most
        self.cut_off = 0

    def __len__(self) -> int:
        """Clients that watch."""
        return len(self._clients)

    def join(self, client: HubClient) -> None:
        """Takes another client.

        Raises:
            HubIsFull: There are as many as there may be.
        """
        if len(self._clients) >= self._most:
            raise HubIsFull
        self._clients.add(client)

    def leave(self, client: HubClient) -> None:
        """Forgets a client."""
        self._clients.discard(client)

    def publish(self, records: Iterable[Record]) -> None:
        """Hands records to everybody, and cuts off who has taken nothing for too long."""
        messages = [encoded(record) for record in records]
        for client in list(self._clients):
            for message in messages:
                client.put(message)
            if client.is_stuck(self._patience_s):
                self.cut_off += 1
                self.leave(client)
                client.close()
                client.cut()

    def close(self) -> None:
        """Ends all streams."""
        for client in self._clients:
            client.close()
