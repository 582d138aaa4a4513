"""The server in a thread of its own, beside whatever follows the stream."""

from __future__ import annotations

import _thread
import asyncio
from threading import Thread
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from can_train.serving.address import PageAddress
from can_train.serving.app import PageApp

MOST_CONNECTIONS: Final = 256
REQUEST_S: Final = 15.0
"""A connection on which a request doesn't become whole in this time holds a place for nothing."""

END_S: Final = 2
"""What answers may take after the end was asked for."""

Peer = tuple[str, int]
_open: dict[Peer, asyncio.Transport] = {}
"""Connections by who is at their other end."""


class CutProtocol(H11Protocol):
    """HTTP whose connections can be cut: closing waits for a reader who doesn't read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keeps the connection at hand."""
        super().connection_made(transport)
        self._peer = _peer_of(transport.get_extra_info("peername"))
        _open[self._peer] = transport
        self._seen = self.cycle
        self._looking = self.loop.call_later(REQUEST_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self._looking.cancel()
        _open.pop(self._peer, None)
        super().connection_lost(exc)

    def _look(self) -> None:
        """Ends it where no further request has become whole since the last look."""
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is self._seen:
            self.transport.abort()
            return
        self._seen = self.cycle
        self._looking = self.loop.call_later(REQUEST_S, self._look)


def cut(client: Any) -> None:
    """Ends the connection of a client, as ASGI names it, at once."""
    transport = _open.get(_peer_of(client))
    if transport is not None:
        transport.abort()


class PageServer:
    """Serves a page until it is stopped.

    Args:
        app: The page.
        address: Where.

    Attributes:
        error: What ended it otherwise.
    """

    def __init__(self, app: PageApp, address: PageAddress) -> None:
        self._app, self._address = app, address
        self.error: BaseException | None = None
        config = uvicorn.Config(
            app.asgi, http=CutProtocol, ws="none", log_config=None, log_level="warning",
            access_log=False, server_header=False, proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=END_S, lifespan="on",
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._serve, name="page", daemon=True)

    def start(self) -> None:
        """Begins to serve; where that fails, the main thread is interrupted."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it, with all streams."""
        self._app.close()
        self._server.should_exit = True
        self._thread.join()
        self._address.listener.close()

    def _serve(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._address.listener]))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever is interrupted
            self.error = error
        if not self._server.should_exit:
            _thread.interrupt_main()


def _peer_of(client: Any) -> Peer:
    host, port, *_ = client or ("", 0)
    return str(host), int(port)
