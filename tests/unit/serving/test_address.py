"""Ports and tokens, and what is said where they can't be had."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from can_train.errors import PreflightError
from can_train.serving.address import SHORTEST_TOKEN, is_loopback, listening, new_token, token_of


def test_a_free_port_is_taken_on_this_machine_alone() -> None:
    address = listening("127.0.0.1", 0)
    with address.listener:
        assert address.local and address.port > 0
        assert address.url() == f"http://127.0.0.1:{address.port}/"
        assert address.url("abc") == f"http://127.0.0.1:{address.port}/?token=abc"
        with socket.create_connection(("127.0.0.1", address.port)):
            pass


def test_every_address_is_none_of_this_machine_alone_and_is_shown_by_its_name() -> None:
    address = listening("0.0.0.0", 0)
    with address.listener:
        assert not address.local
        assert address.url() == f"http://{socket.gethostname()}:{address.port}/"


def test_a_taken_port_is_one_message_with_what_to_type() -> None:
    with listening("127.0.0.1", 0).listener as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PreflightError, match=f"--port {port}: another program listens") as e:
            listening("127.0.0.1", port)
        assert str(e.value).endswith("--port 0")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(PreflightError, match=f"--host {host}: no address of this machine"):
        listening(host, 0)


def test_what_is_loopback() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("127.8.8.8") and is_loopback("::1")
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "localhost", ""))


def test_a_made_token_is_one_that_a_file_may_hold(tmp_path: Path) -> None:
    path, token = tmp_path / "token", new_token()
    path.write_text(f"{token}\nsomething else\n")
    path.chmod(0o600)
    assert token_of(path) == token != new_token()
    assert len(token) > 2 * SHORTEST_TOKEN


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 15, "a b c d e f g h i j k", "<script>alert1()"]
)
def test_a_file_without_a_token_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(PreflightError, match="its first line is no token"):
        token_of(path)


def test_a_token_that_others_can_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(new_token())
    path.chmod(0o644)
    with pytest.raises(PreflightError, match="chmod 600"):
        token_of(path)
    with pytest.raises(PreflightError, match="can't be read"):
        token_of(tmp_path / "none")
