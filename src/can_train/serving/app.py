"""The page: what is asked for, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from can_train import __version__
from can_train.errors import CanTrainError
from can_train.serving.access import Access, Guard
from can_train.serving.feed import TICK_S, LiveFeed
from can_train.serving.hub import Hub, HubClient, HubIsFull, encoded
from can_train.serving.listing import RunList, RunListing
from can_train.serving.uploads import UploadRefused, Uploads

STATIC: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""Files of the page by their end, and what they are."""

REPORT_POLICY: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""A report brings its own scripts: they run without an origin, and reach no page and no server."""

_STREAM_HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a page has.

    Attributes:
        feed: The stream that is followed, if there is one.
        uploads: What scores recordings, if there is a detector.
        runs: The runs, if they are to be browsed.
        title: What it is about.
    """

    feed: LiveFeed | None
    uploads: Uploads | None
    runs: RunList | None
    title: str

    @property
    def pages(self) -> list[tuple[str, str]]:
        """Path and name of each page there is."""
        known = (("/live", "Live", self.feed), ("/score", "Score a recording", self.uploads),
                 ("/runs", "Runs", self.runs))  # fmt: skip
        return [(path, name) for path, name, there in known if there is not None]


class PageApp:
    """The page as ASGI.

    Args:
        offer: What it has.
        access: Who may use it.
        cut: Ends the connection of a client, as ASGI names it, at once.
        hub: Who watches.
    """

    def __init__(
        self, offer: Offer, access: Access, cut: Callable[[Any], None], hub: Hub | None = None
    ) -> None:
        self._offer, self._cut = offer, cut
        self.hub = hub or Hub()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages = Environment(
            loader=PackageLoader("can_train.serving", "page/templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._static = _static_files()
        app = Starlette(routes=self._routes(), lifespan=self._lifespan)
        self.asgi: ASGIApp = Guard(app, access)

    def close(self) -> None:
        """Ends all streams; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.hub.close)

    def _routes(self) -> list[Route]:
        offer = self._offer
        routes = [Route("/", self._first), Route("/static/{name}", self._file)]
        if offer.feed is not None:
            routes += [Route("/live", self._live), Route("/events", self._events)]
        if offer.uploads is not None:
            routes += [
                Route("/score", self._score_page),
                Route("/score", self._score, methods=["POST"]),
            ]
        if offer.runs is not None:
            routes += [Route("/runs", self._runs), Route("/runs/{run}/report", self._report)]
        return routes

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking

    async def _tick(self) -> None:
        """Looks at the feed, and hands over what there is."""
        feed = self._offer.feed
        while feed is not None:
            self.hub.publish(feed.tick())
            await asyncio.sleep(TICK_S)

    async def _first(self, _: Request) -> Response:
        return RedirectResponse(self._offer.pages[0][0], status_code=303)

    async def _live(self, _: Request) -> Response:
        return self._page("/live")

    async def _score_page(self, _: Request) -> Response:
        return self._page("/score")

    async def _runs(self, _: Request) -> Response:
        assert self._offer.runs is not None
        listing, problem = RunListing(rows=(), total=0), ""
        try:
            listing = await self._offer.runs.rows()
        except CanTrainError as error:
            problem = str(error)
        return self._page("/runs", listing=listing, problem=problem)

    def _page(self, path: str, **more: Any) -> Response:
        offer = self._offer
        template = self._pages.get_template(f"{path[1:]}.html")
        uploads = offer.uploads
        html = template.render(
            title=offer.title,
            version=__version__,
            path=path,
            pages=offer.pages,
            most_mb=None if uploads is None else uploads.most_bytes // 1_000_000,
            **more,
        )
        return HTMLResponse(html)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            return PlainTextResponse("no such file\n", status_code=404)
        kind = STATIC[name.rpartition(".")[2]]
        return Response(self._static[name], headers={"Content-Type": kind})

    async def _events(self, request: Request) -> Response:
        feed, client = self._offer.feed, request.scope.get("client")
        assert feed is not None
        if request.method != "GET":
            return PlainTextResponse("only GET\n", status_code=405, headers={"Allow": "GET"})
        watching = HubClient(cut=lambda: self._cut(client), caught_up=feed.latest_events)
        try:
            self.hub.join(watching)
        except HubIsFull:
            return PlainTextResponse(
                "too many pages are open. Close one, or try again later\n", status_code=503
            )
        begin = encoded(feed.snapshot())  # at once: what comes from now on waits for the client
        return StreamingResponse(self._stream(begin, watching), headers=_STREAM_HEADERS)

    async def _stream(self, begin: bytes, client: HubClient) -> AsyncIterator[bytes]:
        try:
            yield b"retry: 2000\n\n" + begin
            while (messages := await client.take()) is not None:
                yield messages
            yield encoded({"type": "bye"})
        finally:
            self.hub.leave(client)

    async def _score(self, request: Request) -> Response:
        assert self._offer.uploads is not None
        try:
            found = await self._offer.uploads.score(request)
        except UploadRefused as error:
            # What of the body wasn't read isn't: the connection ends.
            return JSONResponse(
                {"error": str(error)}, status_code=error.code, headers={"Connection": "close"}
            )
        return JSONResponse(found)

    async def _report(self, request: Request) -> Response:
        assert self._offer.runs is not None
        text = await self._offer.runs.report(request.path_params["run"])
        if text is None:
            return PlainTextResponse("no report of this run\n", status_code=404)
        return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


def _static_files() -> dict[str, bytes]:
    """The files of the page by name, read once."""
    folder = resources.files("can_train.serving") / "page" / "static"
    return {
        item.name: item.read_bytes()
        for item in folder.iterdir()
        if item.is_file() and item.name.rpartition(".")[2] in STATIC
    }
