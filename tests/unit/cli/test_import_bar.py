"""The bar of an import: on a terminal alone."""

from __future__ import annotations

from io import StringIO

from can_train.cli.import_bar import import_bar


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_nothing_is_written_but_to_a_terminal() -> None:
    for stream, written in ((StringIO(), False), (Terminal(), True)):
        with import_bar(stream) as progress:
            advance = progress(2_000_000)
            advance(1_000_000)
            advance(1_000_000)
        assert bool(stream.getvalue()) is written


def test_bytes_done_are_shown() -> None:
    stream = Terminal()
    with import_bar(stream) as progress:
        progress(2_000_000)(2_000_000)
    assert "2.0/2.0 MB" in stream.getvalue()
