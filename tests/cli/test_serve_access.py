"""Who may use the page of `can-train serve`, over real connections."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from can_train.serving.server import REQUEST_S
from tests.lab import Lab
from tests.pages import exported, served

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def bundle(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(lab, tmp_path_factory.mktemp("exported"))


def test_other_sites_and_names_are_refused(bundle: Path) -> None:
    with served(str(bundle)) as page:
        assert page.ask("/score")[0] == 200
        assert page.ask("/score", Host="evil.example")[0] == 403
        assert page.ask("/score", Origin="http://evil.example")[0] == 403
        own = f"http://127.0.0.1:{page.port}"
        assert page.ask("/score", Origin=own)[0] == 200
        status, headers, _ = page.ask(
            "/score?name=x", method="POST", body=b"x", Origin="http://evil.example"
        )
        assert status == 403 and "access-control-allow-origin" not in headers


def test_beyond_this_machine_a_token_is_made_printed_and_needed(bundle: Path) -> None:
    with served(str(bundle), "--host", "0.0.0.0") as page:
        path, _, token = page.url.partition("/?token=")
        assert path and len(token) >= 32
        for path in ("/", "/score", "/static/page.css", "/events"):
            assert page.ask(path)[0] == 401
        assert page.ask("/score", Authorization=f"Bearer {token}")[0] == 200
        status, headers, _ = page.ask(f"/?token={token}")
        assert status == 303
        assert "HttpOnly" in headers["set-cookie"] and "SameSite=strict" in headers["set-cookie"]
        cookie = headers["set-cookie"].partition(";")[0]
        assert page.ask("/score", Cookie=cookie)[0] == 200
        assert page.ask("/score", Cookie=cookie, Host="evil.example")[0] == 403
        assert page.ask("/?token=wrong")[0] == 401


def test_the_token_of_a_file_is_never_printed(bundle: Path, tmp_path: Path) -> None:
    path, token = tmp_path / "token", "a-token-of-my-own-1234"
    path.write_text(f"{token}\n")
    path.chmod(0o600)
    with served(str(bundle), "--token-file", str(path)) as page:
        assert token not in page.url
        assert page.ask("/")[0] == 401
        assert page.ask("/score", Authorization=f"Bearer {token}")[0] == 200
        page.stop()
        assert not any(token in line for line in page.said)


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side ends it, and says nothing before."""
    connection.settimeout(4 * REQUEST_S)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.slow
def test_who_asks_for_nothing_holds_no_place(bundle: Path) -> None:
    with served(str(bundle)) as page:
        idle = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(3)]
        idle[1].sendall(b"GET /score HTTP/1.1\r\nHost: local")
        assert all(is_ended(each) for each in idle)
        for each in idle:
            each.close()
        assert page.ask("/score")[0] == 200


def test_the_stream_is_read_not_headed(bundle: Path) -> None:
    with served(str(bundle), "--replay", "-") as page:
        assert page.ask("/events", method="HEAD")[0] == 405
