"""Where the page is served: the address, who may use it, and the port (stdlib only)."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.errors import PreflightError

LOOPBACK: Final = "127.0.0.1"
SHORTEST_TOKEN: Final = 16
_TOKEN_BYTES: Final = 32
_OTHERS: Final = 0o077
"""Bits of a file's mode that let others in."""

_ALL: Final = ("0.0.0.0", "::")
"""Every address of the machine, which is none that could be opened."""

SEND_BYTES: Final = 65_536
"""What the system may hold for a client that doesn't read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAddress:
    """A port that listens.

    Attributes:
        host: As it was typed.
        listener: The socket.
        local: Whether only this machine reaches it.
    """

    host: str
    listener: socket.socket
    local: bool

    @property
    def port(self) -> int:
        """Its number."""
        return int(self.listener.getsockname()[1])

    def url(self, token: str | None = None) -> str:
        """What to open."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.host in _ALL:
            host = socket.gethostname()
        return f"http://{host}:{self.port}/" + (f"?token={token}" if token else "")


def listening(host: str, port: int) -> PageAddress:
    """Takes a port.

    Args:
        host: Name or address.
        port: Its number; 0: any free one.

    Raises:
        PreflightError: There is no such address here, or the port is taken.
    """
    try:
        family, _, _, _, at = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _no_address(host, error) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    try:
        listener.bind(at)
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PreflightError(
                f"--port {port}: another program listens at {host}:{port}. Take any free port: "
                f"--port 0"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise PreflightError(
                f"--port {port}: not allowed ({error.strerror}). Take one from 1024 on: --port 8765"
            ) from error
        raise _no_address(host, error) from error
    return PageAddress(host=host, listener=listener, local=is_loopback(str(at[0])))


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_of(path: Path) -> str:
    """The token in a file: its first line.

    Raises:
        PreflightError: It can't be read, others can read it, or it holds no token.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise PreflightError(
            f"--token-file {path}: can't be read ({error.strerror}). Give another file"
        ) from error
    if mode & _OTHERS:
        raise PreflightError(
            f"--token-file {path}: other users may read it. Type: chmod 600 {path}"
        )
    token = (text.splitlines() or [""])[0].strip()
    safe = token.isascii() and all(c.isalnum() or c in "-_" for c in token)
    if len(token) < SHORTEST_TOKEN or not safe:
        raise PreflightError(
            f"--token-file {path}: its first line is no token. Allowed: at least {SHORTEST_TOKEN} "
            f"letters, digits, - and _. Make one: openssl rand -hex 32"
        )
    return token


def _no_address(host: str, error: OSError) -> PreflightError:
    return PreflightError(
        f"--host {host}: no address of this machine ({error.strerror or error}). Take all of "
        f"them: --host 0.0.0.0, or this machine alone: --host {LOOPBACK}"
    )
