"""A wish to stop at the next step: a signal handler makes it, the trainer asks (stdlib only)."""

from __future__ import annotations


class Stopped(Exception):
    """Training stopped on request, after its position was saved; it can go on from there."""


class _Wish:
    """Whether somebody asked; one per process, as signals are."""

    made = False


def request_stop() -> None:
    """Asks the trainer to save its position and stop at the next step; safe in a handler."""
    _Wish.made = True


def stop_requested() -> bool:
    """Whether somebody asked."""
    return _Wish.made
