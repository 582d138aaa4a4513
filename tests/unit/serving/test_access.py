"""Who may ask: names, other sites, tokens; and what an answer says of itself."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from can_train.serving.access import Access, Guard

HERE = Access(host="127.0.0.1", port=8765, local=True)
TOKEN = "correct-horse-battery-staple"
OUTSIDE = Access(host="0.0.0.0", port=8765, local=False, token=TOKEN)
OWN = "127.0.0.1:8765"


def asked(
    access: Access,
    headers: list[tuple[str, str]],
    *,
    method: str = "GET",
    path: str = "/live",
    query: str = "",
) -> tuple[int, dict[str, str]]:
    """Code and headers of the answer to one request; what is let through is answered with 200."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    asyncio.run(Guard(PlainTextResponse("fine"), access)(scope, receive, send))
    start = sent[0]
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found


def code(access: Access, *headers: tuple[str, str], **more: str) -> int:
    return asked(access, list(headers), **more)[0]


@pytest.mark.parametrize(
    "host", [OWN, "localhost:8765", "LOCALHOST", "[::1]:8765", "127.0.0.1", "localhost:9000"]
)
def test_names_of_this_machine_are_served(host: str) -> None:
    assert code(HERE, ("Host", host)) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "localhost.evil.example", "10.0.0.1:8765", "", "a:b:c",
     "127.0.0.1:8765@evil.example", "user@localhost", "localhost/x", "[::1", "169.254.169.254"],
)  # fmt: skip
def test_a_name_that_was_pointed_here_is_refused(host: str) -> None:
    assert code(HERE, ("Host", host)) == 403


def test_a_request_without_or_with_two_names_is_refused() -> None:
    assert code(HERE) == 403
    assert code(HERE, ("Host", OWN), ("Host", "evil.example")) == 403


def test_beyond_this_machine_addresses_and_its_own_names_are_served_and_others_arent() -> None:
    known = ("Authorization", f"Bearer {TOKEN}")
    for host in ("192.168.7.9:8765", "[fe80::1]:8765", socket.gethostname(), "localhost"):
        assert code(OUTSIDE, ("Host", host), known) == 200, host
    assert code(OUTSIDE, ("Host", "evil.example"), known) == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", "https://a.b",
     "http://127.0.0.1:8765.evil.example", ""],
)  # fmt: skip
def test_another_origin_is_refused(origin: str) -> None:
    for method in ("GET", "POST"):
        assert code(HERE, ("Host", OWN), ("Origin", origin), method=method) == 403


def test_the_own_origin_and_programs_that_name_none_are_let_in() -> None:
    for method in ("GET", "POST"):
        assert code(HERE, ("Host", OWN), ("Origin", f"http://{OWN}"), method=method) == 200
        assert code(HERE, ("Host", OWN), method=method) == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_another_site_embeds_is_refused_and_its_links_may_be_followed(site: str) -> None:
    where, mode, whole = ("Host", OWN), "Sec-Fetch-Mode", ("Sec-Fetch-Dest", "document")
    assert code(HERE, where, ("Sec-Fetch-Site", site), (mode, "no-cors")) == 403
    assert code(HERE, where, ("Sec-Fetch-Site", site)) == 403
    link = (where, ("Sec-Fetch-Site", site), (mode, "navigate"))
    assert code(HERE, *link, whole) == 200
    assert code(HERE, *link, whole, method="POST") == 403
    assert code(HERE, *link, ("Sec-Fetch-Dest", "iframe")) == code(HERE, *link) == 403
    assert code(HERE, where, ("Sec-Fetch-Site", "same-origin"), (mode, "cors")) == 200


def test_without_the_token_nothing_is_answered() -> None:
    for path in ("/", "/live", "/events", "/static/page.css", "/score", "/nowhere"):
        status, headers = asked(OUTSIDE, [("Host", OWN)], path=path)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
    for wrong in ("", "x", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), OUTSIDE.cookie_value):
        assert code(OUTSIDE, ("Host", OWN), ("Authorization", f"Bearer {wrong}")) == 401
        assert code(OUTSIDE, ("Host", OWN), query=f"token={wrong}") == 401
        assert code(OUTSIDE, ("Host", OWN), ("Cookie", f"{OUTSIDE.cookie}={wrong}x")) == 401
    assert code(OUTSIDE, ("Host", OWN), query=f"token={TOKEN}", method="POST") == 401
    assert code(OUTSIDE, ("Host", OWN), ("Cookie", f"can_train_1={OUTSIDE.cookie_value}")) == 401


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address() -> None:
    status, headers = asked(OUTSIDE, [("Host", OWN)], path="/live", query=f"token={TOKEN}")
    assert (status, headers["location"]) == (303, "/")
    cookie, *about = headers["set-cookie"].split("; ")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(about)
    assert TOKEN not in headers["set-cookie"]
    assert code(OUTSIDE, ("Host", OWN), ("Cookie", f"other=1; {cookie}")) == 200


def test_a_cookie_of_another_token_is_none() -> None:
    other = Access(host="0.0.0.0", port=8765, local=False, token="another-token-another")
    cookie = ("Cookie", f"{other.cookie}={other.cookie_value}")
    assert code(other, ("Host", OWN), cookie) == 200
    assert code(OUTSIDE, ("Host", OWN), cookie) == 401


def test_every_answer_says_that_nothing_inline_and_nothing_foreign_is_loaded() -> None:
    for access in (HERE, OUTSIDE):
        _, headers = asked(access, [("Host", OWN)])
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert {policy[k] for k in ("script-src", "style-src", "connect-src")} == {"'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
