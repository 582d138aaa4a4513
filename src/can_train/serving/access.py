"""Who may ask for what: the name that was asked for, where a request comes from, the token.

A page of somebody else's must neither read nor change anything, not even one whose own name was
pointed at this machine (DNS rebinding).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from can_train.serving.address import is_loopback

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""What a page may load: files of this server, and nothing inline."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_READS: Final = ("GET", "HEAD")
_COOKIE_OF: Final = b"can-train serve: whoever sends this knew the token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use a page.

    Attributes:
        host: Name or address at which it is served.
        port: Its port, which tells the cookies of several pages apart.
        local: Whether only this machine reaches it.
        token: What a client has to know; None: nothing.
    """

    host: str
    port: int
    local: bool
    token: str | None = None

    @property
    def cookie(self) -> str:
        """Name of the cookie."""
        return f"can_train_{self.port}"

    @property
    def cookie_value(self) -> str:
        """What the cookie holds: it follows from the token, and doesn't tell it."""
        return hmac.new((self.token or "").encode(), _COOKIE_OF, hashlib.sha256).hexdigest()

    def serves(self, host: str) -> bool:
        """Whether a `Host` header names this machine: an address, or a name of its own.

        A name of somebody else's that was pointed here is none; addresses can't be pointed.
        """
        name = _name_in(host)
        if name is None:
            return False
        if self.local:
            return name == "localhost" or is_loopback(name)
        return name in {"localhost", self.host.lower(), *_own_names()} or _is_address(name)

    def knows(self, given: str) -> bool:
        """Whether that is the token, in a time that doesn't tell how much of it is right."""
        return self.token is not None and _same(given, self.token)


class Guard:
    """Lets through what may be asked for, and says on each answer what a page may load.

    Args:
        app: What is guarded.
        access: Who may use it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to who may not ask."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._access.serves(hosts[0]):
            return _refused(403, "this name isn't served here. Open the address that was printed")
        if not _is_same_origin(headers, hosts[0], scope["method"]):
            return _refused(403, "another site asked for this. Open the address that was printed")
        return None if self._access.token is None else self._unknown(scope, headers)

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to who doesn't know the token; whoever brings it in the address gets a cookie.

        The address is left at once, so that the token stays in no history and no screenshot.
        """
        access = self._access
        cookies = cookie_parser(headers.get("cookie", ""))
        if _same(cookies.get(access.cookie, ""), access.cookie_value):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and access.knows(given.strip()):
            return None
        query = QueryParams(scope["query_string"])
        if scope["method"] in _READS and access.knows(query.get("token", "")):
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(
                access.cookie, access.cookie_value, httponly=True, samesite="strict", path="/"
            )
            return answer
        refused = _refused(
            401, "a token is needed. Open the address that was printed, which holds it"
        )
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused


def _refused(code: int, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status_code=code)


def _is_same_origin(headers: Headers, host: str, method: str) -> bool:
    """Whether no other site asked; its links may be followed, but nothing be sent or embedded."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return False
    site = headers.get("sec-fetch-site", "none")
    if site in {"same-origin", "none"}:
        return True
    followed = headers.get("sec-fetch-mode") == "navigate"
    return method in _READS and followed and headers.get("sec-fetch-dest") == "document"


def _name_in(host: str) -> str | None:
    """The name in a `Host` header, without its port; None where there is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return None if parts.username is not None or parts.path else parts.hostname


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, name.partition(".")[0], f"{name.partition('.')[0]}.local"}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
